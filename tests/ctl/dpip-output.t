#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What dpip prints, byte for byte but for blanks at the ends of lines, out of answers that are always the same.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/fake-dpvsd.sh"
[ -x "$top_builddir/tests/helpers/fake-dpvsd" ] || skip_all "fake-dpvsd is not built"
dpip=$top_builddir/utils/dpip/dpip

# shows ARGUMENTS...: compares what `dpip ARGUMENTS` prints with standard input; a daemon of its own, because
# its counters move.
shows()
{
	fake_start
	shows_got=$("$dpip" "$@" 2>&1 | sed 's/ *$//')
	fake_stop
	is "dpip $*" "$shows_got" "$(cat)"
}

shows link <<'END'
0: dpdk0: <PROMISC,UP,LOWER_UP> mtu 1500 state UP
    link/ether 02:00:00:00:00:01
    driver net_af_packet speed 10000Mbit/s duplex full rx_queues 2 tx_queues 3 steering handover handed_over 99
1: dpdk1: <NO-CARRIER,UP> mtu 9000 state DOWN
    link/ether 02:00:00:00:00:02
    driver mlx5_pci rx_queues 2 tx_queues 3 steering rss handed_over 0
END

shows -s -d link <<'END'
0: dpdk0: <PROMISC,UP,LOWER_UP> mtu 1500 state UP
    link/ether 02:00:00:00:00:01
    driver net_af_packet speed 10000Mbit/s duplex full rx_queues 2 tx_queues 3 steering handover handed_over 99
    device eth_af_packet0 numa any rx_desc 1024 tx_desc 512 offloads none
    RX:         bytes packets errors missed nombuf
         123456789012 1234567      0      0      0
    TX:  bytes packets errors dropped
           420       7      0       3
1: dpdk1: <NO-CARRIER,UP> mtu 9000 state DOWN
    link/ether 02:00:00:00:00:02
    driver mlx5_pci rx_queues 2 tx_queues 3 steering rss handed_over 0
    device 0000:01:00.0 numa 1 rx_desc 4096 tx_desc 4096 offloads tx-ip-csum rss
    RX:  bytes packets errors missed nombuf
             0       0      0      0      0
    TX:  bytes packets errors dropped
             0       0      0       0
END

shows -br link <<'END'
dpdk0            UP             02:00:00:00:00:01 <PROMISC,UP,LOWER_UP>
dpdk1            DOWN           02:00:00:00:00:02 <NO-CARRIER,UP>
END

shows -s -o link show dpdk0 <<'END'
0: dpdk0: <PROMISC,UP,LOWER_UP> mtu 1500 state UP \    link/ether 02:00:00:00:00:01 \    driver net_af_packet speed 10000Mbit/s duplex full rx_queues 2 tx_queues 3 steering handover handed_over 99 \    RX:         bytes packets errors missed nombuf\         123456789012 1234567      0      0      0\    TX:  bytes packets errors dropped\           420       7      0       3
END

shows -j -s link show dpdk1 <<'END'
[{"ifindex":1,"ifname":"dpdk1","flags":["NO-CARRIER","UP"],"mtu":9000,"operstate":"DOWN","link_type":"ether","address":"02:00:00:00:00:02","driver":"mlx5_pci","speed_mbps":null,"duplex":null,"rx_queues":2,"tx_queues":3,"steering":"rss","handed_over":0,"device":"0000:01:00.0","numa":1,"rx_desc":4096,"tx_desc":4096,"offloads":["tx-ip-csum","rss"],"stats64":{"rx":{"bytes":0,"packets":0,"errors":0,"missed":0,"nombuf":0},"tx":{"bytes":0,"packets":0,"errors":0,"dropped":0}}}]
END

shows link show up <<'END'
0: dpdk0: <PROMISC,UP,LOWER_UP> mtu 1500 state UP
    link/ether 02:00:00:00:00:01
    driver net_af_packet speed 10000Mbit/s duplex full rx_queues 2 tx_queues 3 steering handover handed_over 99
1: dpdk1: <NO-CARRIER,UP> mtu 9000 state DOWN
    link/ether 02:00:00:00:00:02
    driver mlx5_pci rx_queues 2 tx_queues 3 steering rss handed_over 0
END

