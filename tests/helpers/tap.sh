# SPDX-License-Identifier: GPL-2.0-or-later
# TAP for shell tests: . "$top_srcdir/tests/helpers/tap.sh"
#   ok TEXT CMD...       runs CMD; ok when it returns 0
#   is TEXT GOT WANTED   compares strings
#   skip_all WHY         ends the test, the rest of it skipped; skip TEXT WHY skips one
#   done_testing         prints the plan; the last line of each test
tap_n=0
tap_failed=0
tap_result()
{
	tap_n=$((tap_n + 1))
	if [ "$1" -eq 0 ]; then
		echo "ok $tap_n - $2"
	else
		echo "not ok $tap_n - $2"
		tap_failed=$((tap_failed + 1))
	fi
}
diag()
{
	printf '%s\n' "$*" | sed 's/^/# /'
}
ok()
{
	tap_text=$1
	shift
	if tap_out=$("$@" 2>&1); then
		tap_result 0 "$tap_text"
	else
		tap_result 1 "$tap_text"
		diag "command: $*"
		diag "$tap_out"
		return 1
	fi
}
is()
{
	if [ "$2" = "$3" ]; then
		tap_result 0 "$1"
	else
		tap_result 1 "$1"
		diag "got:    $2"
		diag "wanted: $3"
		return 1
	fi
}
skip()
{
	tap_n=$((tap_n + 1))
	echo "ok $tap_n - $1 # SKIP $2"
}
# skip_all WHY [NEED]: a failure when NEED is listed in DPVS_TEST_REQUIRE
skip_all()
{
	case ",${DPVS_TEST_REQUIRE:-}," in
	*,"${2:-nothing}",*)
		echo "Bail out! $2 is required (DPVS_TEST_REQUIRE): $1"
		exit 1
		;;
	esac
	if [ "$tap_n" -gt 0 ]; then # what was tested stays tested
		skip "the rest" "$1"
		done_testing
	fi
	echo "1..0 # SKIP $1"
	exit 0
}
done_testing()
{
	echo "1..$tap_n"
	[ "$tap_failed" -eq 0 ]
	exit
}
