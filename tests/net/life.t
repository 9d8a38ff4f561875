#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Start and end: kill -9 and start at once, SIGTERM, a second daemon, on both kinds of ports.
. "$top_srcdir/tests/net/net.sh"

second_refused()
{
	printf '[eal]\nhuge-pages = no\npci = no\n' >"$TEST_DIR/second.conf"
	set -- "$LAB_BUILD/src/dpvsd" -c "$TEST_DIR/second.conf" --socket "$LAB_SOCKET"
	! timeout 30 ip netns exec "$LAB-switch" "$@" >"$TEST_DIR/second" 2>&1 &&
		cat "$TEST_DIR/second" && grep -qF "$LAB_SOCKET" "$TEST_DIR/second"
}

serves()
{
	director_addresses && director_service fullnat tcp $LAB_VIP4 80 && both_servers $LAB_VIP4 80
}

lab_net_up
servers_up
for type in af_packet af_xdp; do
	ok "$type: dpvsd starts" director_start $type 1 </dev/null || continue
	ok "$type: it serves" serves
	ok "$type: a second daemon on the same socket is refused and says so" second_refused
	ok "$type: the first one still serves" both_servers $LAB_VIP4 80
	director_stop KILL
	ok "$type: after kill -9 it starts at once" director_start $type 1 </dev/null
	is "$type: with nothing configured" "$(ipvsadm -Sn)" ""
	ok "$type: and serves again" serves
	ok "$type: SIGTERM ends it with status 0" director_end
	is "$type: its socket is gone" "$(ls "$LAB_SOCKET" 2>/dev/null)" ""
done
done_testing
