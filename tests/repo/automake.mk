TESTS += tests/repo/size.t
dist_check_SCRIPTS += tests/repo/size.t
