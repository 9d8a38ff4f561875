#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the real ipvsadm showed, with the IPVS of Linux 6.1, when a server had refused four connections by NAT: the same
# packets, listings byte for byte, but for the clients' ports and the seconds that are left.
. "$top_srcdir/tests/net/net.sh"

four_refused()
{
	for i in 1 2 3 4; do
		! fetch $LAB_VIP4 80 || return 1
	done
}

net_lab af_packet 1 <<-'END'
	[conn]
	max = 4096
END
lab_stop rs1-nginx
quietly ipvsadm -A -t 192.0.2.100:80 -s rr
quietly ipvsadm -a -t 192.0.2.100:80 -r 198.51.100.11:80 -m
quietly ipvsadm -A -u 192.0.2.100:53 -s rr
quietly ipvsadm -a -u 192.0.2.100:53 -r 198.51.100.11:53 -m
# The first SYN waits for ARP's answer.
in_ns client ping -n -c 1 -W 5 -q 198.51.100.11 >/dev/null
# They end after ten seconds: on a machine that needs longer to look at them, once more.
for try in 1 2 3 4 5; do
	quietly ipvsadm -Z
	quietly four_refused
	ipvsadm -ln >"$TEST_DIR/list"
	ipvsadm -lnc >"$TEST_DIR/conns"
	ipvsadm -ln --stats >"$TEST_DIR/stats"
	ipvsadm -ln --thresholds >"$TEST_DIR/thresholds"
	[ "$(grep -c CLOSE "$TEST_DIR/conns")" != 4 ] || break
	diag "try $try: $(grep -c CLOSE "$TEST_DIR/conns") connections"
	wait_for 60 sh -c '[ "$("$1" -lnc --socket "$2" | grep -c CLOSE)" = 0 ]' sh \
		"$LAB_BUILD/utils/ipvsadm/ipvsadm" "$LAB_SOCKET"
done

is "-ln" "$(cat "$TEST_DIR/list")" "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port Scheduler Flags
  -> RemoteAddress:Port           Forward Weight ActiveConn InActConn
TCP  192.0.2.100:80 rr
  -> 198.51.100.11:80             Masq    1      0          4         
UDP  192.0.2.100:53 rr
  -> 198.51.100.11:53             Masq    1      0          0         "
is "-lnc" "$(sed -e 's/^TCP 00:0[0-9] /TCP 00:0N /;s/192\.0\.2\.10:[0-9]* */192.0.2.10:PORT   /' "$TEST_DIR/conns")" "\
IPVS connection entries
pro expire state       source             virtual            destination
TCP 00:0N  CLOSE       192.0.2.10:PORT   192.0.2.100:80     198.51.100.11:80
TCP 00:0N  CLOSE       192.0.2.10:PORT   192.0.2.100:80     198.51.100.11:80
TCP 00:0N  CLOSE       192.0.2.10:PORT   192.0.2.100:80     198.51.100.11:80
TCP 00:0N  CLOSE       192.0.2.10:PORT   192.0.2.100:80     198.51.100.11:80"
is "-lnc: the column of the client" "$(sed -n '3,$s/^\(.\{23\}\)\(192\.0\.2\.10:[0-9]* *\)192.*/\2/p' "$TEST_DIR/conns" |
	awk '{ print length($0) }' | sort -u)" 19
is "-ln --stats" "$(cat "$TEST_DIR/stats")" "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port               Conns   InPkts  OutPkts  InBytes OutBytes
  -> RemoteAddress:Port
TCP  192.0.2.100:80                      4        4        4      240      160
  -> 198.51.100.11:80                    4        4        4      240      160
UDP  192.0.2.100:53                      0        0        0        0        0
  -> 198.51.100.11:53                    0        0        0        0        0"
is "-ln --thresholds" "$(cat "$TEST_DIR/thresholds")" "\
IP Virtual Server version 1.2.1 (size=4096)
Prot LocalAddress:Port            Uthreshold Lthreshold ActiveConn InActConn 
  -> RemoteAddress:Port
TCP  192.0.2.100:80 rr
  -> 198.51.100.11:80             0          0          0          4         
UDP  192.0.2.100:53 rr
  -> 198.51.100.11:53             0          0          0          0         "
done_testing
