# SPDX-License-Identifier: GPL-2.0-or-later
# What every test in the lab begins with:  . "$top_srcdir/tests/net/net.sh"
# Makes TAP and the lab's functions known; the lab's name is the test's own, and a trap takes it down.
# shellcheck shell=sh disable=SC2154

. "$top_srcdir/tests/helpers/tap.sh"
top=$top_srcdir
LAB_BUILD=$top_builddir
DPVS_LAB=t$$
. "$top/tests/lab/common.sh"
[ "$(id -u)" -eq 0 ] || skip_all "needs root" root
for net_tool in ip ethtool nginx curl ${NET_TOOLS:-}; do
	have "$net_tool" || PATH=$PATH:/usr/sbin:/sbin
	have "$net_tool" || skip_all "$net_tool is not installed"
done
ip netns list >/dev/null 2>&1 || skip_all "network namespaces do not work here" root
. "$top/tests/lab/net.sh"
. "$top/tests/lab/servers.sh"
. "$top/tests/lab/director.sh"
manyconn=$top_builddir/tests/helpers/manyconn

net_cleanup()
{
	if [ $tap_failed -gt 0 ] && [ -e "$LAB_DIR/dpvsd.log" ]; then
		diag "the end of dpvsd's log:"
		tail -n 30 "$LAB_DIR/dpvsd.log" | sed 's/^/#   /'
	fi
	lab_down
}
trap 'net_cleanup' EXIT
trap 'exit 1' HUP INT TERM

# net_lab TYPE WORKERS [configuration lines on stdin]: lab, servers, dpvsd with its addresses.
net_lab()
{
	lab_net_up
	servers_up
	director_start "$1" "$2" || { echo "Bail out! dpvsd did not start"; exit 1; }
	director_addresses >"$TEST_DIR/setup.log" 2>&1 ||
		{ sed 's/^/# /' "$TEST_DIR/setup.log"; echo "Bail out! the director's addresses cannot be set"; exit 1; }
}

# quietly COMMAND...: for set-up; a failure ends the test.
quietly()
{
	"$@" >"$TEST_DIR/quietly" 2>&1 || {
		sed 's/^/# /' "$TEST_DIR/quietly"
		echo "Bail out! failed: $*"
		exit 1
	}
}

# A URL's host: brackets around IPv6.
host()
{
	case $1 in
	*:*) echo "[$1]" ;;
	*) echo "$1" ;;
	esac
}

# fetch ADDRESS PORT [PATH]: as the client.
fetch()
{
	in_ns client curl -sgf --max-time 10 "http://$(host "$1"):$2/${3:-who}"
}

# both ADDRESS PORT: both servers answer within ten requests; prints what the servers saw.
both()
{
	both_i=0
	while [ $both_i -lt 10 ]; do
		both_i=$((both_i + 1))
		fetch "$1" "$2" || echo "request $both_i failed"
	done | sort | uniq -c
}

both_servers()
{
	both "$@" >"$TEST_DIR/both"
	cat "$TEST_DIR/both"
	! grep -q failed "$TEST_DIR/both" && grep -q ' rs1 ' "$TEST_DIR/both" && grep -q ' rs2 ' "$TEST_DIR/both"
}

# capture_start NAMESPACE DEVICE FILTER: tcpdump into $TEST_DIR/capture; capture_end prints it.
capture_start()
{
	in_ns "$1" tcpdump -U -lnnei "$2" "$3" >"$TEST_DIR/capture" 2>"$TEST_DIR/capture.err" &
	capture_pid=$!
	wait_for 10 grep -q 'listening on' "$TEST_DIR/capture.err"
}

capture_end()
{
	# What was sent has passed by now; the last line may be on its way to the file.
	sleep 0.3
	kill "$capture_pid"
	wait "$capture_pid" 2>/dev/null
	cat "$TEST_DIR/capture"
}

# listens NAMESPACE PORT: waits until somebody takes connections there.
listens()
{
	wait_for 60 in_ns "$1" awk -v port="$(printf ':%04X' "$2")" \
		'FNR > 1 && $4 == "0A" && substr($2, length($2) - 4) == port { found = 1 } END { exit !found }' \
		/proc/net/tcp /proc/net/tcp6
}

mac_of()
{
	in_ns "$1" cat "/sys/class/net/$2/address"
}
