src_libdpvsd_la_SOURCES += src/lb/conn.h src/lb/laddr.h src/lb/sched.h src/lb/service.h \
	src/lb/timeouts.h

# Data path.
src_libdpvsd_la_SOURCES += src/lb/conn.c src/lb/conn_ctrl.c src/lb/conn_ctrl.h src/lb/conn_dump.c src/lb/conn_find.h \
	src/lb/conn_table.c src/lb/conn_table.h src/lb/conn_timer.c src/lb/csum.h src/lb/laddr_port.c src/lb/laddr_port.h \
	src/lb/lb4_input.c src/lb/lb6_input.c src/lb/lb_input.c src/lb/lb_input.h \
	src/lb/proto/icmp.c src/lb/proto/icmp.h src/lb/proto/tcp.c src/lb/proto/tcp.h \
	src/lb/xmit/xmit.c src/lb/xmit/xmit.h src/lb/xmit/xmit_dr.c src/lb/xmit/xmit_fnat.c \
	src/lb/xmit/xmit_nat.c

# Control side: truth.h says what each file does.
src_libdpvsd_la_SOURCES += src/lb/addr_table.c src/lb/addr_table.h src/lb/dest.c src/lb/dest_slot.c \
	src/lb/laddr.c src/lb/laddr_ctl.c src/lb/laddr_pool.c src/lb/laddr_priv.h src/lb/laddr_slot.c src/lb/lb_build.c \
	src/lb/lb_digest.c src/lb/lb_event.c src/lb/lb_get.c src/lb/lb_key.c src/lb/lb_stats.c \
	src/lb/replica.c src/lb/replica.h src/lb/sched.c src/lb/service.c \
	src/lb/service_ctl.c src/lb/service_table.c src/lb/slots.h src/lb/timeouts.c src/lb/truth.h \
	src/lb/lb_zero.c src/lb/sched/lc.c src/lb/sched/least.c src/lb/sched/least.h src/lb/sched/load.h src/lb/sched/mh.c src/lb/sched/mh.h src/lb/sched/ready.h src/lb/sched/sort.h \
	src/lb/sched/rr.c src/lb/sched/wlc.c src/lb/sched/wrr.c
