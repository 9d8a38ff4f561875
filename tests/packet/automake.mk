check_PROGRAMS += tests/packet/route_test
TESTS += tests/packet/route_test
tests_packet_route_test_SOURCES = tests/packet/route_test.c
tests_packet_route_test_CPPFLAGS = $(test_cppflags)
tests_packet_route_test_CFLAGS = $(test_cflags)
tests_packet_route_test_LDADD = $(test_net_libs)

check_PROGRAMS += tests/packet/ip4_test
TESTS += tests/packet/ip4_test
tests_packet_ip4_test_SOURCES = tests/packet/ip4_test.c
tests_packet_ip4_test_CPPFLAGS = $(test_cppflags)
tests_packet_ip4_test_CFLAGS = $(test_cflags)
tests_packet_ip4_test_LDADD = $(test_net_libs)

check_PROGRAMS += tests/packet/ip6_test
TESTS += tests/packet/ip6_test
tests_packet_ip6_test_SOURCES = tests/packet/ip6_test.c
tests_packet_ip6_test_CPPFLAGS = $(test_cppflags)
tests_packet_ip6_test_CFLAGS = $(test_cflags)
tests_packet_ip6_test_LDADD = $(test_net_libs)

check_PROGRAMS += tests/packet/neigh_test
TESTS += tests/packet/neigh_test
tests_packet_neigh_test_SOURCES = tests/packet/neigh_test.c
tests_packet_neigh_test_CPPFLAGS = $(test_cppflags)
tests_packet_neigh_test_CFLAGS = $(test_cflags)
tests_packet_neigh_test_LDADD = $(test_net_libs)

check_PROGRAMS += tests/packet/frag_test
TESTS += tests/packet/frag_test
tests_packet_frag_test_SOURCES = tests/packet/frag_test.c
tests_packet_frag_test_CPPFLAGS = $(test_cppflags)
tests_packet_frag_test_CFLAGS = $(test_cflags)
tests_packet_frag_test_LDADD = $(test_net_libs)

check_PROGRAMS += tests/packet/broken_test
TESTS += tests/packet/broken_test
tests_packet_broken_test_SOURCES = tests/packet/broken_test.c
tests_packet_broken_test_CPPFLAGS = $(test_cppflags)
tests_packet_broken_test_CFLAGS = $(test_cflags)
tests_packet_broken_test_LDADD = $(test_net_libs)

check_PROGRAMS += tests/packet/eth_test
TESTS += tests/packet/eth_test
tests_packet_eth_test_SOURCES = tests/packet/eth_test.c
tests_packet_eth_test_CPPFLAGS = $(test_cppflags)
tests_packet_eth_test_CFLAGS = $(test_cflags)
tests_packet_eth_test_LDADD = $(test_harness_libs)

check_PROGRAMS += tests/packet/translate_test
TESTS += tests/packet/translate_test
tests_packet_translate_test_SOURCES = tests/packet/translate_test.c
tests_packet_translate_test_CPPFLAGS = $(test_cppflags)
tests_packet_translate_test_CFLAGS = $(test_cflags)
tests_packet_translate_test_LDADD = $(test_lb_libs)

check_PROGRAMS += tests/packet/dr_test
TESTS += tests/packet/dr_test
tests_packet_dr_test_SOURCES = tests/packet/dr_test.c
tests_packet_dr_test_CPPFLAGS = $(test_cppflags)
tests_packet_dr_test_CFLAGS = $(test_cflags)
tests_packet_dr_test_LDADD = $(test_lb_libs)

check_PROGRAMS += tests/packet/icmp_error_test
TESTS += tests/packet/icmp_error_test
tests_packet_icmp_error_test_SOURCES = tests/packet/icmp_error_test.c
tests_packet_icmp_error_test_CPPFLAGS = $(test_cppflags)
tests_packet_icmp_error_test_CFLAGS = $(test_cflags)
tests_packet_icmp_error_test_LDADD = $(test_lb_libs)

check_PROGRAMS += tests/packet/conn_test
TESTS += tests/packet/conn_test
tests_packet_conn_test_SOURCES = tests/packet/conn_test.c
tests_packet_conn_test_CPPFLAGS = $(test_cppflags)
tests_packet_conn_test_CFLAGS = $(test_cflags)
tests_packet_conn_test_LDADD = $(test_lb_libs)

check_PROGRAMS += tests/packet/handover_test
TESTS += tests/packet/handover_test
tests_packet_handover_test_SOURCES = tests/packet/handover_test.c
tests_packet_handover_test_CPPFLAGS = $(test_cppflags)
tests_packet_handover_test_CFLAGS = $(test_cflags)
tests_packet_handover_test_LDADD = $(test_harness_libs)

check_PROGRAMS += tests/packet/stop_test
TESTS += tests/packet/stop_test
tests_packet_stop_test_SOURCES = tests/packet/stop_test.c
tests_packet_stop_test_CPPFLAGS = $(test_cppflags)
tests_packet_stop_test_CFLAGS = $(test_cflags)
tests_packet_stop_test_LDADD = $(test_harness_libs)

check_PROGRAMS += tests/packet/spray_test
TESTS += tests/packet/spray_test
tests_packet_spray_test_SOURCES = tests/packet/spray_test.c
tests_packet_spray_test_CPPFLAGS = $(test_cppflags)
tests_packet_spray_test_CFLAGS = $(test_cflags)
tests_packet_spray_test_LDADD = $(test_lb_libs)

check_PROGRAMS += tests/packet/collect_test
TESTS += tests/packet/collect_test
tests_packet_collect_test_SOURCES = tests/packet/collect_test.c
tests_packet_collect_test_CPPFLAGS = $(test_cppflags)
tests_packet_collect_test_CFLAGS = $(test_cflags)
tests_packet_collect_test_LDADD = $(test_lb_libs)

check_PROGRAMS += tests/packet/laddr_test
TESTS += tests/packet/laddr_test
tests_packet_laddr_test_SOURCES = tests/packet/laddr_test.c
tests_packet_laddr_test_CPPFLAGS = $(test_cppflags)
tests_packet_laddr_test_CFLAGS = $(test_cflags)
tests_packet_laddr_test_LDADD = $(test_lb_libs)