shows addr <<'END'
0: dpdk0: <PROMISC,UP,LOWER_UP> mtu 1500 state UP
    link/ether 02:00:00:00:00:01
    inet 192.0.2.1/24 brd 192.0.2.255 scope global dpdk0
       valid_lft forever preferred_lft forever
    inet 198.51.100.201/32 scope host laddr dpdk0
       valid_lft 600sec preferred_lft 300sec
    inet6 fe80::ff:fe00:1/64 scope link auto dpdk0
       valid_lft forever preferred_lft forever
1: dpdk1: <NO-CARRIER,UP> mtu 9000 state DOWN
    link/ether 02:00:00:00:00:02
END

shows -br addr <<'END'
dpdk0            UP             192.0.2.1/24 198.51.100.201/32 fe80::ff:fe00:1/64
dpdk1            DOWN
END

shows -o -4 addr <<'END'
0: dpdk0    inet 192.0.2.1/24 brd 192.0.2.255 scope global dpdk0\       valid_lft forever preferred_lft forever
0: dpdk0    inet 198.51.100.201/32 scope host laddr dpdk0\       valid_lft 600sec preferred_lft 300sec
END

shows -6 addr show dpdk0 <<'END'
0: dpdk0: <PROMISC,UP,LOWER_UP> mtu 1500 state UP
    inet6 fe80::ff:fe00:1/64 scope link auto dpdk0
       valid_lft forever preferred_lft forever
END

shows -j addr show dev dpdk0 <<'END'
[{"ifindex":0,"ifname":"dpdk0","flags":["PROMISC","UP","LOWER_UP"],"mtu":1500,"operstate":"UP","link_type":"ether","address":"02:00:00:00:00:01","addr_info":[{"family":"inet","local":"192.0.2.1","prefixlen":24,"broadcast":"192.0.2.255","scope":"global","flags":[],"valid_life_time":4294967295,"preferred_life_time":4294967295},{"family":"inet","local":"198.51.100.201","prefixlen":32,"broadcast":null,"scope":"host","flags":["laddr"],"valid_life_time":600,"preferred_life_time":300},{"family":"inet6","local":"fe80::ff:fe00:1","prefixlen":64,"scope":"link","flags":["auto"],"valid_life_time":4294967295,"preferred_life_time":4294967295}]}]
END

shows -N -o addr show dpdk0 <<'END'
0: dpdk0    inet 192.0.2.1/24 brd 192.0.2.255 scope 0 dpdk0\       valid_lft forever preferred_lft forever
0: dpdk0    inet 198.51.100.201/32 scope 254 laddr dpdk0\       valid_lft 600sec preferred_lft 300sec
0: dpdk0    inet6 fe80::ff:fe00:1/64 scope 253 auto dpdk0\       valid_lft forever preferred_lft forever
END

shows route <<'END'
default via 192.0.2.254 dev dpdk0 proto static metric 5 mtu 1400
192.0.2.0/24 dev dpdk0 proto kernel scope link src 192.0.2.1
END

shows -d route <<'END'
unicast default via 192.0.2.254 dev dpdk0 proto static scope global metric 5 mtu 1400
unicast 192.0.2.0/24 dev dpdk0 proto kernel scope link src 192.0.2.1
local 192.0.2.1 dev dpdk0 proto kernel scope host src 192.0.2.1
END

shows -6 route <<'END'
2001:db8::/32 via fe80::1 dev dpdk1 proto static
END

shows -j route <<'END'
[{"type":"unicast","dst":"default","gateway":"192.0.2.254","dev":"dpdk0","protocol":"static","scope":"global","prefsrc":null,"metric":5,"mtu":1400},{"type":"unicast","dst":"192.0.2.0/24","gateway":null,"dev":"dpdk0","protocol":"kernel","scope":"link","prefsrc":"192.0.2.1","metric":0,"mtu":0}]
END

shows route show dev dpdk1 <<'END'

END

shows route get 203.0.113.9 <<'END'
203.0.113.9 via 192.0.2.254 dev dpdk0 src 192.0.2.1
END

shows -j route get 203.0.113.9 <<'END'
[{"type":"unicast","dst":"203.0.113.9","gateway":"192.0.2.254","dev":"dpdk0","prefsrc":"192.0.2.1","metric":0,"mtu":0}]
END

