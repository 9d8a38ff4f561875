#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# How dpip runs: exit codes, help, batches, rounds, a daemon that is not there, output that cannot be written.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/fake-dpvsd.sh"
[ -x "$top_builddir/tests/helpers/fake-dpvsd" ] || skip_all "fake-dpvsd is not built"
dpip=$top_builddir/utils/dpip/dpip

# ends TEXT CODE WANTED ARGUMENTS...: exit code and all that is printed.
ends()
{
	ends_text=$1
	ends_code=$2
	ends_wanted=$3
	shift 3
	ends_said=$("$dpip" "$@" 2>&1)
	is "$ends_text" "$? $ends_said" "$ends_code $ends_wanted"
}

# Without a daemon
ends "no daemon: exit code 3, one line that says so" 3 \
	"dpip: cannot reach the daemon: no socket $DPVS_SOCKET; is dpvsd running?" link show
ends "no daemon, JSON: nothing on stdout" 3 \
	"dpip: cannot reach the daemon: no socket $DPVS_SOCKET; is dpvsd running?" -j link show
ends "--socket comes before DPVS_SOCKET" 3 \
	"dpip: cannot reach the daemon: no socket /nonexistent/s; is dpvsd running?" --socket /nonexistent/s link
ends "version" 0 "dpip utility, dpvs-$(sed -n 's/^#define PACKAGE_VERSION "\(.*\)"/\1/p' "$top_builddir/config.h")" -V
for object in link addr route neigh conn lcore stats graph msg mem verify; do
	"$dpip" $object help >"$TEST_DIR/help" 2>&1
	is "$object help needs no daemon and fits a terminal" \
		"$? $(head -c 6 "$TEST_DIR/help")$(awk 'length > 120' "$TEST_DIR/help")" "0 Usage:"
done
"$dpip" --help >"$TEST_DIR/help" 2>/dev/null
is "--help on stdout" "$? $(head -c 6 "$TEST_DIR/help")" "0 Usage:"

# --wait
(
	sleep 0.3
	exec "$top_builddir/tests/helpers/fake-dpvsd" "$DPVS_SOCKET" >/dev/null 2>&1
) &
late=$!
ends "--wait waits until the daemon is there" 0 "0: main generation 12 unconfirmed 0 ok
1: worker generation 12 unconfirmed 0 ok
2: worker generation 12 unconfirmed 0 ok" --wait 20 verify
kill $late
wait $late 2>/dev/null

# Refusals
fake_start
ends "a port that is not there" 2 'Device "nodev" does not exist.' link show nodev
ends "... in a change" 2 'Device "nodev" does not exist.' addr add 192.0.2.9/24 dev nodev
ends "the daemon's reason" 2 "dpip: 192.0.2.1 is on port dpdk0 already" addr add 192.0.2.1/24 dev dpdk0
ends "an unknown lcore" 2 "Lcore 9 does not exist." lcore show 9
ends "an unknown counter" 2 'Counter "nosuch" does not exist.' stats show nosuch
ends "... of a module that is there" 2 'Counter "ipv4.nosuch" does not exist.' stats drop ipv4.nosuch
ends "a pattern that matches nothing is no error" 0 "" stats show 'nosuch*'
ends "a counter that is zero is no error" 0 "" stats show neigh.hold-drop
ends "an unknown pool" 2 'Pool "nosuch" does not exist.' mem show nosuch
ends "an unknown node" 2 'Node "nosuch" does not exist.' graph show nosuch
ends "an unknown node on an lcore" 2 'Node "nosuch" does not exist.' graph show nosuch lcore 1
ends "an lcore without a graph" 2 "Lcore 9 has no graph, or no such node." graph show lcore 9
ends "an unknown message type" 2 'Message type "nosuch" does not exist.' msg show nosuch
ends "messages of an unknown lcore" 2 "Lcore 9 does not exist." msg show lcore 9
ends "a connection without the client's port" 1 'Error: "192.0.2.10" has no port, write ADDR:PORT.' \
	conn get proto tcp client 192.0.2.10 vip 192.0.2.100:80
ends "a connection without the virtual port" 1 'Error: "192.0.2.100" has no port, write ADDR:PORT.' \
	conn get proto tcp client 192.0.2.10:1025 vip 192.0.2.100
ends "a connection of both families" 1 "Error: the addresses of a connection are all IPv4 or all IPv6." \
	conn get proto tcp client 192.0.2.10:1025 vip [2001:db8::1]:80
ends "an unknown CPU" 2 "No lcore runs on CPU 9." link show cpu9

# Batches: more of them in dpip-batch.t
# A connection that the daemon closed meanwhile: the next command has a new one.
mkfifo "$TEST_DIR/fifo"
"$dpip" -b - <"$TEST_DIR/fifo" >"$TEST_DIR/stdout" 2>&1 &
batch=$!
exec 3>"$TEST_DIR/fifo"
echo "stats show rx" >&3
tries=0
until [ -s "$TEST_DIR/stdout" ] || [ $tries -gt 200 ]; do
	sleep 0.05
	tries=$((tries + 1))
