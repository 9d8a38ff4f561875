check_PROGRAMS += tests/unit/frag_table_test
TESTS += tests/unit/frag_table_test
tests_unit_frag_table_test_SOURCES = tests/unit/frag_table_test.c
tests_unit_frag_table_test_CPPFLAGS = $(test_cppflags)
tests_unit_frag_table_test_CFLAGS = $(test_cflags)
tests_unit_frag_table_test_LDADD = src/libdpvsd.la $(test_eal_libs)

check_PROGRAMS += tests/unit/parse_test tests/unit/writer_test
TESTS += tests/unit/parse_test tests/unit/writer_test
tests_unit_parse_test_SOURCES = tests/unit/parse_test.c
tests_unit_parse_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
tests_unit_parse_test_CFLAGS = $(test_cflags)
tests_unit_parse_test_LDADD = utils/libutils.la $(GLIB_LIBS)
tests_unit_writer_test_SOURCES = tests/unit/writer_test.c
tests_unit_writer_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
tests_unit_writer_test_CFLAGS = $(test_cflags)
tests_unit_writer_test_LDADD = utils/libutils.la $(GLIB_LIBS) -lm

check_PROGRAMS += tests/unit/eal_test
TESTS += tests/unit/eal_test
tests_unit_eal_test_SOURCES = tests/unit/eal_test.c
tests_unit_eal_test_CPPFLAGS = $(test_cppflags)
tests_unit_eal_test_CFLAGS = $(test_cflags)
tests_unit_eal_test_LDADD = $(test_eal_libs)

check_PROGRAMS += tests/unit/conn_table_test
TESTS += tests/unit/conn_table_test
tests_unit_conn_table_test_SOURCES = tests/unit/conn_table_test.c
tests_unit_conn_table_test_CPPFLAGS = $(test_cppflags)
tests_unit_conn_table_test_CFLAGS = $(test_cflags)
tests_unit_conn_table_test_LDADD = src/libdpvsd.la

sock_fixture = tests/unit/sock_fixture.c tests/unit/sock_fixture.h
server_tests = tests/unit/client_server_test tests/unit/server_test tests/unit/server_input_test \
	tests/unit/server_kept_test tests/unit/server_limits_test tests/unit/server_record_test
check_PROGRAMS += $(server_tests)
TESTS += $(server_tests)
tests_unit_client_server_test_SOURCES = tests/unit/client_server_test.c $(sock_fixture)
tests_unit_client_server_test_CFLAGS = $(test_cflags)
tests_unit_client_server_test_LDADD = lib/libdpvsctrl.la $(GLIB_LIBS)
tests_unit_server_test_SOURCES = tests/unit/server_test.c $(sock_fixture)
tests_unit_server_test_CFLAGS = $(test_cflags)
tests_unit_server_test_LDADD = lib/libdpvsctrl.la $(GLIB_LIBS)
tests_unit_server_input_test_SOURCES = tests/unit/server_input_test.c $(sock_fixture)
tests_unit_server_input_test_CFLAGS = $(test_cflags)
tests_unit_server_input_test_LDADD = lib/libdpvsctrl.la $(GLIB_LIBS)
tests_unit_server_kept_test_SOURCES = tests/unit/server_kept_test.c $(sock_fixture)
tests_unit_server_kept_test_CPPFLAGS = $(test_cppflags)
tests_unit_server_kept_test_CFLAGS = $(test_cflags)
tests_unit_server_kept_test_LDADD = lib/libdpvsctrl.la $(GLIB_LIBS)
tests_unit_server_limits_test_SOURCES = tests/unit/server_limits_test.c $(sock_fixture)
tests_unit_server_limits_test_CFLAGS = $(test_cflags)
tests_unit_server_limits_test_LDADD = lib/libdpvsctrl.la $(GLIB_LIBS)
tests_unit_server_record_test_SOURCES = tests/unit/server_record_test.c $(sock_fixture)
tests_unit_server_record_test_CFLAGS = $(test_cflags)
tests_unit_server_record_test_LDADD = lib/libdpvsctrl.la $(GLIB_LIBS)

check_PROGRAMS += tests/unit/client_test
TESTS += tests/unit/client_test
tests_unit_client_test_SOURCES = tests/unit/client_test.c
tests_unit_client_test_CFLAGS = $(test_cflags)
tests_unit_client_test_LDADD = lib/libdpvsctrl.la $(GLIB_LIBS)