shows neigh <<'END'
192.0.2.9 dev dpdk0 FAILED
192.0.2.254 dev dpdk0 lladdr 02:00:00:00:00:fe REACHABLE
fe80::9 dev dpdk1 lladdr 02:00:00:00:00:09 PERMANENT
END

shows -s neigh show dev dpdk0 <<'END'
192.0.2.9 dev dpdk0 age 10ms FAILED
192.0.2.254 dev dpdk0 lladdr 02:00:00:00:00:fe age 1m01s REACHABLE
END

shows -6 neigh <<'END'
fe80::9 dev dpdk1 lladdr 02:00:00:00:00:09 PERMANENT
END

shows -j neigh <<'END'
[{"dst":"192.0.2.9","dev":"dpdk0","lladdr":null,"age_ms":10,"state":["FAILED"]},{"dst":"192.0.2.254","dev":"dpdk0","lladdr":"02:00:00:00:00:fe","age_ms":61000,"state":["REACHABLE"]},{"dst":"fe80::9","dev":"dpdk1","lladdr":"02:00:00:00:00:09","age_ms":null,"state":["PERMANENT"]}]
END

shows -j neigh show dev dpdk9 <<'END'
[]
END

shows conn show <<'END'
tcp client 192.0.2.10:40000 vip 192.0.2.100:80 laddr 198.51.100.201:1025 dest 198.51.100.11:8080 fwd fullnat state ESTABLISHED expires 14m59s lcore 1
udp client [2001:db8:1::10]:53000 vip [2001:db8:1::100]:53 dest [2001:db8:2::11]:53 fwd dr state UDP expires 900ms lcore 2
END

shows -s -h conn show proto tcp <<'END'
tcp client 192.0.2.10:40000 vip 192.0.2.100:80 laddr 198.51.100.201:1025 dest 198.51.100.11:8080 fwd fullnat state ESTABLISHED expires 14m59s lcore 1
    in 10 packets 1.00k bytes out 8 packets 1.50M bytes
END

shows -br conn <<'END'
tcp  ESTABLISHED 192.0.2.10:40000 192.0.2.100:80 198.51.100.11:8080
udp  UDP         [2001:db8:1::10]:53000 [2001:db8:1::100]:53 [2001:db8:2::11]:53
END

shows -4 -j conn <<'END'
[{"proto":"tcp","client":"192.0.2.10","client_port":40000,"vip":"192.0.2.100","vip_port":80,"laddr":"198.51.100.201","laddr_port":1025,"dest":"198.51.100.11","dest_port":8080,"fwd":"fullnat","state":"ESTABLISHED","expire_ms":899000,"lcore":1,"in_packets":10,"in_bytes":1000,"out_packets":8,"out_bytes":1500000}]
END

shows -6 -br conn <<'END'
udp  UDP         [2001:db8:1::10]:53000 [2001:db8:1::100]:53 [2001:db8:2::11]:53
END

shows conn count <<'END'
40
END

shows -j conn count proto udp <<'END'
[{"count":1}]
END

shows lcore <<'END'
0: main cpu 0 numa 0 thread 1000 generation 12
    messages 17 preempted 2 handlers p50 1.5us p99.9 9.0us max 48.0us
1: worker cpu 0 numa 0 thread 1001 generation 12
    busy 25.0% loops 1000 sleeps 5 messages 17 preempted 2 handlers p50 1.5us p99.9 9.0us max 48.0us
    queues 2 rx 100 tx 90 drops 10 handed_out 4 handed_in 0 connections 20
2: worker cpu 1 numa 0 thread 1002 generation 12
    busy 25.0% loops 1000 sleeps 5 messages 17 preempted 2 handlers p50 1.5us p99.9 9.0us max 48.0us
    queues 2 rx 200 tx 180 drops 20 handed_out 0 handed_in 4 connections 20
END

shows link show cpu1 <<'END'
2: worker cpu 1 numa 0 thread 1002 generation 12
    busy 25.0% loops 1000 sleeps 5 messages 17 preempted 2 handlers p50 1.5us p99.9 9.0us max 48.0us
    queues 2 rx 200 tx 180 drops 20 handed_out 0 handed_in 4 connections 20
END

