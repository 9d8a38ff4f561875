#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What dpip asks of the daemon: each command line and the change that it becomes.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/fake-dpvsd.sh"
[ -x "$top_builddir/tests/helpers/fake-dpvsd" ] || skip_all "fake-dpvsd is not built"
dpip=$top_builddir/utils/dpip/dpip
fake_start

# asks WANTED ARGUMENTS...: runs dpip; the daemon must have been asked for WANTED, dpip be silent.
asks()
{
	asks_wanted=$1
	shift
	asks_said=$("$dpip" "$@" 2>&1)
	is "dpip $*" "$? $asks_said$(fake_log)" "0 $asks_wanted"
}

asks "port dpdk0 set 0x1 mtu 0 mac 00:00 up 1 promisc 0 allmulticast 0" link set dpdk0 up
asks "port dpdk0 set 0x1 mtu 0 mac 00:00 up 0 promisc 0 allmulticast 0" l s dev dpdk0 down
asks "port dpdk0 set 0x1f mtu 9000 mac 02:09 up 1 promisc 1 allmulticast 0" \
	link set dpdk0 mtu 9000 address 02:00:00:00:00:09 promisc on allmulticast off up
asks "addr-add 198.51.100.1/24 brd - dev dpdk0 scope 0 flags 0 valid 4294967295 preferred 4294967295" \
	addr add 198.51.100.1/24 dev dpdk0
asks "addr-add 2001:db8::1/128 brd - dev dpdk0 scope 0 flags 0 valid 4294967295 preferred 4294967295" \
	a a 2001:db8::1 dev dpdk0
asks "addr-set 198.51.100.1/24 brd 198.51.100.254 dev dpdk0 scope 253 flags 0 valid 100 preferred 100" \
	addr replace 198.51.100.1/24 dev dpdk0 brd 198.51.100.254 valid_lft 100 scope link
asks "addr-set 198.51.100.1/24 brd - dev dpdk0 scope 0 flags 0 valid 4294967295 preferred 60" \
	addr set 198.51.100.1/24 dev dpdk0 prefered_lft 60
asks "addr-del 198.51.100.1/24 brd - dev dpdk0 scope 0 flags 0 valid 0 preferred 0" \
	addr del 198.51.100.1/24 dev dpdk0
asks "addr-flush family 0 dev dpdk0" addr flush dev dpdk0
asks "addr-flush family 10 dev dpdk0" -6 addr flush dpdk0
asks "route-add op 0 dst 0.0.0.0/0 via 192.0.2.254 dev  src - scope 0 type 1 mtu 0 metric 0" \
	route add default via 192.0.2.254
asks "route-add op 0 dst 198.51.100.0/24 via - dev dpdk1 src 192.0.2.1 scope 253 type 1 mtu 1400 metric 7" \
	route add 198.51.100.0/24 dev dpdk1 src 192.0.2.1 mtu 1400 metric 7
asks "route-set op 2 dst 198.51.100.7/32 via - dev dpdk1 src - scope 254 type 1 mtu 0 metric 0" \
	ro change 198.51.100.7 dev dpdk1 scope host
asks "route-del op 1 dst 198.51.100.0/24 via - dev  src - scope 253 type 1 mtu 0 metric 0" \
	r d 198.51.100.0/24
asks "route6 op 0 dst ::/0 via 2001:db8::fe dev  src - scope 0 type 1 mtu 0 metric 0" \
	route add default via 2001:db8::fe
asks "route6 op 1 dst ::/0 via - dev  src - scope 253 type 1 mtu 0 metric 0" -6 route del default
asks "route6 op 2 dst 2001:db8:8::/48 via - dev dpdk0 src - scope 253 type 1 mtu 0 metric 0" \
	route replace 2001:db8:8::/48 dev dpdk0
asks "route-flush op 0 dst 0.0.0.0/0 via - dev dpdk0 src - scope 0 type 0 mtu 0 metric 0" \
	route flush dev dpdk0
asks "route6-flush op 0 dst ::/0 via - dev  src - scope 0 type 0 mtu 0 metric 0" -6 route flush
asks "neigh-add 192.0.2.9 family 2 mac 02:09 dev dpdk0 flags 0" \
	neigh add 192.0.2.9 lladdr 02-00-00-00-00-09 dev dpdk0
asks "neigh-add fe80::9 family 10 mac 02:09 dev dpdk0 flags 1" \
	neighbour replace fe80::9 dev dpdk0 lladdr 2:0:0:0:0:9
asks "neigh-del 192.0.2.9 family 2 mac 00:00 dev dpdk0 flags 0" \
	neigh del 192.0.2.9 lladdr 02:00:00:00:00:09 dev dpdk0
asks "neigh-flush - family 0 mac 00:00 dev dpdk0 flags 0" neigh flush dev dpdk0
asks "neigh-flush :: family 10 mac 00:00 dev  flags 0" -6 n f

"$dpip" conn show client 192.0.2.10:40000 vip 192.0.2.100 rs [::1]:80 proto tcp state time limit 5 >/dev/null
is "filters of connections" "$(fake_log)" \
	"conns client 192.0.2.10:40000 vip 192.0.2.100:0 dest ::1:80 proto 6 state 6 limit 5"
"$dpip" conn get proto udp client 192.0.2.10:53 vip 192.0.2.100:53 >/dev/null
is "one connection" "$(fake_log)" \
	"conns client 192.0.2.10:53 vip 192.0.2.100:53 dest -:0 proto 17 state 0 limit 0"

