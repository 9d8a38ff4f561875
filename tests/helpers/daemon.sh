# SPDX-License-Identifier: GPL-2.0-or-later
# A daemon for shell tests, unprivileged, on virtual ports: . "$top_srcdir/tests/helpers/daemon.sh" after tap.sh.
#   start_daemon [-c FILE] [ARGS...]   starts dpvsd on $DPVS_SOCKET (exported) and waits until it serves; ends
#                                      the test as skipped when EAL cannot start here. Without -c: $TEST_DIR/dpvsd.conf,
#                                      or two ring ports and one worker when there is no such file
#   stop_daemon                        SIGTERM; returns the daemon's exit status
#   kill_daemon                        SIGKILL, leaves everything behind
#   daemon_conf                        writes $TEST_DIR/dpvsd.conf from standard input
# When the test ends the daemon is ended, and its log is shown as comments if something failed.
DPVSD=${DPVSD:-$top_builddir/src/dpvsd}
DPIP=${DPIP:-$top_builddir/utils/dpip/dpip}
IPVSADM=${IPVSADM:-$top_builddir/utils/ipvsadm/ipvsadm}
DPVS_SOCKET=$TEST_DIR/ctrl
export DPVS_SOCKET
daemon_pid=
daemon_log=$TEST_DIR/dpvsd.log
: >"$daemon_log"

daemon_conf()
{
	cat >"$TEST_DIR/dpvsd.conf"
}

daemon_default_conf()
{
	daemon_conf <<-'END'
		[eal]
		huge-pages = no
		pci = no

		[graph]
		mbufs = 8191

		[port dpdk0]
		device = net_ring0

		[port dpdk1]
		device = net_ring1
	END
}

daemon_end()
{
	daemon_rc=$?
	if [ -n "$daemon_pid" ]; then
		kill -9 "$daemon_pid" 2>/dev/null
		wait "$daemon_pid" 2>/dev/null
	fi
	if [ "$daemon_rc" -ne 0 ] || [ "${tap_failed:-0}" -ne 0 ]; then
		sed 's/^/# dpvsd: /' "$daemon_log"
	fi
	exit "$daemon_rc"
}
trap daemon_end EXIT
trap 'exit 99' HUP INT TERM

# daemon_try ARGS...: starts it and returns 0 when it serves, its exit status when it ended.
daemon_try()
{
	"$DPVSD" --socket "$DPVS_SOCKET" "$@" 2>>"$daemon_log" &
	daemon_pid=$!
	daemon_n=0
	# It serves when it says so; the socket is there earlier.
	until grep -q "^dpvsd\[$daemon_pid\]: NOTICE dpvsd: started" "$daemon_log"; do
		if ! kill -0 "$daemon_pid" 2>/dev/null; then
			wait "$daemon_pid"
			daemon_rc=$?
			daemon_pid=
			return "$daemon_rc"
		fi
		daemon_n=$((daemon_n + 1))
		if [ "$daemon_n" -gt 600 ]; then
			echo "Bail out! dpvsd does not start within a minute"
			exit 1
		fi
		sleep 0.1
	done
}

start_daemon()
{
	case $1 in
	-c) ;;
	*)
		[ -e "$TEST_DIR/dpvsd.conf" ] || daemon_default_conf
		set -- -c "$TEST_DIR/dpvsd.conf" "$@"
		;;
	esac
	daemon_try "$@" && return 0
	daemon_rc=$?
	if [ "$daemon_rc" -eq 4 ] && grep -q "DPDK does not start" "$daemon_log"; then
		skip_all "EAL does not start here" eal
	fi
	echo "Bail out! dpvsd ended with $daemon_rc"
	exit 1
}

stop_daemon()
{
	[ -n "$daemon_pid" ] || return 1
	kill -TERM "$daemon_pid" 2>/dev/null
	wait "$daemon_pid"
	daemon_rc=$?
	daemon_pid=
	return "$daemon_rc"
}

kill_daemon()
{
	kill -9 "$daemon_pid"
	wait "$daemon_pid" 2>/dev/null
	daemon_pid=
}
