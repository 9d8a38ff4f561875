#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Texts, layouts and exit codes of ipvsadm, byte for byte: data/ipvsadm-recorded.txt.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"
set -f

daemon_default_conf
# As many connections as the recording's kernel had, for the "size=" of listings.
printf '[conn]\nmax = 4096\n' >>"$TEST_DIR/dpvsd.conf"
start_daemon

# What the command did, in the form of the file.
run()
{
	# shellcheck disable=SC2086 # words
	"$IPVSADM" $1 <"$TEST_DIR/in" >"$TEST_DIR/out" 2>"$TEST_DIR/err"
	rc=$?
	sed -e 's/^/> /' -e 's/^> $/>/' -e 's/(size=[0-9]*)/(size=4096)/' "$TEST_DIR/out"
	sed 's/^/! /' "$TEST_DIR/err"
	echo "= $rc"
}

command=
wanted=
: >"$TEST_DIR/in"
while IFS= read -r line; do
	case $line in
	'$ '*)
		command=${line#\$ }
		wanted=
		: >"$TEST_DIR/in"
		;;
	'< '*) printf '%s\n' "${line#< }" >>"$TEST_DIR/in" ;;
	'= '*)
		wanted=$wanted$line
		is "ipvsadm $command" "$(run "$command")" "$wanted"
		;;
	'>'* | '!'*) wanted=$wanted$line'
' ;;
	esac
done <"$top_srcdir/tests/ctl/data/ipvsadm-recorded.txt"

is "--version names both" "$("$IPVSADM" --version)" \
	"ipvsadm v1.31 (compiled with popt and IPVS v1.2.1) (dpvs $(sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' \
		"$top_builddir/config.h"))"
is "-h is on standard output" "$("$IPVSADM" -h 2>/dev/null | sed -n 2p)" "Usage:"
ok "-h ends with 0" "$IPVSADM" --help
done_testing
