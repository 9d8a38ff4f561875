# What both tools share. No DPDK, no GLib.
noinst_LTLIBRARIES += utils/libutils.la
utils_libutils_la_SOURCES = utils/common/util.c utils/common/util.h
utils_libutils_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
utils_libutils_la_LIBADD = lib/libdpvsctrl-client.la
