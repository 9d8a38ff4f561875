src_libdpvsd_la_SOURCES += src/net/ifaddr.h src/net/neigh.h src/net/netif.h src/net/route.h
src_libdpvsd_la_SOURCES += src/net/eth.c src/net/eth.h src/net/netif.c src/net/netif_ctl.c \
	src/net/netif_dev.c src/net/netif_priv.h src/net/port.c src/net/port.h
