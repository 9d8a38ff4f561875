# Benches: "make bench". Each program prints JSON objects, one a line, on stdout:
#   {"bench":NAME,"value":N,"unit":U,"floor":N,"ratio":R}
# Name a program in bench_programs and give its _SOURCES, _CPPFLAGS, ... as for any other.
bench_programs = tests/bench/bench_msg
# Part of make check, so that a change that breaks one is noticed; run by make bench only.
check_PROGRAMS += $(bench_programs)

.PHONY: bench
bench: all $(bench_programs)
	@rc=0; for p in $(bench_programs); do \
		$(SHELL) $(top_srcdir)/tests/run-test ./$$p || rc=1; \
	done; exit $$rc

tests_bench_bench_msg_SOURCES = tests/bench/bench_msg.c tests/bench/bench.h
tests_bench_bench_msg_CPPFLAGS = $(test_cppflags)
tests_bench_bench_msg_CFLAGS = $(test_cflags)
tests_bench_bench_msg_LDADD = lib/libdpvsctrl.la $(test_eal_libs)

bench_programs += tests/bench/bench_dp
tests_bench_bench_dp_SOURCES = tests/bench/bench_dp.c tests/bench/feed.c tests/bench/feed.h
tests_bench_bench_dp_CPPFLAGS = $(test_cppflags) -I$(top_srcdir)/tests/bench
tests_bench_bench_dp_CFLAGS = $(test_cflags)
tests_bench_bench_dp_LDADD = $(test_lb_libs)

bench_programs += tests/bench/bench_conn
tests_bench_bench_conn_SOURCES = tests/bench/bench_conn.c
tests_bench_bench_conn_CPPFLAGS = $(test_cppflags)
tests_bench_bench_conn_CFLAGS = $(test_cflags)
tests_bench_bench_conn_LDADD = src/libdpvsd.la

bench_programs += tests/bench/bench_ctl
tests_bench_bench_ctl_SOURCES = tests/bench/bench_ctl.c tests/bench/bench.h
tests_bench_bench_ctl_CFLAGS = $(test_cflags)
tests_bench_bench_ctl_LDADD = lib/libdpvsctrl.la $(GLIB_LIBS)

# Whole runs of the tools against the daemon.
bench_programs += tests/bench/bench_tools
tests_bench_bench_tools_SOURCES = tests/bench/bench_tools.c tests/bench/bench.h
tests_bench_bench_tools_CFLAGS = $(AM_CFLAGS) -pthread
tests_bench_bench_tools_LDADD = lib/libdpvsctrl-client.la
bench_programs += tests/bench/bench_dump
tests_bench_bench_dump_SOURCES = tests/bench/bench_dump.c tests/bench/bench.h tests/helpers/conns.c \
	tests/helpers/conns.h
tests_bench_bench_dump_CPPFLAGS = $(test_cppflags) -I$(top_srcdir)/tests/bench
tests_bench_bench_dump_CFLAGS = $(test_cflags)
tests_bench_bench_dump_LDADD = $(test_harness_libs)

bench_programs += tests/bench/bench_load
tests_bench_bench_load_SOURCES = tests/bench/bench_load.c tests/bench/bench.h tests/helpers/conns.c \
	tests/helpers/conns.h tests/helpers/lb_records.h
tests_bench_bench_load_CPPFLAGS = $(test_cppflags) -I$(top_srcdir)/tests/bench
tests_bench_bench_load_CFLAGS = $(test_cflags)
tests_bench_bench_load_LDADD = $(test_harness_libs)
# It stands between the worker's loop and dpvs_msg_process().
tests_bench_bench_load_LDFLAGS = -Wl,--wrap=dpvs_msg_process_at

bench_programs += tests/bench/bench_turns
tests_bench_bench_turns_SOURCES = tests/bench/bench_turns.c tests/bench/bench.h tests/helpers/lb_records.h
tests_bench_bench_turns_CPPFLAGS = $(test_cppflags) -I$(top_srcdir)/tests/bench
tests_bench_bench_turns_CFLAGS = $(test_cflags)
tests_bench_bench_turns_LDADD = $(test_harness_libs)
