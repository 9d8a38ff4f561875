#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Changes while traffic flows: weights, and a server that is deleted under load.
. "$top_srcdir/tests/net/net.sh"

# who_answers COUNT: names of the servers of COUNT new connections, each once.
who_answers()
{
	who_i=0
	while [ $who_i -lt "$1" ]; do
		who_i=$((who_i + 1))
		fetch $LAB_VIP4 80 || echo nobody
	done | cut -d' ' -f1 | sort -u | paste -sd ' '
}

# within_a_second SERVERS: the last of the connections of one second are answered by these only.
within_a_second()
{
	sleep 1
	within_got=$(who_answers 12)
	echo "answered: $within_got"
	[ "$within_got" = "$1" ]
}

# The fifty connections are established.
all_open()
{
	[ "$(ipvsadm -ln -t $LAB_VIP4:8000 | awk '$1 == "->" { n += $5 } END { print n + 0 }')" = 50 ]
}

edit()
{
	quietly ipvsadm -e -t $LAB_VIP4:80 -r "$1" -b -w "$2"
}

net_lab af_packet 3 </dev/null
quietly director_service fullnat tcp $LAB_VIP4 80
quietly director_service fullnat tcp $LAB_VIP4 8000
in_ns rs1 "$manyconn" server 8000 1 &
in_ns rs2 "$manyconn" server 8000 2 &
ok "both servers listen" eval 'listens rs1 8000 && listens rs2 8000'

is "both servers get connections" "$(who_answers 12)" "rs1 rs2"
edit 198.51.100.12:80 0
ok "weight 0: new connections go to the other server" within_a_second rs1
edit 198.51.100.12:80 1
ok "weight 1 again: both get connections" within_a_second "rs1 rs2"
edit 198.51.100.11:80 0
ok "and the other way round" within_a_second rs2
edit 198.51.100.11:80 1

# Fifty connections that are watched one by one, and wrk for the load.
in_ns client "$manyconn" ping $LAB_VIP4 8000 50 "$TEST_DIR/enough" >"$TEST_DIR/ping" &
ping=$!
if have wrk; then
	# The port stands there because a small system may not know what port http is.
	in_ns client wrk -t 1 -c 20 -d 5 --timeout 2 http://$LAB_VIP4:80/who >"$TEST_DIR/wrk" 2>&1 &
	wrk=$!
fi
wait_for 60 all_open
sleep 2
quietly ipvsadm -d -t $LAB_VIP4:8000 -r 198.51.100.12:8000
quietly ipvsadm -d -t $LAB_VIP4:80 -r 198.51.100.12:80
is "after the delete new connections go to the server that is left" "$(who_answers 6)" rs1
: >"$TEST_DIR/enough"
wait $ping
diag "$(cat "$TEST_DIR/ping")"
# Each of the three workers takes turns of its own: about half of the connections go to each server.
is "the connections of the server that stays live on, those of the deleted one end" \
	"$(tr -d ':,' <"$TEST_DIR/ping" | awk '
		$1 == 1 && $2 >= 20 && $4 == $2 { stay = $2 }
		$1 == 2 && $2 >= 20 && $4 == 0 { gone = $2 }
		END { print stay + gone }')" 50
if have wrk; then
	wait $wrk
	diag "$(cat "$TEST_DIR/wrk")"
	requests=$(awk '/requests in/ { print $1 }' "$TEST_DIR/wrk")
	ok "the load went on" test "${requests:-0}" -gt 100
else
	skip "the load went on" "wrk is not installed"
fi
ok "dpvsd ends cleanly" director_end
done_testing