# A list of wrong command lines: one clear line, exit code 1, nothing asked.
before=$(wc -l <"$TEST_DIR/fake.log")
while IFS='|' read -r line wanted; do
	# shellcheck disable=SC2086
	said=$(set -f; "$dpip" $line 2>&1 >"$TEST_DIR/stdout")
	is "dpip $line" "$? $said$(cat "$TEST_DIR/stdout")" "1 $wanted"
done <<'END'
foo|Object "foo" is unknown, try "dpip help".
help foo|Object "foo" is unknown, try "dpip help".
m|Object "m" is ambiguous: msg, mem, monitor.
vlan add link dpdk0 id 7|Object "vlan" is not supported by this build.
tunnel|Object "tunnel" is not supported by this build.
qsch show dev dpdk0|Object "qsch" is not supported by this build.
cls show dev dpdk0|Object "cls" is not supported by this build.
ipset show|Object "ipset" is not supported by this build.
ipv6 show|Object "ipv6" is not supported by this build.
trace|Object "trace" is not supported by this build.
link foo|Command "foo" is unknown, try "dpip link help".
link add bond0 type bond mode 4|Command "link add" is not supported by this build.
link set|Not enough information: DEV is required.
link set dpdk0|Not enough information: what to set is missing, try "dpip link help".
link set dpdk0 mtu|Error: the value of "mtu" is missing.
link set dpdk0 mtu 80x|Error: "80x" is not a valid "mtu" (68 to 65535).
link set dpdk0 mtu -1|Error: "-1" is not a valid "mtu" (68 to 65535).
link set dpdk0 mtu 70000|Error: "70000" is not a valid "mtu" (68 to 65535).
link set dpdk0 mtu 99999999999999999999|Error: "99999999999999999999" is not a valid "mtu" (68 to 65535).
link set dpdk0 addr 02:00:00:00:00:0g|Error: "02:00:00:00:00:0g" is not a MAC address.
link set dpdk0 tc-egress on|Error: "tc-egress" is not supported by this build.
link set a-name-that-is-longer-than-31-bytes up|Error: "a-name-that-is-longer-than-31-bytes" is not the name of a port (1 to 31 characters, no blanks).
link show dpdk0 dpdk1|Error: "dpdk1" is a garbage, nothing more is expected here.
addr show dev|Error: the value of "dev" is missing.
addr add 192.0.2.256/24 dev dpdk0|Error: "192.0.2.256/24" is not an IP prefix.
addr add 192.0.2.1/ dev dpdk0|Error: "192.0.2.1/" has no valid prefix length (0 to 32).
addr add 2001:db8::1/129 dev dpdk0|Error: "2001:db8::1/129" has no valid prefix length (0 to 128).
addr add 2001:db8::1/64 dev dpdk0 broadcast 192.0.2.1|Error: "broadcast" is for IPv4 addresses only.
addr add 192.0.2.1/24 dev dpdk0 broadcast ::1|Error: "broadcast" is for IPv4 addresses only.
addr add 192.0.2.1/24 dev dpdk0 valid_lft 10 preferred_lft 20|Error: "preferred_lft" is longer than "valid_lft".
-6 addr add 192.0.2.1/24 dev dpdk0|Error: "192.0.2.1/24" is not an IPv6 prefix.
addr flush|Not enough information: DEV is required.
route add default|Not enough information: "via" or "dev" argument is required.
route add 192.0.2.0/24 via 2001:db8::1|Error: the addresses of a route are all IPv4 or all IPv6.
route add default via 192.0.2.1 src 2001:db8::1|Error: the addresses of a route are all IPv4 or all IPv6.
route add default dev dpdk0 scope kernel|Error: "scope kernel" is not supported by this build.
route add default dev dpdk0 metric 4294967296|Error: "4294967296" is not a valid "metric" (0 to 4294967295).
route get|Not enough information: ADDR is required.
route get default|Error: "default" is not an IP address.
neigh add 192.0.2.1 dev dpdk0|Not enough information: "lladdr" argument is required.
neigh add 192.0.2.1 lladdr 02:00:00:00:00:01|Not enough information: "dev" argument is required.
conn show vip 192.0.2.1:80x|Error: "80x" is not a port (0 to 65535).
conn show state open|Error: "open" is not a valid "state" (NONE | ESTABLISHED | SYN_SENT | SYN_RECV | FIN_WAIT | TIME_WAIT | CLOSE | CLOSE_WAIT | LAST_ACK | LISTEN | SYNACK | UDP).
conn get client 192.0.2.1:80|Not enough information: "vip" argument is required.
lcore show x|Error: "x" is not a valid "lcore" (0 to 65535).
graph show lcore|Error: the value of "lcore" is missing.
verify now|Command "now" is unknown, try "dpip verify help".
-b|Option "-batch" needs a value: FILE.
-b /nonexistent/file|Cannot open file "/nonexistent/file" for reading: No such file or directory.
-b /dev/null link|Error: "link" is a garbage: with -batch the commands come from the file.
--interval 1 link set dpdk0 up|Error: --interval and --count only go with what is shown.
--interval x link|Error: "x" is not a valid "--interval" (1 to 86400).
--nonsense link|Option "--nonsense" is unknown, try "dpip -help".
-n lab link|Option "-netns" is not supported by this build.
END
is "none of them asked for anything" "$(wc -l <"$TEST_DIR/fake.log")" "$before"
"$dpip" >"$TEST_DIR/stdout" 2>"$TEST_DIR/stderr"
is "no arguments: exit code 1, usage on stderr" "$? $(head -c 6 "$TEST_DIR/stderr") $(wc -c <"$TEST_DIR/stdout")" \
	"1 Usage: 0"
done_testing
