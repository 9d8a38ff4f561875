dist_man_MANS += doc/man/dpvs.7 doc/man/dpvsd.8 doc/man/ipvsadm.8 doc/man/ipvsadm-save.8 doc/man/ipvsadm-restore.8 doc/man/dpvsd.conf.5
dist_man_MANS += doc/man/dpip.8 doc/man/dpip-addr.8 doc/man/dpip-conn.8 doc/man/dpip-graph.8 \
	doc/man/dpip-lcore.8 doc/man/dpip-link.8 doc/man/dpip-mem.8 doc/man/dpip-monitor.8 doc/man/dpip-msg.8 \
	doc/man/dpip-neigh.8 doc/man/dpip-route.8 doc/man/dpip-stats.8 doc/man/dpip-verify.8
EXTRA_DIST += doc/architecture.md doc/coding-style.md doc/modules.md doc/protocol.md doc/testing.md
EXTRA_DIST += doc/coding-style.md doc/modules.md doc/performance.md doc/protocol.md doc/testing.md
EXTRA_DIST += doc/core.md
EXTRA_DIST += doc/services.md
EXTRA_DIST += doc/tools.md doc/graph.svg
EXTRA_DIST += doc/network.md
EXTRA_DIST += doc/connections.md
EXTRA_DIST += doc/examples/Makefile doc/examples/client.c doc/examples/count.c doc/examples/count.h \
	doc/examples/daemon.c doc/examples/dpvs-list.py
dist_man_MANS += doc/man/libdpvsctrl.3
