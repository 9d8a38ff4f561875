# What both tools share. No DPDK, no GLib.
noinst_LTLIBRARIES += utils/libutils.la
utils_libutils_la_SOURCES = \
	utils/common/daemon.c utils/common/daemon.h \
	utils/common/error.c utils/common/error.h \
	utils/common/format.c utils/common/format.h \
	utils/common/parse.c utils/common/parse.h \
	utils/common/std_fds.c utils/common/std_fds.h \
	utils/common/words.c utils/common/words.h \
	utils/common/writer.c utils/common/writer.h
utils_libutils_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
utils_libutils_la_LIBADD = lib/libdpvsctrl-client.la
