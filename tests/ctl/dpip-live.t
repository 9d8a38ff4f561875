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
says "a multicast MAC address, among things that would do" 2 "dpip: port dpdk0: not a unicast MAC address" \
	link set dpdk0 down mtu 1400 promisc on addr 01:00:5e:00:00:01
is "nothing changed" "$("$DPIP" -d -j link)" "$before"
is "names for completion" "$("$DPIP" --complete addr show dev '')" "dpdk0
dpdk1"

# Addresses
does "add an IPv4 address" addr add 192.0.2.1/24 dev dpdk0
does "an IPv6 address" a a 2001:db8:1::1/64 dev dpdk0
does "an address that goes" addr add 198.51.100.1/24 dev dpdk1 valid_lft 3600 preferred_lft 1800 brd 198.51.100.9
does "a virtual address" addr add 192.0.2.100/32 dev dpdk0 scope host
says "IPv4" 0 "0: dpdk0: <ALLMULTI,UP,LOWER_UP> mtu 1500 state UP
    inet 192.0.2.1/24 brd 192.0.2.255 scope global dpdk0
       valid_lft forever preferred_lft forever
    inet 192.0.2.100/32 scope host dpdk0
       valid_lft forever preferred_lft forever" -4 addr show dpdk0
is "life times count down" "$("$DPIP" -4 -o addr show dpdk1 | sed -E 's/(3[56]|1[78])[0-9][0-9]sec/Nsec/g; s/ *$//')" \
	"1: dpdk1    inet 198.51.100.1/24 brd 198.51.100.9 scope global dpdk1\\       valid_lft Nsec preferred_lft Nsec"
says "both families, brief" 0 \
	"dpdk1            UP             198.51.100.1/24 fe80::ff:fe00:1/64" -br addr show dpdk1
before=$("$DPIP" -br addr)
says "there already" 2 "dpip: 192.0.2.1/24 is on dpdk0 already" addr add 192.0.2.1/24 dev dpdk0
says "no such port" 2 'Device "dpdk9" does not exist.' addr add 192.0.2.7/24 dev dpdk9
says "not there" 2 "dpip: 192.0.2.7 is not on dpdk0" addr del 192.0.2.7/24 dev dpdk0
for bad in 0.0.0.0/24 127.0.0.1/8 224.0.0.1/24 255.255.255.255/32 ff02::1/64 ::/64 ::1/128 192.0.2.0/24 192.0.2.255/24; do
	"$DPIP" addr add $bad dev dpdk0 2>"$TEST_DIR/err"
	is "$bad is no address for a port: one line" "$? $(wc -l <"$TEST_DIR/err")" "2 1"
done
is "nothing changed" "$("$DPIP" -br addr)" "$before"
does "set changes" addr set 198.51.100.1/24 dev dpdk1 valid_lft forever
says "... the life time" 0 "1: dpdk1    inet 198.51.100.1/24 brd 198.51.100.255 scope global dpdk1\\       valid_lft forever preferred_lft forever" \
	-4 -o addr show dpdk1

