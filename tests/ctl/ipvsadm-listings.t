#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Listings of ipvsadm with counters of every length, connections, local addresses; what each refusal of the
# daemon is called.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/fake-dpvsd.sh"
ipvsadm=$top_builddir/utils/ipvsadm/ipvsadm
fake_start

is "-ln" "$($ipvsadm -ln)" "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.99:443 rr (flag-1,flag-3)
TCP  192.0.2.100:80 wlc
  -> 198.51.100.11:80             Masq    0      0          0         
  -> 198.51.100.12:8080           FullNat 65535  4294967295 7         
UDP  [2001:db8:1:2:3:4:5:6]:65535 mh (mh-port)
  -> [2001:db8:2:2:3:4:5:6]:65535 Tunnel  1      0          0         "
is "--nosort" "$($ipvsadm -ln --nosort)" "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
UDP  [2001:db8:1:2:3:4:5:6]:65535 mh (mh-port)
  -> [2001:db8:2:2:3:4:5:6]:65535 Tunnel  1      0          0         
TCP  192.0.2.100:80 wlc
  -> 198.51.100.12:8080           FullNat 65535  4294967295 7         
  -> 198.51.100.11:80             Masq    0      0          0         
TCP  192.0.2.99:443 rr (flag-1,flag-3)"
is "--stats: K, M, G, T" "$($ipvsadm -ln --stats)" "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  192.0.2.99:443                      1        2        3     100T18446744T
TCP  192.0.2.100:80               99999999  100000K  999999K    1000M   99999M
  -> 198.51.100.11:80                    0        0        0        0        0
  -> 198.51.100.12:8080                  1        2        3        4        5
UDP  [2001:db8:1:2:3:4:5:6]:65535        0        0        0        0        0
  -> [2001:db8:2:2:3:4:5:6]:65535        0        0        0        0        0"
is "--stats --exact" "$($ipvsadm -ln --stats --exact | sed -n 4,5p)" "\
TCP  192.0.2.99:443                      1        2        3 100000000000000 18446744073709551615
TCP  192.0.2.100:80               99999999 100000000 999999999 1000000000 99999999999"
is "--rate" "$($ipvsadm -ln --rate | sed -n 2,5p)" "\
Prot LocalAddress:Port                 CPS    InPPS   OutPPS    InBPS   OutBPS
  -> RemoteAddress:Port
TCP  192.0.2.99:443                      0        0        0        0        0
TCP  192.0.2.100:80                      1        2        3     100G   99999G"
is "--thresholds" "$($ipvsadm -ln --thresholds | sed -n '2,3p;7p')" "\
Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn 
  -> RemoteAddress:Port
  -> 198.51.100.12:8080           1000       100        4294967295 7         "
is "--persistent-conn" "$($ipvsadm -ln --persistent-conn | sed -n '2,3p;7p')" "\
Prot LocalAddress:Port            Weight    PersistConn ActiveConn InActConn 
  -> RemoteAddress:Port
  -> 198.51.100.12:8080           65535     3           4294967295 7         "
is "--tun-info" "$($ipvsadm -ln --tun-info | sed -n '3p;7p;9p')" "\
  -> RemoteAddress:Port           Forward TunnelInfo    Weight ActiveConn InActConn
  -> 198.51.100.12:8080           FullNat n/a           65535  4294967295 7         
  -> [2001:db8:2:2:3:4:5:6]:65535 Tunnel  ipip          1      0          0         "
