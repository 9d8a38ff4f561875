# Fuzz targets: with libFuzzer for "make fuzz", else with replay.c, which runs the corpus in "make check".
fuzz_targets = wire client server service daemon txn conf parse rules
fuzz_programs = tests/fuzz/wire_fuzz tests/fuzz/client_fuzz tests/fuzz/server_fuzz tests/fuzz/service_fuzz tests/fuzz/daemon_fuzz tests/fuzz/txn_fuzz tests/fuzz/conf_fuzz tests/fuzz/parse_fuzz tests/fuzz/rules_fuzz
include tests/fuzz/corpus.mk
fuzz_utils_cppflags = $(AM_CPPFLAGS) -I$(top_srcdir)/utils
if WITH_FUZZER
fuzz_main =
fuzz_ldflags = -fsanitize=fuzzer
noinst_PROGRAMS += $(fuzz_programs)
else
fuzz_ldflags =
fuzz_main = tests/fuzz/libreplay.la
check_PROGRAMS += $(fuzz_programs)
TESTS += $(fuzz_programs)
endif
check_LTLIBRARIES += tests/fuzz/libreplay.la
tests_fuzz_libreplay_la_SOURCES = tests/fuzz/replay.c tests/fuzz/fuzz.h
tests_fuzz_libreplay_la_CPPFLAGS = $(AM_CPPFLAGS)
tests_fuzz_libreplay_la_CFLAGS = $(test_cflags)

tests_fuzz_wire_fuzz_SOURCES = tests/fuzz/wire_fuzz.c tests/fuzz/fuzz.h
tests_fuzz_wire_fuzz_CPPFLAGS = $(test_cppflags)
tests_fuzz_wire_fuzz_CFLAGS = $(test_cflags)
tests_fuzz_wire_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_wire_fuzz_LDADD = $(fuzz_main) lib/libdpvsctrl-client.la $(GLIB_LIBS)

tests_fuzz_client_fuzz_SOURCES = tests/fuzz/client_fuzz.c tests/fuzz/fuzz.h
tests_fuzz_client_fuzz_CPPFLAGS = $(test_cppflags)
tests_fuzz_client_fuzz_CFLAGS = $(test_cflags)
tests_fuzz_client_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_client_fuzz_LDADD = $(fuzz_main) lib/libdpvsctrl-client.la $(GLIB_LIBS)

tests_fuzz_server_fuzz_SOURCES = tests/fuzz/server_fuzz.c tests/fuzz/fuzz.h
tests_fuzz_server_fuzz_CPPFLAGS = $(test_cppflags)
tests_fuzz_server_fuzz_CFLAGS = $(test_cflags)
tests_fuzz_server_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_server_fuzz_LDADD = $(fuzz_main) lib/libdpvsctrl.la $(GLIB_LIBS)

tests_fuzz_service_fuzz_SOURCES = tests/fuzz/service_fuzz.c tests/fuzz/fuzz.h tests/fuzz/requests.h
tests_fuzz_service_fuzz_CPPFLAGS = $(test_cppflags)
tests_fuzz_service_fuzz_CFLAGS = $(test_cflags)
tests_fuzz_service_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_service_fuzz_LDADD = $(fuzz_main) $(test_fake_libs) $(GLIB_LIBS)

# The library and core/lcore.c (in turns.c) a second time: workers on main's thread.
tests_fuzz_daemon_fuzz_SOURCES = tests/fuzz/daemon_fuzz.c tests/fuzz/turns.c tests/fuzz/fuzz.h tests/fuzz/requests.h \
	$(ctrl_sources)
tests_fuzz_daemon_fuzz_CPPFLAGS = $(test_cppflags)
tests_fuzz_daemon_fuzz_CFLAGS = $(test_cflags)
tests_fuzz_daemon_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_daemon_fuzz_LDADD = $(fuzz_main) $(test_harness_libs) $(GLIB_LIBS)