# Routes
does "add a default route" route add default via 192.0.2.254
does "an IPv6 default route" route add default via 2001:db8:1::fe
does "a route with everything" route add 203.0.113.0/24 via 198.51.100.254 dev dpdk1 mtu 1400 metric 5
does "a better one" route add 203.0.113.0/24 via 198.51.100.253 metric 4
does "one without a gateway" route add 203.0.112.0/24 dev dpdk1
says "are shown in order" 0 "default via 192.0.2.254 dev dpdk0 proto static src 192.0.2.1
192.0.2.0/24 dev dpdk0 proto kernel scope link src 192.0.2.1
198.51.100.0/24 dev dpdk1 proto kernel scope link src 198.51.100.1
203.0.112.0/24 dev dpdk1 proto static scope link src 198.51.100.1
203.0.113.0/24 via 198.51.100.253 dev dpdk1 proto static src 198.51.100.1 metric 4
203.0.113.0/24 via 198.51.100.254 dev dpdk1 proto static src 198.51.100.1 metric 5 mtu 1400" route
says "of one port" 0 "default via 192.0.2.254 dev dpdk0 proto static src 192.0.2.1
192.0.2.0/24 dev dpdk0 proto kernel scope link src 192.0.2.1" route show dev dpdk0
says "local and broadcast ones" 0 "unicast default via 192.0.2.254 dev dpdk0 proto static scope global src 192.0.2.1
unicast 192.0.2.0/24 dev dpdk0 proto kernel scope link src 192.0.2.1
local 192.0.2.1 dev dpdk0 proto kernel scope host src 192.0.2.1
local 192.0.2.100 dev dpdk0 proto kernel scope host src 192.0.2.100
broadcast 192.0.2.255 dev dpdk0 proto kernel scope link src 192.0.2.1" -d route show dev dpdk0
is "IPv6" "$("$DPIP" -6 route | sed -n 's/^default via \([^ ]*\) .*/\1/p')" "2001:db8:1::fe"
says "the better one is taken" 0 "203.0.113.9 via 198.51.100.253 dev dpdk1 src 198.51.100.1 mtu 1500" \
	route get 203.0.113.9
says "an address of our own" 0 "local 192.0.2.1 dev dpdk0 src 192.0.2.1 mtu 1500" route get 192.0.2.1
before=$("$DPIP" -j route)
says "there already" 2 "dpip: there is a route to 0.0.0.0/0 with metric 0" route add default via 192.0.2.253
says "a gateway out of reach" 2 "dpip: gateway 203.0.114.1 is not on a net of any device" \
	route add 10.0.0.0/8 via 203.0.114.1
says "bits behind the prefix" 2 "dpip: the destination has bits behind its prefix; use 10.0.0.0/8" \
	route add 10.0.0.1/8 dev dpdk1
says "loopback" 2 "dpip: loopback addresses are not routed" route add 127.0.0.0/8 via 198.51.100.254
says "loopback over IPv6" 2 "dpip: loopback addresses are not routed" route add ::1/128 dev dpdk0
says "of an address" 2 "dpip: the route comes with an address; delete the address" route del 192.0.2.0/24
says "no such port" 2 'Device "dpdk9" does not exist.' route add 10.0.0.0/8 dev dpdk9
says "not there" 2 "dpip: there is no such route to 10.0.0.0/8" route del 10.0.0.0/8
is "nothing changed" "$("$DPIP" -j route)" "$before"
does "delete the better one" route del 203.0.113.0/24 metric 4
says "the other one is taken" 0 "203.0.113.9 via 198.51.100.254 dev dpdk1 src 198.51.100.1 mtu 1400" \
	route get 203.0.113.9
does "replace it" route replace 203.0.113.0/24 via 198.51.100.252 metric 5
says "it is replaced" 0 "203.0.113.9 via 198.51.100.252 dev dpdk1 src 198.51.100.1 mtu 1500" \
	route get 203.0.113.9
does "flush a port" route flush dev dpdk1
does "flush IPv6" -6 route flush
says "what was added elsewhere stays" 0 "default via 192.0.2.254 dev dpdk0 proto static src 192.0.2.1
192.0.2.0/24 dev dpdk0 proto kernel scope link src 192.0.2.1
198.51.100.0/24 dev dpdk1 proto kernel scope link src 198.51.100.1" route
is "IPv6 static ones are gone" "$("$DPIP" -6 route | grep -c static)" 0

# Neighbours
does "add a neighbour" neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev dpdk0
does "an IPv6 one" neigh add 2001:db8:1::9 lladdr 02:00:00:00:00:09 dev dpdk0
does "replace it" neigh replace 2001:db8:1::9 lladdr 02:00:00:00:00:0a dev dpdk0
says "are shown" 0 "192.0.2.9 dev dpdk0 lladdr 02:00:00:00:00:09 PERMANENT
2001:db8:1::9 dev dpdk0 lladdr 02:00:00:00:00:0a PERMANENT" neigh
before=$("$DPIP" -j neigh)
says "there already" 2 "dpip: there is an entry for 192.0.2.9 on dpdk0" \
	neigh add 192.0.2.9 lladdr 02:00:00:00:00:0b dev dpdk0
