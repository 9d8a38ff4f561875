#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dpip against a daemon with two ports: what is set is shown, what is refused changes nothing.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"
start_daemon

# says TEXT CODE WANTED ARGUMENTS...: exit code and all that dpip prints, blanks at the ends of lines apart.
says()
{
	says_text=$1
	says_code=$2
	says_wanted=$3
	shift 3
	says_got=$("$DPIP" "$@" 2>&1)
	says_rc=$?
	is "$says_text" "$says_rc $(printf '%s\n' "$says_got" | sed 's/ *$//; s/rx_queues.*steering/steering/')" "$says_code $says_wanted"
}
does()
{
	does_text=$1
	shift
	says "$does_text" 0 "" "$@"
}

# Ports
says "brief" 0 "dpdk0            UP             02:00:00:00:00:00 <ALLMULTI,UP,LOWER_UP>
dpdk1            UP             02:00:00:00:00:01 <ALLMULTI,UP,LOWER_UP>" -br link
does "set several things" link set dpdk0 down mtu 1400 addr 02:00:00:00:aa:01 promisc on
says "they are shown" 0 "0: dpdk0: <PROMISC,ALLMULTI,LOWER_UP> mtu 1400 state DOWN
    link/ether 02:00:00:00:aa:01
    driver net_ring speed 10000Mbit/s duplex full steering handover handed_over 0" \
	link show dpdk0
does "up again" link set dpdk0 up mtu 1500 promisc off
says "the other port is as it was" 0 \
	"dpdk1            UP             02:00:00:00:00:01 <ALLMULTI,UP,LOWER_UP>" -br link show dpdk1
before=$("$DPIP" -d -j link)
says "no such port" 2 'Device "dpdk9" does not exist.' link set dpdk9 up
says "no such port to show" 2 'Device "dpdk9" does not exist.' link show dpdk9
"$DPIP" link set dpdk0 mtu 60000 promisc on 2>"$TEST_DIR/err"
is "an MTU that the port cannot have: one line" "$? $(wc -l <"$TEST_DIR/err")" "2 1"
"$DPIP" link set dpdk0 addr 01:00:5e:00:00:01 2>"$TEST_DIR/err"
is "a multicast MAC address: one line" "$? $(wc -l <"$TEST_DIR/err")" "2 1"
is "nothing changed" "$("$DPIP" -d -j link)" "$before"
is "names for completion" "$("$DPIP" --complete addr show dev '')" "dpdk0
dpdk1"

# What the daemon is doing
ok "verify" "$DPIP" verify
is "lcores and roles" "$("$DPIP" lcore | sed -n 's/^\([0-9]*: [a-z]*\) .*/\1/p')" "0: main
1: worker"
ok "an lcore" "$DPIP" lcore show 1
ok "counters" "$DPIP" -d -s stats
ok "pools" "$DPIP" mem show mbuf
is "no mbuf is in use" "$("$DPIP" -j mem show mbuf | sed 's/.*"in_use":\([0-9]*\).*/\1/')" 0
ok "messages" "$DPIP" -d msg
is "a hello was sent" "$("$DPIP" -j msg show hello | grep -c '"name":"hello"')" 1
ok "the graph" "$DPIP" graph show all
is "the drawing starts with ports and ends with a brace" \
	"$("$DPIP" graph dot | sed -n '1p; /"port_rx" -> /p; $p')" 'digraph dpvsd {
	"port_rx" -> "eth_input";
}'
if command -v dot >/dev/null; then
	"$DPIP" graph dot >"$TEST_DIR/dot"
	ok "Graphviz reads it" dot -Tplain -o "$TEST_DIR/plain" "$TEST_DIR/dot"
else
	skip "Graphviz reads it" "dot is not installed"
fi
stop_daemon
is "the daemon ends cleanly" "$?" 0
says "and is out of reach then" 3 \
	"dpip: cannot reach the daemon: no socket $DPVS_SOCKET; is dpvsd running?" link
done_testing