done
fake_stop
fake_start
echo "stats show rx" >&3
exec 3>&-
wait $batch
is "a batch survives a restart of the daemon between two lines" \
	"$? $(grep -c 'ipv4.rx  *1500000' "$TEST_DIR/stdout")" "0 2"

# Rounds
is "--count repeats, rates from the second round on" \
	"$("$dpip" --count 2 stats show rx | sed 's/ *$//')" \
	"ipv4.rx                                     1500000

ipv4.rx                                     1500000          0.0/s"
is "no empty line between them with -o" "$("$dpip" -o --count 2 stats show rx | grep -c .)" 2
is "--interval and --count; counts of the interval" \
	"$("$dpip" --interval 1 --count 2 -j graph show eth_input | sed 's/.*"packets":\([0-9]*\).*/\1/' | tail -n 1)" \
	"200"
is "-ts and JSON" "$("$dpip" -ts -j verify | sed 's/"[0-9T:.-]*Z"/TIME/; s/:\[.*/:[/')" \
	'{"timestamp":TIME,"data":['
if [ -w /dev/full ]; then
	is "a full disk is an error" "$("$dpip" link 2>&1 >/dev/full; echo $?)" \
		"dpip: cannot write the output
1"
else
	skip "a full disk is an error" "no /dev/full"
fi
fake_stop

FAKE_BEHIND=
export FAKE_BEHIND
fake_start
ends "verify fails when a worker is behind" 2 "0: main generation 12 unconfirmed 0 ok
1: worker generation 12 unconfirmed 0 ok
2: worker generation 11 unconfirmed 1 behind
dpip: 1 of 2 workers are not at generation 12." verify
fake_stop
FAKE_BEHIND=2
fake_start
ends "verify waits for a change that is being made" 0 "0: main generation 12 unconfirmed 0 ok
1: worker generation 12 unconfirmed 0 ok
2: worker generation 12 unconfirmed 0 ok" verify
fake_stop

unset FAKE_BEHIND
FAKE_TABLES=1
export FAKE_TABLES
fake_start
ends "verify fails when a table differs" 2 "0: main generation 12 unconfirmed 0 ok
1: worker generation 12 unconfirmed 0 ok
2: worker generation 12 unconfirmed 0 different
    route routes entries 4 expected 3 different
dpip: 1 tables are not what they should be: restart dpvsd, and report this." verify
fake_stop
FAKE_TABLES=2
fake_start
ends "verify fails when a worker does not answer" 2 "0: main generation 12 unconfirmed 0 ok
1: worker generation 12 unconfirmed 0 ok
2: worker generation 12 unconfirmed 0 unknown
    route routes entries 0 expected 3 unknown
dpip: a worker does not say what its tables hold." verify
fake_stop
unset FAKE_TABLES

# A table that comes in parts.
FAKE_CONNS=20001
export FAKE_CONNS
fake_start
is "all of a long list" "$("$dpip" -br conn | sort | uniq -c | awk '{ print $1, $2 }')" "10001 tcp
10000 udp"
is "a limit" "$("$dpip" -br conn show limit 8193 | wc -l)" 8193
is "a small limit" "$("$dpip" -br conn show limit 3 | wc -l)" 3
is "a limit of what -6 leaves" "$("$dpip" -6 -br conn show limit 5000 | grep -c '^udp')" 5000
is "a count" "$("$dpip" -4 conn count)" 10001
is "a count with a limit" "$("$dpip" conn count proto tcp limit 9000)" 9000
fake_stop
unset FAKE_CONNS

# JSON of every show, read by another program.
if command -v jq >/dev/null; then
	reader="jq -e ."
elif command -v python3 >/dev/null; then
	reader="python3 -m json.tool"
else
	reader=
fi
fake_start
for line in "link" "-s link" "addr" "-4 addr" "route" "-6 -d route" "route get 203.0.113.9" "neigh" "conn" \
	"conn count" "lcore" "stats" "-d stats drop" "graph" "-d graph show all" "graph dot" "msg" "-d msg" "mem" \
	"verify" "-t link" "link show cpu"; do
	if [ -z "$reader" ]; then
		skip "JSON of $line" "neither jq nor python3"
		continue
	fi
	# shellcheck disable=SC2086
	"$dpip" -j $line >"$TEST_DIR/json" 2>"$TEST_DIR/stderr"
	is "$line ends with 0 and has an answer" "$?$([ -s "$TEST_DIR/json" ] || echo ' empty')" 0
	ok "JSON of $line" $reader "$TEST_DIR/json"
done
ends "a counter that is not there: an error, and nothing on stdout" 2 'Counter "none" does not exist.' -j stats show none
done_testing