says "not there" 2 "dpip: there is no entry for 192.0.2.8 on dpdk0" neigh del 192.0.2.8 dev dpdk0
says "no such port" 2 'Device "dpdk9" does not exist.' neigh add 192.0.2.8 lladdr 02:00:00:00:00:0b dev dpdk9
says "our own address" 2 "dpip: 192.0.2.1 is an address of our own" \
	neigh add 192.0.2.1 lladdr 02:00:00:00:00:0b dev dpdk0
"$DPIP" neigh add 192.0.2.8 lladdr 01:00:00:00:00:0b dev dpdk0 2>"$TEST_DIR/err"
is "a multicast MAC address: one line" "$? $(wc -l <"$TEST_DIR/err")" "2 1"
is "nothing changed" "$("$DPIP" -j neigh)" "$before"
does "flush leaves what was added by hand" neigh flush
does "delete" neigh del 192.0.2.9 dev dpdk0
says "one is left" 0 "2001:db8:1::9 dev dpdk0 lladdr 02:00:00:00:00:0a PERMANENT" neigh
says "of the other port" 0 "[]" -j neigh show dev dpdk1

does "one more address" addr add 192.0.2.2/24 dev dpdk0
does "flush a port" -4 addr flush dev dpdk0
says "one family is gone" 0 "[]" -4 -j addr show dpdk0
is "the other one is not" "$("$DPIP" -6 -j addr show dpdk0 | grep -c '2001:db8:1::1')" 1
is "and the routes of its nets went along" "$("$DPIP" -d route show dev dpdk0 | grep -c 'proto kernel')" 0

