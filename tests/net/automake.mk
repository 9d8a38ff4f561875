# Tests in network namespaces: "make check-net", root only. Each makes a lab of its own (tests/lab).
net_tests = tests/net/change.t tests/net/life.t tests/net/many.t tests/net/modes-1-worker.t \
	tests/net/modes-3-workers.t tests/net/recorded.t tests/net/xdp.t
dist_check_SCRIPTS += $(net_tests)
EXTRA_DIST += tests/lab/common.sh tests/lab/install.sh tests/lab/build.sh tests/lab/net.sh \
	tests/lab/servers.sh tests/lab/director.sh tests/lab/demo.sh tests/net/net.sh tests/net/modes.sh

EXTRA_PROGRAMS += tests/helpers/manyconn
CLEANFILES += tests/helpers/manyconn
tests_helpers_manyconn_SOURCES = tests/helpers/manyconn.c

.PHONY: check-net
check-net: all tests/helpers/manyconn
	DPVS_TEST_TIMEOUT=900 $(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS="$(net_tests)" \
		TEST_SUITE_LOG=tests/net/test-suite.log