check_PROGRAMS += tests/unit/dpip_test
TESTS += tests/unit/dpip_test
tests_unit_dpip_test_SOURCES = tests/unit/dpip_test.c
tests_unit_dpip_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
tests_unit_dpip_test_CFLAGS = $(test_cflags)
tests_unit_dpip_test_LDADD = utils/libdpip.la $(GLIB_LIBS)

check_PROGRAMS += tests/unit/addr_table_test
TESTS += tests/unit/addr_table_test
tests_unit_addr_table_test_SOURCES = tests/unit/addr_table_test.c
tests_unit_addr_table_test_CPPFLAGS = $(test_cppflags)
tests_unit_addr_table_test_CFLAGS = $(test_cflags)
tests_unit_addr_table_test_LDADD = $(test_fake_libs)

check_PROGRAMS += tests/unit/sched_test
TESTS += tests/unit/sched_test
tests_unit_sched_test_SOURCES = tests/unit/sched_test.c
tests_unit_sched_test_CPPFLAGS = $(test_cppflags)
tests_unit_sched_test_CFLAGS = $(test_cflags)
tests_unit_sched_test_LDADD = $(test_fake_libs)
msg_rig = tests/unit/msg_rig.c tests/unit/msg_rig.h
check_PROGRAMS += tests/unit/msg_test
TESTS += tests/unit/msg_test
tests_unit_msg_test_SOURCES = tests/unit/msg_test.c $(msg_rig)
tests_unit_msg_test_CPPFLAGS = $(test_cppflags)
tests_unit_msg_test_CFLAGS = $(test_cflags)
tests_unit_msg_test_LDADD = lib/libdpvsctrl.la $(test_eal_libs)

check_PROGRAMS += tests/unit/msg_loop_test
TESTS += tests/unit/msg_loop_test
tests_unit_msg_loop_test_SOURCES = tests/unit/msg_loop_test.c $(msg_rig)
tests_unit_msg_loop_test_CPPFLAGS = $(test_cppflags)
tests_unit_msg_loop_test_CFLAGS = $(test_cflags)
tests_unit_msg_loop_test_LDADD = lib/libdpvsctrl.la $(test_eal_libs)

check_PROGRAMS += tests/unit/laddr_port_test
TESTS += tests/unit/laddr_port_test
tests_unit_laddr_port_test_SOURCES = tests/unit/laddr_port_test.c
tests_unit_laddr_port_test_CPPFLAGS = $(test_cppflags)
tests_unit_laddr_port_test_CFLAGS = $(test_cflags)
tests_unit_laddr_port_test_LDADD = src/libdpvsd.la

check_PROGRAMS += tests/unit/tcp_test
TESTS += tests/unit/tcp_test
tests_unit_tcp_test_SOURCES = tests/unit/tcp_test.c
tests_unit_tcp_test_CPPFLAGS = $(test_cppflags)
tests_unit_tcp_test_CFLAGS = $(test_cflags)
tests_unit_tcp_test_LDADD = src/libdpvsd.la

svc_rig = tests/unit/svc_rig.c tests/unit/svc_rig.h
check_PROGRAMS += tests/unit/service_test
TESTS += tests/unit/service_test
tests_unit_service_test_SOURCES = tests/unit/service_test.c $(svc_rig)
tests_unit_service_test_CPPFLAGS = $(test_cppflags)
tests_unit_service_test_CFLAGS = $(test_cflags)
tests_unit_service_test_LDADD = $(test_fake_libs)

check_PROGRAMS += tests/unit/dest_test
TESTS += tests/unit/dest_test
tests_unit_dest_test_SOURCES = tests/unit/dest_test.c $(svc_rig)
tests_unit_dest_test_CPPFLAGS = $(test_cppflags)
tests_unit_dest_test_CFLAGS = $(test_cflags)
tests_unit_dest_test_LDADD = $(test_fake_libs)

check_PROGRAMS += tests/unit/service_bulk_test
TESTS += tests/unit/service_bulk_test
tests_unit_service_bulk_test_SOURCES = tests/unit/service_bulk_test.c $(svc_rig)
tests_unit_service_bulk_test_CPPFLAGS = $(test_cppflags)
tests_unit_service_bulk_test_CFLAGS = $(test_cflags)
tests_unit_service_bulk_test_LDADD = $(test_fake_libs)