# Connections: there are none
says "no connection" 0 "[]" -j conn show vip 192.0.2.100:80 state established
says "none to count" 0 "0" conn count
says "none with a filter" 0 "0" conn count proto udp
says "none to get" 2 "dpip: there is no such connection" \
	conn get proto tcp client 192.0.2.10:1025 vip 192.0.2.100:80

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
is "doc/graph.svg is the drawing of this graph" \
	"$(sed -n 's/^<title>\(.*\)&#45;&gt;\(.*\)<\/title>$/\1 \2/p' "$top_srcdir/doc/graph.svg" | sort)" \
	"$("$DPIP" graph dot | sed -n 's/^\t"\(.*\)" -> "\([^"]*\)".*/\1 \2/p' | sort)"
if command -v dot >/dev/null; then
	"$DPIP" graph dot >"$TEST_DIR/dot"
	ok "Graphviz reads it" dot -Tplain -o "$TEST_DIR/plain" "$TEST_DIR/dot"
else
	skip "Graphviz reads it" "dot is not installed"
fi
# A closed standard output must not become the socket to the daemon, with the listing as a request.
for line in "link show" -V --help; do
	# shellcheck disable=SC2086 # words
	"$DPIP" $line >&- 2>"$TEST_DIR/err"
	is "dpip $line, closed standard output" "$? $(cat "$TEST_DIR/err")" "1 dpip: cannot write the output"
done
# Messages
is "every lcore answers" "$("$DPIP" msg ping count 20 | awk '{ print $1, $2, $3, $4, $5 }')" "LCORE ROLE STATE SENT ANSWERED
0 main answered 20 20
1 worker answered 20 20"
is "one of them" "$("$DPIP" -j msg ping lcore 1 | grep -cE '^\[{"lcore":1,"role":"worker","state":"answered","sent":1,"answered":1,"rtt_ns_min":[1-9]')" 1
is "none that is not there" "$("$DPIP" msg ping lcore 77 2>&1; echo $?)" "dpip: $("$DPIP" msg ping lcore 77 2>&1 | sed 's/^dpip: //')
2"
sent()
{
	"$DPIP" -j msg show hello | sed 's/.*"sent":\([0-9]*\).*/\1/'
}
ok "they were counted" test "$(sent)" -ge 41
does "zero" msg zero
ok "they were counted anew" test "$(sent)" -lt 41

# What workers tell of themselves: a document each, also when it is asked again and again.
says "no such counter in a snapshot" 2 'Counter "nosuch" does not exist.' stats snapshot nosuch
for line in "stats snapshot" "lcore snapshot" "neigh replicas" "addr pools"; do
	# shellcheck disable=SC2086 # words
	is "$line is shown" "$("$DPIP" -j --count 2 --interval 1 $line | grep -c '^\[.*\]$')" 2
done

# Events
"$DPIP" -j monitor addr route neigh link service dest laddr generation present >"$TEST_DIR/monitor" 2>&1 &
monitor=$!
# wait_for PATTERN: until a line of the monitor is like it.
wait_for()
{
	wait_tries=0
	until grep -qE "$1" "$TEST_DIR/monitor" || [ $wait_tries -gt 600 ]; do
		sleep 0.1
		wait_tries=$((wait_tries + 1))
	done
	grep -cE "$1" "$TEST_DIR/monitor"
}
is "what there is comes first" "$(wait_for '"op":"synced"')" 1
is "both ports are told of" "$(grep -c '"kind":"link","op":"present"' "$TEST_DIR/monitor")" 2
printf '%s\n' "addr add 203.0.113.1/24 dev dpdk1" "route add 10.9.0.0/16 via 203.0.113.2" \
	"neigh add 203.0.113.9 lladdr 02:00:00:00:00:09 dev dpdk1" "link set dpdk1 mtu 1410" | "$DPIP" -b -
printf '%s\n' '-A -t 192.0.2.100:80 -s rr' '-P -t 192.0.2.100:80 -z 203.0.113.201 -F dpdk1' \
	'-a -t 192.0.2.100:80 -r 203.0.113.11:80 -b -w 3' | "$IPVSADM" -R
"$IPVSADM" -e -t 192.0.2.100:80 -r 203.0.113.11:80 -w 4
"$IPVSADM" -D -t 192.0.2.100:80
is "a service goes last" "$(wait_for '"kind":"service","op":"del"')" 1
sed -nE 's/^\{"kind":"([a-z]+)","op":"([a-z]+)".*(10\.9\.0\.0|203\.0\.113\.1",|203\.0\.113\.9"|192\.0\.2\.100|"mtu":1410).*/\1 \2/p' \
	"$TEST_DIR/monitor" | grep -vE 'present$' >"$TEST_DIR/told"
is "each change is told of, in its order" "$(grep -E '^(service|dest|laddr)' "$TEST_DIR/told" | paste -s -d ' ')" \
	"service add laddr add dest add dest change laddr del dest del service del"
is "of a batch too" "$(grep -E '^(addr|route|neigh|link)' "$TEST_DIR/told" | sort -u | paste -s -d ' ')" \
	"addr add link change neigh add route add"
"$DPIP" addr add 203.0.113.1/24 dev dpdk1 2>/dev/null
does "one more change" link set dpdk1 mtu 1500
is "what was refused is not told of" "$(wait_for '"kind":"link","op":"change".*"mtu":1500') $(grep -cE '"addr","op":"add".*203.0.113.1"' \
	"$TEST_DIR/monitor")" "1 1"
stop_daemon
is "the daemon ends cleanly" "$?" 0
says "and is out of reach then" 3 \
	"dpip: cannot reach the daemon: no socket $DPVS_SOCKET; is dpvsd running?" link
wait $monitor
is "the end of the daemon is its end" "$? $(tail -n 1 "$TEST_DIR/monitor" | grep -c '^dpip: ')" "3 1"
done_testing
