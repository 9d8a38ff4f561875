TESTS += tests/ctl/dpip-completion.t
dist_check_SCRIPTS += tests/ctl/dpip-completion.t
