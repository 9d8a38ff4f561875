# The library and the control side of the daemon a second time, with fault points; the rest is libdpvsd.la's.
check_PROGRAMS += tests/fault/fault_test
TESTS += tests/fault/fault_test
fault_daemon_sources = src/core/change.c src/core/change_queue.c src/core/collect.c src/core/ctl.c src/core/event.c \
	src/core/event_sub.c src/core/lcore.c src/core/ping.c src/core/txn.c src/core/verify.c \
	src/lb/addr_table.c src/lb/conn_ctrl.c src/lb/dest.c src/lb/dest_slot.c src/lb/laddr.c \
	src/lb/laddr_ctl.c src/lb/laddr_slot.c src/lb/lb_build.c src/lb/lb_get.c \
	src/lb/lb_stats.c src/lb/replica.c src/lb/sched.c src/lb/sched/mh.c src/lb/sched/wrr.c src/lb/service.c \
	src/lb/service_ctl.c src/lb/service_table.c src/lb/timeouts.c src/net/arp.c src/net/ifaddr.c src/net/ifaddr_ctl.c \
	src/net/ndisc.c src/net/neigh.c src/net/neigh_ctl.c src/net/neigh_node.c src/net/neigh_table.c src/net/netif.c \
	src/net/netif_ctl.c src/net/rib.c src/net/route_ctl.c src/net/route_rib.c \
	src/net/route_static.c src/net/route_table.c
tests_fault_fault_test_SOURCES = tests/fault/fault_test.c tests/fault/attempt.c tests/fault/attempt.h \
	tests/fault/check.c tests/fault/check.h tests/fault/client.c tests/fault/client.h tests/fault/parts.h \
	tests/fault/rounds.c tests/fault/sweep.c tests/fault/zero.c \
	tests/fault/listing.c tests/fault/model.c tests/fault/model.h tests/fault/op.c tests/fault/world.h tests/helpers/lbmodel.c tests/helpers/lbmodel.h tests/helpers/overwrite.h \
	$(ctrl_sources) lib/fault_point.c $(fault_daemon_sources)
tests_fault_fault_test_CPPFLAGS = $(test_cppflags) -DSYSCONFDIR='"$(sysconfdir)"'
tests_fault_fault_test_CFLAGS = $(test_cflags) $(fault_injection)
tests_fault_fault_test_LDADD = $(test_net_libs)