check_PROGRAMS += tests/unit/wire_test
TESTS += tests/unit/wire_test
tests_unit_wire_test_SOURCES = tests/unit/wire_test.c
tests_unit_wire_test_CFLAGS = $(test_cflags)
tests_unit_wire_test_LDADD = lib/libdpvsctrl-client.la $(GLIB_LIBS)
check_PROGRAMS += tests/unit/service_random_test
TESTS += tests/unit/service_random_test
tests_unit_service_random_test_SOURCES = tests/unit/service_random_test.c tests/helpers/lbmodel.c \
	tests/helpers/lbmodel.h
tests_unit_service_random_test_CPPFLAGS = $(test_cppflags)
tests_unit_service_random_test_CFLAGS = $(test_cflags)
tests_unit_service_random_test_LDADD = $(test_fake_libs)
check_PROGRAMS += tests/unit/change_test
TESTS += tests/unit/change_test
tests_unit_change_test_SOURCES = tests/unit/change_test.c
tests_unit_change_test_CPPFLAGS = $(test_cppflags)
tests_unit_change_test_CFLAGS = $(test_cflags)
tests_unit_change_test_LDADD = $(test_harness_libs)

check_PROGRAMS += tests/unit/change_queue_test
TESTS += tests/unit/change_queue_test
tests_unit_change_queue_test_SOURCES = tests/unit/change_queue_test.c
tests_unit_change_queue_test_CPPFLAGS = $(test_cppflags)
tests_unit_change_queue_test_CFLAGS = $(test_cflags)
tests_unit_change_queue_test_LDADD = $(test_harness_libs)

check_PROGRAMS += tests/unit/conf_test
TESTS += tests/unit/conf_test
tests_unit_conf_test_SOURCES = tests/unit/conf_test.c
tests_unit_conf_test_CPPFLAGS = $(test_cppflags)
tests_unit_conf_test_CFLAGS = $(test_cflags)
tests_unit_conf_test_LDADD = src/libdpvsd.la

check_PROGRAMS += tests/unit/log_test
TESTS += tests/unit/log_test
tests_unit_log_test_SOURCES = tests/unit/log_test.c
tests_unit_log_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_unit_log_test_CFLAGS = $(test_cflags)
tests_unit_log_test_LDADD = src/libdpvsd.la $(GLIB_LIBS)

check_PROGRAMS += tests/unit/notify_test
TESTS += tests/unit/notify_test
tests_unit_notify_test_SOURCES = tests/unit/notify_test.c
tests_unit_notify_test_CPPFLAGS = $(AM_CPPFLAGS) -I$(top_srcdir)/src
tests_unit_notify_test_CFLAGS = $(test_cflags)
tests_unit_notify_test_LDADD = src/libdpvsd.la $(GLIB_LIBS)

check_PROGRAMS += tests/unit/modules_test
TESTS += tests/unit/modules_test
tests_unit_modules_test_SOURCES = tests/unit/modules_test.c
tests_unit_modules_test_CPPFLAGS = $(test_cppflags)
tests_unit_modules_test_CFLAGS = $(test_cflags)
tests_unit_modules_test_LDADD = src/libdpvsd.la
check_PROGRAMS += tests/unit/ping_test
TESTS += tests/unit/ping_test
tests_unit_ping_test_SOURCES = tests/unit/ping_test.c
tests_unit_ping_test_CPPFLAGS = $(test_cppflags)
tests_unit_ping_test_CFLAGS = $(test_cflags)
tests_unit_ping_test_LDADD = $(test_harness_libs)

check_PROGRAMS += tests/unit/event_test
TESTS += tests/unit/event_test
tests_unit_event_test_SOURCES = tests/unit/event_test.c
tests_unit_event_test_CPPFLAGS = $(test_cppflags)
tests_unit_event_test_CFLAGS = $(test_cflags)
tests_unit_event_test_LDADD = $(test_event_libs)

check_PROGRAMS += tests/unit/verify_test
TESTS += tests/unit/verify_test
tests_unit_verify_test_SOURCES = tests/unit/verify_test.c
tests_unit_verify_test_CPPFLAGS = $(test_cppflags)
tests_unit_verify_test_CFLAGS = $(test_cflags)
tests_unit_verify_test_LDADD = $(test_net_libs)
check_PROGRAMS += tests/unit/event_random_test
TESTS += tests/unit/event_random_test
tests_unit_event_random_test_SOURCES = tests/unit/event_random_test.c
tests_unit_event_random_test_CPPFLAGS = $(test_cppflags)
tests_unit_event_random_test_CFLAGS = $(test_cflags)
tests_unit_event_random_test_LDADD = $(test_event_libs)

