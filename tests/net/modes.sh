# SPDX-License-Identifier: GPL-2.0-or-later
# Every way to forward, IPv4 and IPv6, with $workers workers: HTTP, a download of 200 MB, DNS, what the
# servers see, which way answers take, ping, traceroute.
# shellcheck shell=sh disable=SC2154

. "$top_srcdir/tests/net/net.sh"

# Mode, TCP port, UDP port. Direct routing needs the server's own ports.
modes="fullnat:8080:5301 nat:8081:5302 dr:80:53"

# The server's own address, as it stands in what tcpdump -e prints.
server_macs()
{
	for server in rs1 rs2; do
		mac_of $server eth1
	done
}

# downloads VIP PORT: with the right checksum.
downloads()
{
	in_ns client curl -sgf --max-time 120 "http://$(host "$1"):$2/big" | sha256sum >"$TEST_DIR/sum"
	cmp "$TEST_DIR/sum" "$TEST_DIR/sum.want"
}

# resolves VIP PORT: a UDP answer from each server.
resolves()
{
	for i in 1 2 3 4 5 6; do
		in_ns client dig +short +tries=2 +time=3 -p "$2" "@$1" TXT who.lab.test
	done | sort -u | tr -d '"\n' >"$TEST_DIR/names"
	cat "$TEST_DIR/names"
	[ "$(cat "$TEST_DIR/names")" = rs1rs2 ]
}

# servers_see VIP PORT REGEX: the client's address in what both servers say.
servers_see()
{
	both_servers "$1" "$2" && ! grep -vE " rs[12] $3\$" "$TEST_DIR/both"
}

# answers_from MAC...: every packet captured came from one of these.
answers_from()
{
	[ -s "$TEST_DIR/capture" ] || { echo "nothing was captured"; return 1; }
	for mac in "$@"; do
		printf '%s\n' "$mac"
	done >"$TEST_DIR/macs"
	! awk '{ print $2 }' "$TEST_DIR/capture" | grep -vFf "$TEST_DIR/macs"
}

# hops ADDRESS WANTED: the way that traceroute sees.
# One probe at a time: a server tells only so often that nobody listens, and says it to whichever probe came first.
hops()
{
	in_ns client traceroute -n -N 1 -q 2 -w 2 -m 5 "$1" 2>&1 |
		awk 'NR > 1 { print $2 }' | paste -sd ' ' >"$TEST_DIR/hops"
	cat "$TEST_DIR/hops"
	[ "$(cat "$TEST_DIR/hops")" = "$2" ]
}

net_lab af_packet "$workers" </dev/null
chmod 711 "$TEST_DIR"
head -c 200000000 /dev/urandom >"$TEST_DIR/big"
chmod 644 "$TEST_DIR/big"
sha256sum <"$TEST_DIR/big" >"$TEST_DIR/sum.want"
for server in rs1 rs2; do
	ln -s "$TEST_DIR/big" "$LAB_DIR/$server/www/big"
	! have dnsmasq || server_start_dns $server
done
director_mac=$(mac_of director wan0)

for row in $modes; do
	mode=${row%%:*}
	udp=${row##*:}
	tcp=${row#*:}
	tcp=${tcp%:*}
	for vip in $LAB_VIP4 $LAB_VIP6; do
		quietly director_service $mode tcp $vip "$tcp" rr 80
		quietly director_service $mode udp $vip "$udp" rr 53
	done
done

for row in $modes; do
	mode=${row%%:*}
	udp=${row##*:}
	tcp=${row#*:}
	tcp=${tcp%:*}
	for vip in $LAB_VIP4 $LAB_VIP6; do
		case $vip in
		*:*) family=IPv6 client=2001:db8:1::10 local='2001:db8:2::20[1-4]' ;;
		*) family=IPv4 client=192.0.2.10 local='198\.51\.100\.20[1-4]' ;;
		esac
		what="$mode, $family, $workers worker(s):"
		[ $mode = fullnat ] && seen=$local || seen=$client
		have tcpdump && capture_start client eth0 "src host $vip and tcp src port $tcp"
		ok "$what both servers answer and see $seen" servers_see $vip "$tcp" "$seen"
		if have tcpdump; then
			capture_end >/dev/null
			if [ $mode = dr ]; then
				# shellcheck disable=SC2046 # words
				ok "$what the server answers the client directly" answers_from $(server_macs)
			else
				ok "$what the answer passes the director" answers_from "$director_mac"
			fi
		else
			skip "$what the way of the answer" "tcpdump is not installed"
		fi
		ok "$what 200 MB arrive as they were" downloads $vip "$tcp"
		if have dig && have dnsmasq; then
			ok "$what both servers answer DNS over UDP" resolves $vip "$udp"
		else
			skip "$what DNS over UDP" "dig and dnsmasq are not both installed"
		fi
	done
done

if have ping; then
	for address in $LAB_VIP4 192.0.2.1 198.51.100.1 198.51.100.201 198.51.100.11 \
		$LAB_VIP6 2001:db8:1::1 2001:db8:2::1 2001:db8:2::201 2001:db8:2::12; do
		ok "ping $address, $workers worker(s)" in_ns client ping -n -c 3 -i 0.2 -W 2 -q $address
	done
else
	skip "ping" "ping is not installed"
fi
if have traceroute; then
	ok "traceroute through the director, $workers worker(s)" hops 198.51.100.12 "192.0.2.1 198.51.100.12"
	ok "traceroute over IPv6, $workers worker(s)" hops 2001:db8:2::12 "2001:db8:1::1 2001:db8:2::12"
else
	skip "traceroute" "traceroute is not installed"
fi
ok "dpvsd ends cleanly" director_end
done_testing