shows -j lcore show 1 <<'END'
[{"lcore":1,"role":"worker","cpu":0,"numa":0,"thread":1001,"generation":12,"busy_percent":25.000,"loops":1000,"sleeps":5,"messages":17,"involuntary_switches":2,"handler_loops":1000,"handler_ns_p50":1500,"handler_ns_p999":9000,"handler_ns_max":48000,"busy_cycles":250,"idle_cycles":750,"rx_queues":2,"rx_packets":100,"tx_packets":90,"drops":10,"handed_out":4,"handed_in":0,"connections":20}]
END

shows stats <<'END'
ipv4.bad-csum                                    12 drop
ipv4.rx                                     1500000
END

shows -s -d stats <<'END'
ipv4.bad-csum                                    12 drop Header checksum is wrong.
ipv4.rx                                     1500000      Packets that came in.
neigh.hold-drop                                   0 drop The hold queue was full.
END

shows stats drop <<'END'
ipv4.bad-csum                                    12 drop
END

shows -j stats show rx <<'END'
[{"module":"ipv4","name":"rx","kind":"event","value":1500000,"help":"Packets that came in."}]
END

shows -j stats show 'none*' <<'END'
[]
END

shows graph <<'END'
NODE                              CALLS        PACKETS  PKTS/CALL    CYC/PKT CYCLES
port_rx                              40            400       10.0       37.5  33.3%
eth_input                            20            200       10.0       37.5  16.7%
ip4_input                            20            200       10.0       37.5  16.7%
port_tx                              40            400       10.0       37.5  33.3%
END

shows graph show 'port_*' <<'END'
NODE                              CALLS        PACKETS  PKTS/CALL    CYC/PKT CYCLES
port_rx                              40            400       10.0       37.5  50.0%
port_tx                              40            400       10.0       37.5  50.0%
END

shows graph show 'port_rx-*' <<'END'
NODE                              CALLS        PACKETS  PKTS/CALL    CYC/PKT CYCLES
port_rx-0-0                          20            200       10.0       37.5  50.0%
port_rx-1-0                          20            200       10.0       37.5  50.0%
END

shows -d graph show ip4_input <<'END'
NODE                     LCORE          CALLS        PACKETS  PKTS/CALL    CYC/PKT CYCLES
ip4_input                    1             10            100       10.0       25.0  33.3%
ip4_input                    2             10            100       10.0       50.0  66.7%
END

shows -j graph show ip4_input lcore 2 <<'END'
[{"node":"ip4_input","lcore":2,"calls":10,"packets":100,"cycles":5000,"packets_per_call":10.000,"cycles_per_packet":50.000,"next":["port_tx","drop"]}]
END

shows graph show drop <<'END'
NODE                              CALLS        PACKETS  PKTS/CALL    CYC/PKT CYCLES
drop                                  0              0          -          -   0.0%
END

shows graph dot <<'END'
digraph dpvsd {
	rankdir=LR;
	fontname="sans-serif";
	node [shape=box, style="filled,rounded", fontname="sans-serif"];
	"port_rx" [fillcolor="#d8f0d8"];
	"port_rx" -> "eth_input";
	"eth_input" [fillcolor="#ffffff", color="#c04040"];
	"eth_input" -> "ip4_input";
	"ip4_input" [fillcolor="#ffffff", color="#c04040"];
	"ip4_input" -> "port_tx";
	"port_tx" [fillcolor="#d5e4f6", color="#c04040"];
	label="green: packets start here; red border: packets may be dropped here; dashed: to another worker";
}
END

shows -s -d graph dot <<'END'
digraph dpvsd {
	rankdir=LR;
	fontname="sans-serif";
	node [shape=box, style="filled,rounded", fontname="sans-serif"];
	"port_rx-0-0" [fillcolor="#d8f0d8", label="port_rx-0-0\n200 packets\n38 cycles each"];
	"port_rx-0-0" -> "eth_input";
	"port_rx-1-0" [fillcolor="#d8f0d8", label="port_rx-1-0\n200 packets\n38 cycles each"];
	"port_rx-1-0" -> "eth_input";
	"eth_input" [fillcolor="#ffffff", label="eth_input\n200 packets\n38 cycles each"];
	"eth_input" -> "ip4_input";
	"eth_input" -> "drop";
	"ip4_input" [fillcolor="#ffffff", label="ip4_input\n200 packets\n38 cycles each"];
	"ip4_input" -> "port_tx-0";
	"ip4_input" -> "port_tx-1";
	"ip4_input" -> "drop";
	"port_tx-0" [fillcolor="#d5e4f6", label="port_tx-0\n200 packets\n38 cycles each"];
	"port_tx-0" -> "drop";
	"port_tx-1" [fillcolor="#d5e4f6", label="port_tx-1\n200 packets\n38 cycles each"];
	"port_tx-1" -> "drop";
	"drop" [fillcolor="#f6d5d5", label="drop\n0 packets"];
}
END

