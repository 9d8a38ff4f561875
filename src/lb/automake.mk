src_libdpvsd_la_SOURCES += src/lb/conn.h src/lb/laddr.h src/lb/sched.h src/lb/service.h \
	src/lb/timeouts.h
