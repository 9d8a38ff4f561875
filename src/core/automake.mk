src_libdpvsd_la_SOURCES += src/core/change.h src/core/conf.h src/core/graph.h src/core/lcore.h \
	src/core/log.h src/core/pkt.h src/core/stats.h src/core/sysinfo.h
