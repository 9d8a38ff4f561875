check_PROGRAMS += tests/packet/eth_test
TESTS += tests/packet/eth_test
tests_packet_eth_test_SOURCES = tests/packet/eth_test.c
tests_packet_eth_test_CPPFLAGS = $(test_cppflags)
tests_packet_eth_test_CFLAGS = $(test_cflags)
tests_packet_eth_test_LDADD = $(test_harness_libs)
