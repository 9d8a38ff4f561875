# SPDX-License-Identifier: GPL-2.0-or-later
# For tests of the tools without a daemon that forwards: . "$top_srcdir/tests/helpers/fake-dpvsd.sh"
#   fake_start     starts fake-dpvsd, sets DPVS_SOCKET; fake_stop ends it (also at exit)
#   fake_log       the last change that it was asked for
DPVS_SOCKET=$TEST_DIR/socket
export DPVS_SOCKET
fake_pid=
fake_start()
{
	: >"$TEST_DIR/fake.log"
	# 3 belongs to the test: a pipe that the daemon held open would never end.
	"$top_builddir/tests/helpers/fake-dpvsd" "$DPVS_SOCKET" >"$TEST_DIR/fake.log" \
		2>"$TEST_DIR/fake.err" 3>&- &
	fake_pid=$!
	trap fake_stop EXIT
	fake_tries=0
	until grep -q ready "$TEST_DIR/fake.log" 2>/dev/null; do
		fake_tries=$((fake_tries + 1))
		if [ $fake_tries -gt 200 ] || ! kill -0 $fake_pid 2>/dev/null; then
			diag "$(cat "$TEST_DIR/fake.err")"
			echo "Bail out! fake-dpvsd does not start"
			exit 1
		fi
		sleep 0.05
	done
}
fake_stop()
{
	if [ -n "$fake_pid" ]; then
		kill "$fake_pid" 2>/dev/null
		wait "$fake_pid" 2>/dev/null
	fi
	fake_pid=
}
fake_log()
{
	tail -n 1 "$TEST_DIR/fake.log"
}