is "-lnc" "$($ipvsadm -lnc)" "\
IPVS connection entries
pro expire state       source             virtual            destination
TCP 14:59  ESTABLISHED 192.0.2.10:40000   192.0.2.100:80     198.51.100.11:8080
UDP 00:00  UDP         [2001:db8:1::10]:53000 [2001:db8:1::100]:53 [2001:db8:2::11]:53"
is "-Gn" "$($ipvsadm -Gn)" "\
Prot VIP:VPORT                    TOTAL SNAT_IP                      DEV             CONFLICTS  CONNS
TCP  192.0.2.100:80               2     198.51.100.201               dpdk1           0          0
TCP  192.0.2.100:80               2     198.51.100.202               dpdk1           5          12345678901"
is "-S -n: nothing is left out" "$($ipvsadm -S -n)" "\
-A -t 192.0.2.99:443 -s rr -b flag-1,flag-3
-A -t 192.0.2.100:80 -s wlc --conn-timeout 77
-P -t 192.0.2.100:80 -z 198.51.100.201 -F dpdk1
-P -t 192.0.2.100:80 -z 198.51.100.202 -F dpdk1
-a -t 192.0.2.100:80 -r 198.51.100.11:80 -m -w 0
-a -t 192.0.2.100:80 -r 198.51.100.12:8080 -b -w 65535 -x 1000 -y 100
-A -u [2001:db8:1:2:3:4:5:6]:65535 -s mh -b mh-port
-a -u [2001:db8:1:2:3:4:5:6]:65535 -r [2001:db8:2:2:3:4:5:6]:65535 -i -w 1"
is "--json: local addresses" "$($ipvsadm -G --json)" "[{\"protocol\":\"tcp\",\"address\":\"192.0.2.100\",\
\"port\":80,\"local_address\":\"198.51.100.201\",\"device\":\"dpdk1\",\"connections\":0,\"conflicts\":0},\
{\"protocol\":\"tcp\",\"address\":\"192.0.2.100\",\"port\":80,\"local_address\":\"198.51.100.202\",\
\"device\":\"dpdk1\",\"connections\":12345678901,\"conflicts\":5}]"
is "--json: time-outs" "$($ipvsadm -L --timeout --json)" '{"tcp_s":900,"tcp_fin_s":120,"udp_s":300}'
is "--json: daemons" "$($ipvsadm -L --daemon --json)" '[]'
is "--json: a connection" "$($ipvsadm -Lc --json | cut -d'}' -f1)" "[{\"protocol\":\"tcp\",\
\"expire_ms\":899000,\"state\":\"ESTABLISHED\",\"forward\":\"fullnat\",\"source_address\":\"192.0.2.10\",\
\"source_port\":40000,\"virtual_address\":\"192.0.2.100\",\"virtual_port\":80,\"local_address\":\
\"198.51.100.201\",\"local_port\":1025,\"destination_address\":\"198.51.100.11\",\"destination_port\":8080,\
\"lcore\":1,\"in_packets\":10,\"out_packets\":8,\"in_bytes\":1000,\"out_bytes\":1500000"
ok "--json: no local address is null" sh -c '"$1" -Lc --json | grep -q "\"local_address\":null"' sh "$ipvsadm"
if command -v jq >/dev/null; then
	is "--json: services" "$($ipvsadm -L --json | jq -c '.[1] | [.protocol, .address, .port, .scheduler,
		.connection_timeout_s, .stats.in_bytes, .rates.out_bytes_per_s, (.local_addresses | length),
		.servers[1].forward, .servers[1].upper_threshold, .servers[1].active_connections]')" \
		'["tcp","192.0.2.100",80,"wlc",77,1000000000,99999999999999,2,"fullnat",1000,4294967295]'
	is "--json: flags" "$($ipvsadm -L --json | jq -c 'map(.scheduler_flags)')" \
		'[["flag-1","flag-3"],[],["mh-port"]]'
	is "--pretty is the same" "$($ipvsadm -L --pretty | jq -c .)" "$($ipvsadm -L --json | jq -c .)"
else
	skip "--json: services" "jq is not installed"
fi
ok "--pretty has lines" test "$($ipvsadm -L --pretty | wc -l)" -gt 100
if [ -w /dev/full ]; then
	$ipvsadm -ln >/dev/full 2>"$TEST_DIR/err"
	is "a full disk: ends with 1" "$?" 1
	ok "a full disk: says so" grep -q "No space left on device" "$TEST_DIR/err"
	$ipvsadm -S -n >/dev/full 2>/dev/null
	is "a full disk while saving: ends with 1" "$?" 1
fi

