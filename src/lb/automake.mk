src_libdpvsd_la_SOURCES += src/lb/conn.h src/lb/laddr.h src/lb/sched.h src/lb/service.h \
	src/lb/timeouts.h

src_libdpvsd_la_SOURCES += src/lb/conn_table.c src/lb/conn_table.h src/lb/conn_timer.c \
	src/lb/laddr_port.c src/lb/laddr_port.h
