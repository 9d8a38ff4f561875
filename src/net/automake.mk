src_libdpvsd_la_SOURCES += src/net/ifaddr.h src/net/neigh.h src/net/netif.h src/net/route.h
src_libdpvsd_la_SOURCES += src/net/eth.c src/net/eth.h src/net/netif.c src/net/netif_ctl.c \
	src/net/netif_dev.c src/net/netif_lcore.c src/net/netif_priv.h src/net/port.c src/net/port.h

# The network layer.
src_libdpvsd_la_SOURCES += src/core/compat.h src/net/addr.h src/net/arp.c src/net/arp.h src/net/bucket.h \
	src/net/frag.c src/net/frag.h src/net/frag_out.c src/net/frag_table.c src/net/frag_table.h \
	src/net/icmp.h src/net/icmp4.c src/net/icmp6.c src/net/ifaddr.c src/net/ifaddr_ctl.c src/net/ifaddr_priv.h \
	src/net/ifaddr_source.c src/net/neigh_ctl.c src/net/neigh_digest.c src/net/neigh_replica.c \
	src/net/neigh_table.c src/net/neigh_table.h src/net/route_ctl.c src/net/route_digest.c src/net/route_priv.h \
	src/net/route_rib.c src/net/route_static.c src/net/wire_dev.c src/net/wire_dev.h src/net/ip6.c src/net/ip6.h \
	src/net/ipv4.c src/net/ipv4.h src/net/ipv4_input.c src/net/ipv6.c src/net/ipv6.h \
	src/net/ipv6_input.c src/net/l4.c src/net/l4.h src/net/mbuf.c src/net/mbuf.h src/net/ndisc.c \
	src/net/ndisc.h src/net/neigh.c src/net/neigh_node.c src/net/neigh_priv.h src/net/node.h \
	src/net/rib.c src/net/rib.h src/net/route.c src/net/route6.c src/net/route_addr.c src/net/route_table.c \
	src/net/route_table.h src/net/tcp_reset.c src/net/tcp_reset.h

src_libdpvsd_la_SOURCES += src/net/rss.c src/net/rss.h
