# Tests in network namespaces: "make check-net", root only. Each makes a lab of its own (tests/lab).
net_tests =
dist_check_SCRIPTS += $(net_tests)
EXTRA_DIST += tests/lab/common.sh tests/lab/install.sh tests/lab/build.sh tests/lab/net.sh \
	tests/lab/servers.sh tests/lab/director.sh tests/lab/demo.sh

.PHONY: check-net
check-net: all
	@if test -n "`echo $(net_tests)`"; then \
		DPVS_TEST_TIMEOUT=300 $(MAKE) $(AM_MAKEFLAGS) check-TESTS TESTS="$(net_tests)" \
			TEST_SUITE_LOG=tests/net/test-suite.log; \
	fi
