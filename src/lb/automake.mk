src_libdpvsd_la_SOURCES += src/lb/conn.h src/lb/sched.h src/lb/service.h
