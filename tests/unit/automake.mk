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