shows -j graph dot <<'END'
[{"node":"port_rx","next":["eth_input"]},{"node":"eth_input","next":["ip4_input","drop"]},{"node":"ip4_input","next":["port_tx","drop"]},{"node":"port_tx","next":["drop"]},{"node":"drop","next":[]}]
END

shows msg <<'END'
TYPE NAME                 PRIO      SENT  RECEIVED   REPLIED    FAILED  TIMEDOUT      LATE   MEAN-US    P99-US    MAX-US
   3 hello                low         20        20        20         0         0         1       2.5       4.2      11.0
   6 route-add            norm        20        20        20         0         0         0       2.5       4.5      14.0
END

shows -d msg show hello <<'END'
TYPE NAME                 PRIO LCORE      SENT  RECEIVED   REPLIED    FAILED  TIMEDOUT      LATE   MEAN-US    P99-US    MAX-US
   3 hello                low      0        20         0         0         0         0         1       2.5       4.0       9.0
   3 hello                low      1         0        10        10         0         0         0       0.0       4.1      10.0
   3 hello                low      2         0        10        10         0         0         0       0.0       4.2      11.0
END

shows -j msg show route-add <<'END'
[{"type":6,"name":"route-add","priority":"norm","sent":20,"received":20,"replied":20,"send_failed":0,"timed_out":0,"late":0,"rtts":20,"rtt_ns_total":50000,"rtt_ns_mean":2500,"rtt_ns_p99":4500,"rtt_ns_max":14000}]
END

shows mem <<'END'
NAME                           SIZE     IN-USE    USE   OBJECT        BYTES   FAILURES
mbuf                          65535       1024   1.6%     2304    150992640          0
conn.worker1                1048576    1048576 100.0%      192    201326592         12
END

shows -iec mem <<'END'
NAME                           SIZE     IN-USE    USE   OBJECT        BYTES   FAILURES
mbuf                         64.0Ki     1.00Ki   1.6%   2.25Ki        144Mi          0
conn.worker1                 1.00Mi     1.00Mi 100.0%      192        192Mi         12
END

shows -j mem show mbuf <<'END'
[{"name":"mbuf","size":65535,"in_use":1024,"object_bytes":2304,"total_bytes":150992640,"failures":0}]
END

shows verify <<'END'
0: main generation 12 unconfirmed 0 ok
1: worker generation 12 unconfirmed 0 ok
2: worker generation 12 unconfirmed 0 ok
END

shows -d verify <<'END'
0: main generation 12 unconfirmed 0 ok
    service services entries 3 expected 3 ok
    route routes entries 3 expected 3 ok
1: worker generation 12 unconfirmed 0 ok
    service services entries 3 expected 3 ok
    route routes entries 3 expected 3 ok
2: worker generation 12 unconfirmed 0 ok
    service services entries 3 expected 3 ok
    route routes entries 3 expected 3 ok
END

shows -j verify <<'END'
[{"lcore":0,"role":"main","generation":12,"unconfirmed":0,"state":"ok","tables":[{"module":"service","table":"services","entries":3,"expected":3,"state":"ok"},{"module":"route","table":"routes","entries":3,"expected":3,"state":"ok"}]},{"lcore":1,"role":"worker","generation":12,"unconfirmed":0,"state":"ok","tables":[{"module":"service","table":"services","entries":3,"expected":3,"state":"ok"},{"module":"route","table":"routes","entries":3,"expected":3,"state":"ok"}]},{"lcore":2,"role":"worker","generation":12,"unconfirmed":0,"state":"ok","tables":[{"module":"service","table":"services","entries":3,"expected":3,"state":"ok"},{"module":"route","table":"routes","entries":3,"expected":3,"state":"ok"}]}]
END

done_testing
