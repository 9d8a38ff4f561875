#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Ports of a running daemon: what the configuration asks for is there, changes show, refusals change nothing.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"
daemon_conf <<-'END'
	[eal]
	huge-pages = no
	[graph]
	mbufs = 8191
	mbuf-size = 4096
	[lcore]
	workers = 2
	[port lan0]
	device = net_ring0
	queues = 2
	mtu = 3000
	mac = 02:00:00:00:aa:01
	[port wan.7]
	device = net_null0,size=100
	rx-descriptors = 64
END
start_daemon

# field PORT KEY: of the port's JSON, one port a line
field()
{
	"$DPIP" -j link show "$1" | tr ',{}[]' '\n' | sed -n "s/^\"$2\":\"\{0,1\}\([^\"]*\)\"\{0,1\}\$/\1/p" | head -n 1
}

# refused TEXT PATTERN ARGS...: dpip says no, in one line with PATTERN in it
refused()
{
	text=$1
	pattern=$2
	shift 2
	"$DPIP" "$@" >"$TEST_DIR/out" 2>"$TEST_DIR/err"
	is "$text: refused" "$?" 2
	ok "$text: says why" grep -qE "$pattern" "$TEST_DIR/err"
	is "$text: in one line" "$(wc -l <"$TEST_DIR/err")" 1
}

is "two ports" "$("$DPIP" -o link show | wc -l)" 2
is "MTU as configured" "$(field lan0 mtu)" 3000
ok "MAC as configured" sh -c "'$DPIP' link show lan0 | grep -qi 02:00:00:00:aa:01"
ok "queues as configured" sh -c "'$DPIP' link show lan0 | grep -q 'rx_queues 2'"
ok "one queue per worker by itself" sh -c "'$DPIP' link show wan.7 | grep -q 'rx_queues 2 tx_queues 2'"

ok "set mtu" "$DPIP" link set lan0 mtu 1280
is "the MTU shows" "$(field lan0 mtu)" 1280
ok "set addr" "$DPIP" link set lan0 addr 02:00:00:00:bb:02
ok "the address shows" sh -c "'$DPIP' link show lan0 | grep -qi 02:00:00:00:bb:02"
ok "set down" "$DPIP" link set lan0 down
ok "down shows" sh -c "'$DPIP' link show lan0 | grep -q 'state DOWN'"
ok "set up" "$DPIP" link set lan0 up
ok "up shows" sh -c "'$DPIP' link show lan0 | grep -q 'state UP'"
is "all workers have it" "$("$DPIP" verify | grep -c 'ok$')" 3

refused "an MTU too large" "MTU 9000 is out of range, 68 to [0-9]+" link set lan0 mtu 9000
refused "a multicast address" "not a unicast MAC" link set lan0 addr 01:00:5e:00:00:01
refused "the zero address" "not a unicast MAC" link set lan0 addr 00:00:00:00:00:00
refused "a port that is not there" "there is no port lan9|\"lan9\" does not exist" link set lan9 up
is "refusals changed no MTU" "$(field lan0 mtu)" 1280
ok "refusals changed no address" sh -c "'$DPIP' link show lan0 | grep -qi 02:00:00:00:bb:02"

# net_null receives without end: the worker is busy and still listens.
ok "a port under load answers" "$DPIP" -s link show wan.7
stop_daemon
is "it ends with 0 under load" "$?" 0
done_testing
