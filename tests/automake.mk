# TAP everywhere: C programs with GLib's g_test, scripts (*.t) that print it themselves.
TEST_EXTENSIONS = .t
LOG_DRIVER = env AM_TAP_AWK='$(AWK)' $(SHELL) $(top_srcdir)/build-aux/tap-driver.sh
T_LOG_DRIVER = $(LOG_DRIVER)
LOG_COMPILER = $(SHELL) $(top_srcdir)/tests/run-test
T_LOG_COMPILER = $(LOG_COMPILER)
AM_TESTS_ENVIRONMENT = top_srcdir='$(abs_top_srcdir)'; top_builddir='$(abs_top_builddir)'; \
	G_TEST_SRCDIR='$(abs_top_srcdir)'; G_TEST_BUILDDIR='$(abs_top_builddir)'; AWK='$(AWK)'; \
	export top_srcdir top_builddir G_TEST_SRCDIR G_TEST_BUILDDIR AWK;
EXTRA_DIST += tests/run-test tests/helpers/tap.sh

# Programs that link the daemon or the library.
test_cppflags = $(dpdk_cppflags) -I$(top_srcdir)/src -I$(top_srcdir)/tests/helpers -I$(top_srcdir)/lib \
	-DALLOW_EXPERIMENTAL_API
test_cflags = $(AM_CFLAGS) $(GLIB_CFLAGS)

# EAL for test programs: add $(test_eal_libs) to LDADD.
check_LTLIBRARIES += tests/helpers/libtesteal.la
tests_helpers_libtesteal_la_SOURCES = tests/helpers/eal.c tests/helpers/eal.h
tests_helpers_libtesteal_la_CPPFLAGS = $(test_cppflags)
tests_helpers_libtesteal_la_CFLAGS = $(test_cflags)
test_eal_libs = tests/helpers/libtesteal.la $(GLIB_LIBS) $(DPDK_LIBS)

# One thread that plays main lcore and workers, for the control side of modules: $(test_fake_libs), before
# libdpvsd.la.
check_LTLIBRARIES += tests/helpers/libtestfake.la
tests_helpers_libtestfake_la_SOURCES = tests/helpers/fake_core.c tests/helpers/fake_core.h tests/helpers/lb_records.h
tests_helpers_libtestfake_la_CPPFLAGS = $(test_cppflags)
tests_helpers_libtestfake_la_CFLAGS = $(test_cflags)
test_fake_libs = tests/helpers/libtestfake.la src/libdpvsd.la

# The daemon inside a test program: $(test_harness_libs) as LDADD.
check_LTLIBRARIES += tests/helpers/libharness.la
tests_helpers_libharness_la_SOURCES = tests/helpers/harness.c tests/helpers/harness.h
tests_helpers_libharness_la_CPPFLAGS = $(test_cppflags)
tests_helpers_libharness_la_CFLAGS = $(test_cflags)
tests_helpers_libharness_la_LIBADD = tests/helpers/libtesteal.la src/libdpvsd.la -lrte_net_ring
test_harness_libs = tests/helpers/libharness.la

# A subscriber to events that keeps a model, with the daemon: $(test_event_libs) as LDADD.
check_LTLIBRARIES += tests/helpers/libtestevents.la
tests_helpers_libtestevents_la_SOURCES = tests/helpers/events.c tests/helpers/events.h
tests_helpers_libtestevents_la_CPPFLAGS = $(test_cppflags)
tests_helpers_libtestevents_la_CFLAGS = $(test_cflags)
test_event_libs = tests/helpers/libtestevents.la $(test_harness_libs)

# A small network around it, and packets: $(test_lb_libs) as LDADD.
check_LTLIBRARIES += tests/helpers/liblbtest.la
tests_helpers_liblbtest_la_SOURCES = tests/helpers/lbtest.c tests/helpers/lbtest.h
tests_helpers_liblbtest_la_CPPFLAGS = $(test_cppflags)
tests_helpers_liblbtest_la_CFLAGS = $(test_cflags)
tests_helpers_liblbtest_la_LIBADD = tests/helpers/libharness.la
test_lb_libs = tests/helpers/liblbtest.la

# A small network around it: $(test_net_libs).
check_LTLIBRARIES += tests/helpers/libtestnet.la
tests_helpers_libtestnet_la_SOURCES = tests/helpers/net.c tests/helpers/net.h
tests_helpers_libtestnet_la_CPPFLAGS = $(test_cppflags)
tests_helpers_libtestnet_la_CFLAGS = $(test_cflags)
test_net_libs = tests/helpers/libtestnet.la $(test_harness_libs)
