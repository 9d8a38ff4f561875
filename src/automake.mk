# The daemon: a convenience library, so that tests link it, and a thin main.
noinst_LTLIBRARIES += src/libdpvsd.la
src_libdpvsd_la_SOURCES = src/daemon.c src/daemon.h src/module.h src/modules.c src/modules.h
src_libdpvsd_la_CPPFLAGS = $(dpdk_cppflags) -I$(top_srcdir)/src -DALLOW_EXPERIMENTAL_API \
	-DSYSCONFDIR='"$(sysconfdir)"'
src_libdpvsd_la_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS) $(fault_cflags)
src_libdpvsd_la_LIBADD = lib/libdpvsctrl.la $(GLIB_LIBS) $(DPDK_LIBS)

sbin_PROGRAMS += src/dpvsd
src_dpvsd_SOURCES = src/main.c
src_dpvsd_CPPFLAGS = $(src_libdpvsd_la_CPPFLAGS)
src_dpvsd_CFLAGS = $(src_libdpvsd_la_CFLAGS)
src_dpvsd_LDADD = src/libdpvsd.la