tests_fuzz_txn_fuzz_SOURCES = tests/fuzz/txn_fuzz.c src/core/txn.c tests/fuzz/fuzz.h
tests_fuzz_txn_fuzz_CPPFLAGS = $(test_cppflags)
tests_fuzz_txn_fuzz_CFLAGS = $(test_cflags)
tests_fuzz_txn_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_txn_fuzz_LDADD = $(fuzz_main) lib/libdpvsctrl-client.la $(GLIB_LIBS)

tests_fuzz_conf_fuzz_SOURCES = tests/fuzz/conf_fuzz.c tests/fuzz/fuzz.h
tests_fuzz_conf_fuzz_CPPFLAGS = $(test_cppflags)
tests_fuzz_conf_fuzz_CFLAGS = $(test_cflags)
tests_fuzz_conf_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_conf_fuzz_LDADD = $(fuzz_main) src/libdpvsd.la $(GLIB_LIBS)

tests_fuzz_parse_fuzz_SOURCES = tests/fuzz/parse_fuzz.c tests/fuzz/fuzz.h
tests_fuzz_parse_fuzz_CPPFLAGS = $(fuzz_utils_cppflags)
tests_fuzz_parse_fuzz_CFLAGS = $(test_cflags)
tests_fuzz_parse_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_parse_fuzz_LDADD = $(fuzz_main) utils/libutils.la $(GLIB_LIBS)

tests_fuzz_rules_fuzz_SOURCES = tests/fuzz/rules_fuzz.c tests/fuzz/fuzz.h
tests_fuzz_rules_fuzz_CPPFLAGS = $(fuzz_utils_cppflags)
tests_fuzz_rules_fuzz_CFLAGS = $(test_cflags)
tests_fuzz_rules_fuzz_LDFLAGS = $(fuzz_ldflags)
tests_fuzz_rules_fuzz_LDADD = $(fuzz_main) utils/libipvsadm.la $(GLIB_LIBS)

# FUZZ_SECONDS and FUZZ_RUNS for each of FUZZ_TARGETS. New inputs go to tests/fuzz/found/TARGET of the
# build folder, an input that crashes to tests/fuzz/found/TARGET-crash-...
FUZZ_SECONDS = 60
FUZZ_RUNS = -1
FUZZ_TARGETS = $(fuzz_targets)
FUZZ_FLAGS =
# AddressSanitizer's own work for large blocks would be half of the time.
fuzz_asan = quarantine_size_mb=8:clear_shadow_mmap_threshold=100000000
# The daemon keeps memory from one input to the next, which libFuzzer would look through for leaks a thousand times;
# LeakSanitizer does it once, when all has ended.
fuzz_flags_daemon = -detect_leaks=0
.PHONY: fuzz
fuzz: $(fuzz_programs)
if WITH_FUZZER
	@flags_daemon='$(fuzz_flags_daemon)'; \
	for t in $(FUZZ_TARGETS); do \
		mkdir -p tests/fuzz/found/$$t; \
		echo "fuzz: $$t"; \
		eval flags=\$$flags_$$t; \
		ASAN_OPTIONS=$(fuzz_asan):$$ASAN_OPTIONS tests/fuzz/$${t}_fuzz \
			-max_total_time=$(FUZZ_SECONDS) -runs=$(FUZZ_RUNS) -timeout=20 -rss_limit_mb=4096 \
			-close_fd_mask=2 -print_final_stats=1 -artifact_prefix=tests/fuzz/found/$$t- \
			$$flags $(FUZZ_FLAGS) tests/fuzz/found/$$t $(srcdir)/tests/fuzz/corpus/$$t || exit 1; \
	done
else
	@echo "make fuzz needs ./configure --with-fuzzer CC=clang" >&2; exit 1
endif
distclean-local: fuzz-distclean
.PHONY: fuzz-distclean
fuzz-distclean:
	rm -rf tests/fuzz/found
