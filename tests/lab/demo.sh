# SPDX-License-Identifier: GPL-2.0-or-later
# quickstart demo and up.
# shellcheck shell=sh disable=SC2154

# demo_failed CAUSE: remembers; the demo goes on, so that all is seen.
demo_failed()
{
	say "FAILED: $*"
	demo_rc=1
}

# TCP segments that the client's kernel sent and received: "out in".
demo_segments()
{
	in_ns client cat /proc/net/snmp | awk '
		/^Tcp:/ && !head { for (i = 2; i <= NF; i++) col[$i] = i; head = 1; next }
		/^Tcp:/ { print $col["OutSegs"] + $col["RetransSegs"], $col["InSegs"] }'
}

# demo_fetch URL LIST: 20 requests; the name of each server that answered goes to the file LIST.
demo_fetch()
{
	: >"$2"
	demo_i=0
	while [ $demo_i -lt 20 ]; do
		demo_i=$((demo_i + 1))
		demo_answer=$(in_ns client curl -sgf --max-time 5 "$1") || demo_answer=nobody
		printf '%s\n' "$demo_answer" | sed 's/^This is \(.*\)\.$/\1/' >>"$2"
	done
	printf '%-30s ' "$1"
	sort "$2" | uniq -c | awk '{ printf "  %s answered %d", $2, $1 } END { print "" }'
}

# Conns, InPkts, OutPkts of one line of the listing: demo_counters VIP:PORT [SERVER:PORT]
demo_counters()
{
	ipvsadm -ln --stats --exact | awk -v svc="$1" -v rs="${2:-}" '
		$1 == "->" { if (on && $2 == rs) print $3, $4, $5; next }
		{ on = $2 == svc }
		on && rs == "" { print $3, $4, $5 }'
}

# demo_check_counters LIST VIP:PORT RS1 RS2: the daemon counted what the client saw.
demo_check_counters()
{
	for demo_server in rs1 rs2; do
		[ $demo_server = rs1 ] && demo_rs=$3 || demo_rs=$4
		demo_want=$(grep -cx $demo_server "$1" || true)
		demo_got=$(demo_counters "$2" "$demo_rs" | cut -d' ' -f1)
		[ "$demo_want" -gt 0 ] || demo_failed "$demo_server never answered for $2"
		[ "$demo_want" = "$demo_got" ] ||
			demo_failed "$demo_server answered $demo_want times, but $2 counts ${demo_got:-no} connections to it"
	done
	[ "$(grep -cxE 'rs1|rs2' "$1")" -eq 20 ] || demo_failed "not all of 20 requests to $2 were answered"
	[ "$(demo_counters "$2" | cut -d' ' -f1)" = 20 ] || demo_failed "$2 does not count 20 connections"
}

# The packets of both services are the segments of the client.
demo_segments_match()
{
	demo_now=$(demo_segments)
	demo_sum=$({
		demo_counters "$LAB_VIP4:80"
		demo_counters "[$LAB_VIP6]:80"
	} | awk '{ i += $2; o += $3 } END { print i + 0, o + 0 }')
	demo_seen=$(echo "$demo_before $demo_now" | awk '{ print $3 - $1, $4 - $2 }')
	[ "$demo_sum" = "$demo_seen" ]
}

demo_lab()
{
	step "making the lab: namespaces $LAB-client, $LAB-director, $LAB-rs1, $LAB-rs2, $LAB-switch"
	lab_net_up
	servers_up
	step "starting dpvsd: $1 ports, $2 worker(s), no huge pages"
	director_start "$1" "$2" </dev/null || die "dpvsd did not start" "see $LAB_DIR/dpvsd.log"
	step "its addresses"
	director_addresses
}

demo_run()
{
	demo_rc=0
	# Whatever ends us, the lab goes.
	trap 'lab_down' EXIT
	trap 'exit 130' HUP INT TERM
	demo_lab "$1" "$2"
	step "two services, full-NAT to both servers"
	director_service fullnat tcp $LAB_VIP4 80
	director_service fullnat tcp $LAB_VIP6 80

	step "20 requests over IPv4, 20 over IPv6"
	demo_before=$(demo_segments)
	demo_fetch "http://$LAB_VIP4/" "$LAB_DIR/seen4"
	demo_fetch "http://[$LAB_VIP6]/" "$LAB_DIR/seen6"

	step "what dpvsd counted"
	# The client's last acknowledgements may still be on their way.
	wait_for 3 demo_segments_match || true
	run ipvsadm -ln --stats
	run ipvsadm -ln
	demo_check_counters "$LAB_DIR/seen4" $LAB_VIP4:80 198.51.100.11:80 198.51.100.12:80
	demo_check_counters "$LAB_DIR/seen6" "[$LAB_VIP6]:80" '[2001:db8:2::11]:80' '[2001:db8:2::12]:80'
	demo_segments_match ||
		demo_failed "packets counted (in, out: $demo_sum) differ from the client's TCP segments ($demo_seen)"
	if [ $demo_rc -eq 0 ]; then
		echo "The client's TCP segments, sent and received ($demo_seen), equal the counted packets."
	else
		say "the end of dpvsd's log:"
		tail -n 20 "$LAB_DIR/dpvsd.log" >&2
	fi

	step "taking the lab down"
	lab_down
	trap - EXIT HUP INT TERM
	if [ $demo_rc -ne 0 ]; then
		die "the demo failed" "the lines above that begin with FAILED say why"
	fi
	echo "40 of 40 requests answered, both servers seen, counters right."
}

demo_up()
{
	trap 'lab_down' EXIT
	trap 'exit 130' HUP INT TERM
	demo_lab "$1" "$2"
	trap - EXIT HUP INT TERM
	cat <<-END

	The lab '$LAB' is up. It has addresses but no service yet. For instance:

	  sudo -s
	  eval "\$(./quickstart env)"
	  dpip addr show
	  ipvsadm -A -t $LAB_VIP4:80 -s rr
	  ipvsadm -P -t $LAB_VIP4:80 -z 198.51.100.201 -F lan0
	  ipvsadm -a -t $LAB_VIP4:80 -r 198.51.100.11:80 -b
	  ipvsadm -a -t $LAB_VIP4:80 -r 198.51.100.12:80 -b
	  ip netns exec $LAB-client curl http://$LAB_VIP4/
	  ipvsadm -ln

	Logs are in $LAB_DIR. "./quickstart down" takes the lab down.
	END
}
