TESTS += tests/ctl/check.t tests/ctl/daemon-life.t tests/ctl/port.t
dist_check_SCRIPTS += tests/ctl/check.t tests/ctl/daemon-life.t tests/ctl/port.t
EXTRA_DIST += tests/helpers/daemon.sh

dpip_tests = tests/ctl/dpip-batch.t tests/ctl/dpip-completion.t tests/ctl/dpip-live.t tests/ctl/dpip-monitor.t tests/ctl/dpip-output.t \
	tests/ctl/dpip-requests.t tests/ctl/dpip-runs.t
TESTS += $(dpip_tests)
dist_check_SCRIPTS += $(dpip_tests)

EXTRA_DIST += tests/helpers/fake-dpvsd.sh

# Answers dpip out of constant tables.
check_PROGRAMS += tests/helpers/fake-dpvsd
tests_helpers_fake_dpvsd_SOURCES = tests/helpers/fake-dpvsd.c tests/helpers/fake-event.c tests/helpers/fake-event.h \
	tests/helpers/fake-lb.c tests/helpers/fake-lb.h
tests_helpers_fake_dpvsd_CFLAGS = $(test_cflags)
tests_helpers_fake_dpvsd_LDADD = lib/libdpvsctrl.la $(GLIB_LIBS)

ipvsadm_tests = tests/ctl/ipvsadm-bad-input.t tests/ctl/ipvsadm-listings.t tests/ctl/ipvsadm-recorded.t \
	tests/ctl/ipvsadm-save-restore.t
TESTS += $(ipvsadm_tests)
dist_check_SCRIPTS += $(ipvsadm_tests)
EXTRA_DIST += tests/ctl/data/ipvsadm-recorded.txt

TESTS += tests/ctl/services.t
dist_check_SCRIPTS += tests/ctl/services.t

# The examples of doc/examples.
TESTS += tests/ctl/example-c.t tests/ctl/example-python.t
dist_check_SCRIPTS += tests/ctl/example-c.t tests/ctl/example-python.t

# All kinds of bad clients at once, and a worker that stops.
check_PROGRAMS += tests/ctl/safety_test
TESTS += tests/ctl/safety_test
tests_ctl_safety_test_SOURCES = tests/ctl/safety_test.c tests/ctl/crowd.c tests/ctl/crowd.h
tests_ctl_safety_test_CPPFLAGS = $(test_cppflags)
tests_ctl_safety_test_CFLAGS = $(test_cflags)
tests_ctl_safety_test_LDADD = $(test_net_libs)

# Transactions through the socket.
check_PROGRAMS += tests/ctl/txn_test
TESTS += tests/ctl/txn_test
tests_ctl_txn_test_SOURCES = tests/ctl/txn_test.c tests/helpers/peer.c tests/helpers/peer.h tests/helpers/overwrite.h
tests_ctl_txn_test_CPPFLAGS = $(test_cppflags)
tests_ctl_txn_test_CFLAGS = $(test_cflags)
tests_ctl_txn_test_LDADD = $(test_harness_libs)

# What readers see while a transaction of all families is prepared.
check_PROGRAMS += tests/ctl/view_test
TESTS += tests/ctl/view_test
tests_ctl_view_test_SOURCES = tests/ctl/view_test.c tests/helpers/events.c tests/helpers/events.h \
	tests/helpers/peer.c tests/helpers/peer.h
tests_ctl_view_test_CPPFLAGS = $(test_cppflags)
tests_ctl_view_test_CFLAGS = $(test_cflags)
tests_ctl_view_test_LDADD = $(test_harness_libs)

check_PROGRAMS += tests/ctl/deadline_test
TESTS += tests/ctl/deadline_test
tests_ctl_deadline_test_SOURCES = tests/ctl/deadline_test.c tests/helpers/peer.c tests/helpers/peer.h
tests_ctl_deadline_test_CPPFLAGS = $(test_cppflags)
tests_ctl_deadline_test_CFLAGS = $(test_cflags)
tests_ctl_deadline_test_LDADD = $(test_harness_libs)
# Lists of very many connections.
check_PROGRAMS += tests/ctl/dump_test
TESTS += tests/ctl/dump_test
tests_ctl_dump_test_SOURCES = tests/ctl/dump_test.c tests/helpers/conns.c tests/helpers/conns.h
tests_ctl_dump_test_CPPFLAGS = $(test_cppflags)
tests_ctl_dump_test_CFLAGS = $(test_cflags)
tests_ctl_dump_test_LDADD = $(test_net_libs)

# Adds of what is there.
check_PROGRAMS += tests/ctl/modes_test
TESTS += tests/ctl/modes_test
tests_ctl_modes_test_SOURCES = tests/ctl/modes_test.c tests/helpers/peer.c tests/helpers/peer.h
tests_ctl_modes_test_CPPFLAGS = $(test_cppflags)
tests_ctl_modes_test_CFLAGS = $(test_cflags)
tests_ctl_modes_test_LDADD = $(test_harness_libs)

check_PROGRAMS += tests/ctl/turns_test
TESTS += tests/ctl/turns_test
tests_ctl_turns_test_SOURCES = tests/ctl/turns_test.c tests/helpers/peer.c tests/helpers/peer.h tests/helpers/lb_records.h
tests_ctl_turns_test_CPPFLAGS = $(test_cppflags)
tests_ctl_turns_test_CFLAGS = $(test_cflags)
tests_ctl_turns_test_LDADD = $(test_harness_libs)
