# Rules of the tree as tests: each says who broke one.
repo_tests = tests/repo/abi.t tests/repo/dist.t tests/repo/docs.t tests/repo/dpip-docs.t tests/repo/headers.t \
	tests/repo/layering.t tests/repo/man.t \
	tests/repo/protocol.t tests/repo/shellcheck.t tests/repo/size.t tests/repo/symbols.t tests/repo/words.t
TESTS += $(repo_tests)
dist_check_SCRIPTS += $(repo_tests)
EXTRA_DIST += tests/repo/libdpvsctrl.abi
