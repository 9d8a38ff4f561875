#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Services, servers and local addresses in a running daemon with three workers: what the tools set is what
# they read, refused requests change nothing, local addresses come to their port and go, all workers agree.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"

daemon_conf <<'END'
[eal]
huge-pages = no
pci = no

[graph]
mbufs = 8191

[lcore]
workers = 3

[service]
max-services = 6000
max-dests = 12010

[port dpdk0]
device = net_ring0

[port dpdk1]
device = net_ring1
END
start_daemon

# refused TEXT MESSAGE ARGS...: ipvsadm ARGS ends with 255 and says MESSAGE
refused()
{
	text=$1
	message=$2
	shift 2
	out=$("$IPVSADM" "$@" 2>&1)
	is "$text" "$?: $out" "255: $message"
}

# until CMD...: waits until it succeeds, at most 10 seconds
until_ok()
{
	tries=0
	until "$@"; do
		tries=$((tries + 1))
		[ $tries -lt 100 ] || return 1
		sleep 0.1
	done
}

has_addr()
{
	"$DPIP" addr show | grep -q "inet6* $1"
}

has_no_addr()
{
	! has_addr "$1"
}

# Every worker has applied every change.
agree()
{
	"$DPIP" verify >"$TEST_DIR/verify" 2>&1
}

vip=192.0.2.100:80
vip6='[2001:db8:1::100]:80'
ok "add a service" "$IPVSADM" -A -t $vip -s mh -b mh-port
ok "add an IPv6 service" "$IPVSADM" -A -u "$vip6"
ok "local address right after the service" "$IPVSADM" -P -t $vip -z 198.51.100.201 -F dpdk1
ok "add servers in each mode" "$IPVSADM" -R <<END
-a -t $vip -r 198.51.100.11:8080 -b -w 5
-a -t $vip -r 198.51.100.12:8080 -m
-a -t $vip -r 198.51.100.13:80 -g -w 0
-a -u $vip6 -r [2001:db8:2::11]:53 -m -w 65535
END
ok "workers agree" agree
ok "the local address is on its port" has_addr 198.51.100.201/32
cat >"$TEST_DIR/wanted" <<END
-A -t $vip -s mh -b mh-port
-a -t $vip -r 198.51.100.11:8080 -b -w 5
-a -t $vip -r 198.51.100.12:8080 -m -w 1
-a -t $vip -r 198.51.100.13:80 -g -w 0
-P -t $vip -z 198.51.100.201 -F dpdk1
-A -u $vip6 -s wlc
-a -u $vip6 -r [2001:db8:2::11]:53 -m -w 65535
END
"$IPVSADM" -Sn | sort >"$TEST_DIR/got"
sort "$TEST_DIR/wanted" >"$TEST_DIR/sorted"
ok "what was set is what is saved" diff "$TEST_DIR/sorted" "$TEST_DIR/got"

refused "a service twice" "Service already exists" -A -t $vip
refused "a server twice" "Destination already exists" -a -t $vip -r 198.51.100.11:8080 -m
refused "edit a service that is not there" "No such service" -E -t 192.0.2.9:80 -s rr
refused "edit a server that is not there" "No such destination" -e -t $vip -r 198.51.100.99:8080 -m
refused "a scheduler that is not there" "Scheduler or persistence engine not found" -E -t $vip -s nosuch

# One bad line in the middle: nothing of the request.
"$IPVSADM" -Sn >"$TEST_DIR/before"
"$IPVSADM" -R >"$TEST_DIR/out" 2>&1 <<END
-A -t 192.0.2.50:80 -s rr
-a -t 192.0.2.50:80 -r 198.51.100.11:80 -g
-A -t $vip -s rr
-A -t 192.0.2.51:80 -s rr
END
ok "restore with a service that is there fails" test $? -ne 0
"$IPVSADM" -Sn >"$TEST_DIR/after"
grep -v 192.0.2.5 "$TEST_DIR/after" >"$TEST_DIR/rest"
ok "what was there is as before" diff "$TEST_DIR/before" "$TEST_DIR/rest"

ok "edit one thing of a server" "$IPVSADM" -e -t $vip -r 198.51.100.13:80 -w 7
is "its mode stays" "$("$IPVSADM" -Sn | grep 198.51.100.13:80 | sed 's/.*-r //')" "198.51.100.13:80 -g -w 7"
ok "edit the scheduler" "$IPVSADM" -E -t $vip -s wrr
is "servers and local addresses stay" "$("$IPVSADM" -Sn | grep -c -e "-[aP] -t $vip")" 4

ok "time-outs" "$IPVSADM" --set 100 0 30
is "0 leaves a time-out" "$("$IPVSADM" -L --timeout)" "Timeout (tcp tcpfin udp): 100 120 30"
ok "the usual time-outs again" "$IPVSADM" --set 900 120 300
ok "zero all" "$IPVSADM" -Z
ok "zero one" "$IPVSADM" -Z -t $vip

ok "a server goes" "$IPVSADM" -d -t $vip -r 198.51.100.12:8080
ok "and comes back" "$IPVSADM" -a -t $vip -r 198.51.100.12:8080 -m
ok "the local address goes" "$IPVSADM" -Q -t $vip -z 198.51.100.201 -F dpdk1
ok "it leaves its port" until_ok has_no_addr 198.51.100.201
ok "delete a service" "$IPVSADM" -D -u "$vip6"
ok "clear" "$IPVSADM" -C
is "nothing is left" "$("$IPVSADM" -Sn)" ""
ok "workers agree at the end" agree

# More services than fit, then as many as fit, twice.
awk 'BEGIN { for (i = 0; i < 6000; i++) { v = sprintf("10.1.%d.%d:80", i / 250, i % 250 + 1);
	print "-A -t " v " -s wrr"; print "-a -t " v " -r 198.51.100.11:8080 -m -w 2";
	print "-a -t " v " -r 198.51.100.12:8080 -m -w 1" } }' >"$TEST_DIR/many"
for round in 1 2; do
	ok "restore 6,000 services, round $round" "$IPVSADM" -R <"$TEST_DIR/many"
	is "18,000 rules are there, round $round" "$("$IPVSADM" -Sn | wc -l)" 18000
	"$IPVSADM" -A -t 10.2.0.1:80 >"$TEST_DIR/out" 2>&1
	is "one more is refused, round $round" "$?" 255
	ok "clear, round $round" "$IPVSADM" -C
	# Slots of removed servers are free again when all workers have confirmed.
	ok "room for a service, round $round" until_ok "$IPVSADM" -A -t 10.2.0.1:80
	ok "room for a server, round $round" until_ok "$IPVSADM" -a -t 10.2.0.1:80 -r 198.51.100.13:80 -m
	"$IPVSADM" -C
done
ok "workers agree after all" agree
stop_daemon
is "the daemon ends with 0" "$?" 0
done_testing
