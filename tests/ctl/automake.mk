TESTS += tests/ctl/dpip-completion.t
dist_check_SCRIPTS += tests/ctl/dpip-completion.t

TESTS += tests/ctl/check.t tests/ctl/daemon-life.t
dist_check_SCRIPTS += tests/ctl/check.t tests/ctl/daemon-life.t
EXTRA_DIST += tests/helpers/daemon.sh