# refusal ERRNO COMMAND WANTED: the errno is the port of the service
refusal()
{
	# shellcheck disable=SC2046 # words
	$ipvsadm $(printf '%s' "$2" | sed "s/SVC/192.0.2.1:$1/") >"$TEST_DIR/out" 2>&1
	is "errno $1: $2" "$? $(cat "$TEST_DIR/out")" "255 $3"
}
while IFS='|' read -r errno command text; do
	refusal "$errno" "$command" "$text"
done <<'END'
1|-A -t SVC|Permission denied (you must be root)
13|-D -t SVC|Permission denied (you must be root)
1|-P -t SVC -z 198.51.100.1 -F dpdk1|Permission denied (you must be root)
12|-a -t SVC -r 198.51.100.1|Memory allocation problem
17|-A -t SVC|Service already exists
2|-A -t SVC -s rr|Scheduler or persistence engine not found
2|-E -t SVC -s rr|Scheduler or persistence engine not found
3|-E -t SVC -s rr|No such service
3|-D -t SVC|No such service
3|-Z -t SVC|No such service
3|-a -t SVC -r 198.51.100.1|Service not defined
3|-e -t SVC -r 198.51.100.1|Service not defined
3|-d -t SVC -r 198.51.100.1|Service not defined
17|-a -t SVC -r 198.51.100.1|Destination already exists
2|-e -t SVC -r 198.51.100.1|No such destination
2|-d -t SVC -r 198.51.100.1|No such destination
3|-P -t SVC -z 198.51.100.1 -F dpdk1|Service not defined
17|-P -t SVC -z 198.51.100.1 -F dpdk1|Local address already exists
2|-Q -t SVC -z 198.51.100.1|No such local address
22|-A -u SVC|ipvsadm: cannot add the service: reason 22
95|-a -u SVC -r 198.51.100.1|ipvsadm: cannot add the real server: reason 95
28|-E -u SVC -s rr|ipvsadm: cannot edit the service: reason 28
115|-D -u SVC|ipvsadm: reason 115; dpip verify shows when it has
19|-P -u SVC -z 198.51.100.1 -F dpdk1|ipvsadm: cannot add the local address: reason 19
END
$ipvsadm -A -t 192.0.2.1:22 2>"$TEST_DIR/err"
ok "an errno without a text has one line" sh -c 'test "$(wc -l <"$1")" = 1 && ! grep -q Success "$1"' sh "$TEST_DIR/err"
echo '-A -t 192.0.2.1:1000' >"$TEST_DIR/rules"
$ipvsadm -R <"$TEST_DIR/rules" 2>"$TEST_DIR/err"
is "a daemon without transactions is too old for -R" "$? $(cat "$TEST_DIR/err")" "255 ipvsadm: cannot restore the \
rules: this dpvsd has no transactions; use the ipvsadm that came with it"
echo 'link set dpdk0 up' >"$TEST_DIR/batch"
"$top_builddir/utils/dpip/dpip" -b "$TEST_DIR/batch" 2>"$TEST_DIR/err"
is "and for dpip -b" "$? $(cat "$TEST_DIR/err")" "1 dpip: this dpvsd has no transactions; with -force each line is a \
change of its own
Command failed $TEST_DIR/batch:1"
fake_stop
FAKE_TXN=late
export FAKE_TXN
fake_start
$ipvsadm -R <"$TEST_DIR/rules" 2>"$TEST_DIR/err"
is "a worker is late: ends with 255" "$?" 255
is "a worker is late: rules are committed" "$(cat "$TEST_DIR/err")" "ipvsadm: the rules are committed, but a \
worker has not confirmed them yet; dpip verify shows when it has"
"$top_builddir/utils/dpip/dpip" -b "$TEST_DIR/batch" 2>"$TEST_DIR/err"
is "a batch of which a worker is late" "$? $(cat "$TEST_DIR/err")" "1 dpip: reason 115"
ok "a change that is taken" $ipvsadm -A -t 192.0.2.1:1000
is "and prints nothing" "$($ipvsadm -D -t 192.0.2.1:1000 2>&1)" ""
fake_stop
$ipvsadm -ln 2>"$TEST_DIR/err"
is "no daemon: ends with 2" "$?" 2
is "no daemon: one line" "$(wc -l <"$TEST_DIR/err")" 1
done_testing
