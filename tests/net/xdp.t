#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# AF_XDP ports, with one worker and with three (which hand over: a veth has one queue).
. "$top_srcdir/tests/net/net.sh"

lab_net_up
servers_up
for workers in 1 3; do
	if ! director_start af_xdp $workers </dev/null; then
		ok "dpvsd starts on af_xdp ports with $workers worker(s)" false
		continue
	fi
	quietly director_addresses
	for vip in $LAB_VIP4 $LAB_VIP6; do
		quietly director_service fullnat tcp $vip 80
		ok "$workers worker(s): both servers answer at $vip" both_servers $vip 80
	done
	ok "$workers worker(s): ping" in_ns client ping -n -c 3 -i 0.2 -W 2 -q $LAB_VIP4
	ok "$workers worker(s): dpvsd ends cleanly" director_end
done
done_testing
