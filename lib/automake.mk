# libdpvsctrl: client half (also linked into the tools), server half, messages.
noinst_LTLIBRARIES += lib/libdpvsctrl-client.la
lib_libdpvsctrl_client_la_CFLAGS = $(AM_CFLAGS) -fvisibility=default
lib_libdpvsctrl_client_la_SOURCES = lib/wire.c lib/client.c lib/client_recv.c lib/client_stream.c \
	lib/client_txn.c lib/client_priv.h

lib_LTLIBRARIES += lib/libdpvsctrl.la
ctrl_sources = lib/registry.c lib/registry.h lib/server.c lib/server_client.c \
	lib/server_req.c lib/server_priv.h lib/msg.c lib/msg_send.c lib/msg_process.c lib/msg_stats.c \
	lib/msg_types.c lib/msg_priv.h lib/fault_alloc.h lib/fault_point.h
lib_libdpvsctrl_la_SOURCES = $(ctrl_sources)
lib_libdpvsctrl_la_CPPFLAGS = $(dpdk_cppflags)
lib_libdpvsctrl_la_CFLAGS = $(AM_CFLAGS) $(GLIB_CFLAGS) $(fault_cflags) -fvisibility=default
lib_libdpvsctrl_la_LIBADD = lib/libdpvsctrl-client.la $(GLIB_LIBS) $(DPDK_LIBS)
lib_libdpvsctrl_la_LDFLAGS = $(AM_LDFLAGS) -version-info 0:0:0
# Faults for the library and the daemon are decided in one place, which a version script would hide.
if FAULT_INJECTION
lib_libdpvsctrl_la_SOURCES += lib/fault_point.c
else
lib_libdpvsctrl_la_LDFLAGS += -Wl,--version-script=$(top_srcdir)/lib/libdpvsctrl.sym
endif
EXTRA_lib_libdpvsctrl_la_DEPENDENCIES = lib/libdpvsctrl.sym
EXTRA_DIST += lib/libdpvsctrl.sym

dpvsctrldir = $(includedir)/dpvsctrl
dpvsctrl_HEADERS = lib/dpvsctrl/types.h lib/dpvsctrl/wire.h lib/dpvsctrl/client.h \
	lib/dpvsctrl/server.h lib/dpvsctrl/msg.h
dpvsctrlprotodir = $(includedir)/dpvsctrl/proto
dpvsctrlproto_HEADERS = lib/dpvsctrl/proto/addr.h lib/dpvsctrl/proto/conn.h \
	lib/dpvsctrl/proto/daemon.h lib/dpvsctrl/proto/event.h lib/dpvsctrl/proto/laddr.h \
	lib/dpvsctrl/proto/neigh.h lib/dpvsctrl/proto/netif.h lib/dpvsctrl/proto/route.h \
	lib/dpvsctrl/proto/service.h lib/dpvsctrl/proto/txn.h

pkgconfig_DATA += lib/libdpvsctrl.pc