check_PROGRAMS += tests/unit/msg_clock_test
TESTS += tests/unit/msg_clock_test
tests_unit_msg_clock_test_SOURCES = tests/unit/msg_clock_test.c
tests_unit_msg_clock_test_CPPFLAGS = $(test_cppflags)
tests_unit_msg_clock_test_CFLAGS = $(test_cflags)
tests_unit_msg_clock_test_LDADD = lib/libdpvsctrl.la $(test_eal_libs)
check_PROGRAMS += tests/unit/msg_stress_test
TESTS += tests/unit/msg_stress_test
tests_unit_msg_stress_test_SOURCES = tests/unit/msg_stress_test.c
tests_unit_msg_stress_test_CPPFLAGS = $(test_cppflags)
tests_unit_msg_stress_test_CFLAGS = $(test_cflags)
tests_unit_msg_stress_test_LDADD = lib/libdpvsctrl.la $(test_eal_libs)

# "make check-tsan": the message core and its tests under ThreadSanitizer, whatever the rest was built with.
tsan_programs = tests/unit/msg_tsan tests/unit/msg_loop_tsan tests/unit/msg_stress_tsan
EXTRA_PROGRAMS += $(tsan_programs)
CLEANFILES += $(tsan_programs)
EXTRA_DIST += tests/tsan.supp
tsan_core = tests/helpers/eal.c tests/helpers/eal.h lib/msg.c lib/msg_send.c lib/msg_process.c lib/msg_stats.c \
	lib/msg_types.c lib/registry.c
# The C11 rings, so that it sees their atomics; fences, which it does not know: msg_ring_acquire() in lib/msg_priv.h.
tsan_cppflags = $(test_cppflags) -DRTE_USE_C11_MEM_MODEL
tsan_cflags = $(test_cflags) -fsanitize=thread -Wno-tsan -g
tests_unit_msg_tsan_SOURCES = tests/unit/msg_test.c $(msg_rig) $(tsan_core)
tests_unit_msg_tsan_CPPFLAGS = $(tsan_cppflags)
tests_unit_msg_tsan_CFLAGS = $(tsan_cflags)
tests_unit_msg_tsan_LDFLAGS = -fsanitize=thread
tests_unit_msg_tsan_LDADD = $(GLIB_LIBS) $(DPDK_LIBS)
tests_unit_msg_loop_tsan_SOURCES = tests/unit/msg_loop_test.c $(msg_rig) $(tsan_core)
tests_unit_msg_loop_tsan_CPPFLAGS = $(tsan_cppflags)
tests_unit_msg_loop_tsan_CFLAGS = $(tsan_cflags)
tests_unit_msg_loop_tsan_LDFLAGS = -fsanitize=thread
tests_unit_msg_loop_tsan_LDADD = $(GLIB_LIBS) $(DPDK_LIBS)
tests_unit_msg_stress_tsan_SOURCES = tests/unit/msg_stress_test.c $(tsan_core)
tests_unit_msg_stress_tsan_CPPFLAGS = $(tsan_cppflags)
tests_unit_msg_stress_tsan_CFLAGS = $(tsan_cflags)
tests_unit_msg_stress_tsan_LDFLAGS = -fsanitize=thread
tests_unit_msg_stress_tsan_LDADD = $(GLIB_LIBS) $(DPDK_LIBS)

.PHONY: check-tsan
check-tsan: $(tsan_programs)
	@rc=0; for p in $(tsan_programs); do \
		TSAN_OPTIONS="suppressions=$(abs_top_srcdir)/tests/tsan.supp $$TSAN_OPTIONS" DPVS_TEST_TIMEOUT=600 \
			$(SHELL) $(top_srcdir)/tests/run-test ./$$p || rc=1; \
	done; exit $$rc
check_PROGRAMS += tests/unit/service_view_test
TESTS += tests/unit/service_view_test
tests_unit_service_view_test_SOURCES = tests/unit/service_view_test.c
tests_unit_service_view_test_CPPFLAGS = $(test_cppflags)
tests_unit_service_view_test_CFLAGS = $(test_cflags)
tests_unit_service_view_test_LDADD = $(test_fake_libs)

check_PROGRAMS += tests/unit/htable_test
TESTS += tests/unit/htable_test
tests_unit_htable_test_SOURCES = tests/unit/htable_test.c
tests_unit_htable_test_CPPFLAGS = $(test_cppflags)
tests_unit_htable_test_CFLAGS = $(test_cflags)
tests_unit_htable_test_LDADD = $(GLIB_LIBS)
