src_libdpvsd_la_SOURCES += src/net/ifaddr.h src/net/neigh.h src/net/netif.h src/net/route.h
