# dpip: everything but main() in a library of its own, so that tests can link it.
noinst_LTLIBRARIES += utils/libdpip.la
utils_libdpip_la_SOURCES = \
	utils/dpip/addr.c utils/dpip/args.c utils/dpip/args.h \
	utils/dpip/batch.c utils/dpip/batch.h \
	utils/dpip/command.c utils/dpip/command.h \
	utils/dpip/conn.c utils/dpip/dpip.h utils/dpip/graph.c utils/dpip/lcore.c utils/dpip/link.c \
	utils/dpip/mem.c utils/dpip/monitor.c utils/dpip/monitor.h utils/dpip/monitor_show.c utils/dpip/msg.c utils/dpip/neigh.c \
	utils/dpip/options.c utils/dpip/options.h \
	utils/dpip/route.c utils/dpip/session.c utils/dpip/session.h \
	utils/dpip/show.c utils/dpip/show.h utils/dpip/stats.c \
	utils/dpip/table.c utils/dpip/table.h utils/dpip/verify.c
utils_libdpip_la_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
utils_libdpip_la_LIBADD = utils/libutils.la

sbin_PROGRAMS += utils/dpip/dpip
utils_dpip_dpip_SOURCES = utils/dpip/main.c
utils_dpip_dpip_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
utils_dpip_dpip_LDADD = utils/libdpip.la

dist_bashcompletion_DATA += utils/completion/dpip
