src_libdpvsd_la_SOURCES += src/core/change.c src/core/collect.c src/core/collect.h src/core/stats_ctl.c src/core/stats_ctl.h src/core/change.h src/core/change_priv.h src/core/change_queue.c src/core/conf.c \
	src/core/conf.h src/core/conf_scan.c src/core/conf_scan.h src/core/cpulist.c src/core/cpulist.h src/core/digest.h src/core/verify.c src/core/verify.h \
	src/core/ctl.c src/core/ctl.h src/core/eal.c src/core/eal.h src/core/fault.h src/core/event.c src/core/event.h src/core/event_priv.h src/core/event_sub.c src/core/graph.c src/core/graph.h \
	src/core/graph_priv.h src/core/htable.h src/core/reserve.h src/core/handover.c src/core/handover.h src/core/lcore.c src/core/lcore.h \
	src/core/listing.c src/core/listing.h src/core/log.c src/core/log.h src/core/log_out.c src/core/log_out.h src/core/notify.c src/core/notify.h src/core/pkt.h src/core/stats.c src/core/stats.h \
	src/core/ping.c src/core/ping.h src/core/sysinfo.c src/core/sysinfo.h src/core/segs.h src/core/txn.c src/core/txn.h
