#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dpip monitor: every kind of event as text and as JSON, what is left out, and how it ends.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/fake-dpvsd.sh"
[ -x "$top_builddir/tests/helpers/fake-dpvsd" ] || skip_all "fake-dpvsd is not built"
dpip=$top_builddir/utils/dpip/dpip

# prints TEXT WANTED ARGUMENTS...: all that is printed, blanks at the ends of lines apart.
prints()
{
	prints_text=$1
	prints_wanted=$2
	shift 2
	is "$prints_text" "$("$dpip" "$@" 2>&1 | sed 's/ *$//')" "$prints_wanted"
}
changes="service add tcp 192.0.2.100:80 scheduler mh mh-port conn-timeout 60
laddr add tcp 192.0.2.100:80 local 198.51.100.201 dev dpdk1
dest change tcp 192.0.2.100:80 server 198.51.100.11:8080 forward fullnat weight 7
addr add 2001:db8::1/64 dev dpdk0 scope global valid_lft 600sec
route del default via 192.0.2.254 dev dpdk0 proto static
neigh change 192.0.2.254 dev dpdk0 lladdr 02:00:00:00:00:fe REACHABLE
link change 0: dpdk0: <> mtu 1500 state DOWN lladdr 02:00:00:00:00:01
generation change 12
missed 3 events; what there is now follows"

fake_start
prints "changes" "$changes" --count 9 monitor
prints "all by its name" "$changes" --count 9 monitor all
prints "with what there is" "link present 0: dpdk0: <UP,LOWER_UP> mtu 1500 state UP lladdr 02:00:00:00:00:01
service present tcp 192.0.2.100:80 scheduler mh mh-port conn-timeout 60
synced
$changes
link present 0: dpdk0: <> mtu 1500 state DOWN lladdr 02:00:00:00:00:01
synced" --count 14 monitor all present
prints "one kind" "route del default via 192.0.2.254 dev dpdk0 proto static" --count 1 monitor route
prints "several, and what there is of them" "link present 0: dpdk0: <UP,LOWER_UP> mtu 1500 state UP lladdr 02:00:00:00:00:01
synced
dest change tcp 192.0.2.100:80 server 198.51.100.11:8080 forward fullnat weight 7
link change 0: dpdk0: <> mtu 1500 state DOWN lladdr 02:00:00:00:00:01" --count 4 monitor dest link present
prints "of one port" "$(echo "$changes" | grep -E 'dpdk0|missed')" --count 5 monitor all dev dpdk0
prints "of IPv6, and of none" "$(echo "$changes" | grep -E '2001|^link|^gen|^missed')" -6 --count 4 monitor
prints "what cannot be" "Error: \"nonsense\" is a garbage, nothing more is expected here." monitor route nonsense
prints "rounds" "Error: --interval and --count only go with what is shown." --interval 1 monitor
prints "in a batch" 'Error: "monitor" cannot stand in a batch.
Command failed (standard input):1' -b - <<-'END'
	monitor
END
is "-ts: a time on each line" "$("$dpip" -ts --count 9 monitor | grep -cE '^\[20[0-9T:.-]*\] [a-z]+ ')" 9
is "-t: a time before each line" "$("$dpip" -t --count 9 monitor | grep -c '^Timestamp: ')" 9
"$dpip" -j --count 14 monitor all present >"$TEST_DIR/json"
is "JSON: an object on each line" "$(grep -cE '^\{"kind":"[a-z]+","op":"[a-z]+","serial":[0-9]+.*\}$' "$TEST_DIR/json")" 14
is "JSON: pretty is no more than that" "$("$dpip" -j -p --count 14 monitor all present)" "$(cat "$TEST_DIR/json")"
is "JSON: of a server" "$(grep '"dest"' "$TEST_DIR/json" | sed 's/"serial":[0-9]*/"serial":N/')" \
	'{"kind":"dest","op":"change","serial":N,"data":{"protocol":"tcp","address":"192.0.2.100","port":80,"server_address":"198.51.100.11","server_port":8080,"forward":"fullnat","weight":7}}'
is "JSON: something was missed" "$(grep '"missed"' "$TEST_DIR/json" | sed 's/"serial":[0-9]*/"serial":N/')" \
	'{"kind":"control","op":"missed","serial":N,"missed":3}'
is "JSON: a time" "$("$dpip" -j -t --count 9 monitor | grep -cE '^\{"timestamp":"[^"]*Z","kind"')" 9
if command -v jq >/dev/null; then
	is "JSON: another program reads it" "$(jq -r .kind <"$TEST_DIR/json" | sort -u | paste -s -d ' ')" \
		"addr control dest generation laddr link neigh route service"
elif command -v python3 >/dev/null; then
	is "JSON: another program reads it" "$(python3 -c 'import json, sys
print(*sorted({json.loads(line)["kind"] for line in sys.stdin}))' <"$TEST_DIR/json")" \
		"addr control dest generation laddr link neigh route service"
else
	skip "JSON: another program reads it" "neither jq nor python3"
fi

# Each line is there at once, and an interrupt is a quiet end.
"$dpip" monitor >"$TEST_DIR/out" 2>"$TEST_DIR/err" &
monitor=$!
tries=0
until [ "$(wc -l <"$TEST_DIR/out")" -eq 9 ] || [ $tries -gt 600 ]; do
	sleep 0.1
	tries=$((tries + 1))
done
is "lines do not wait for more" "$(sed 's/ *$//' "$TEST_DIR/out")" "$changes"
kill -TERM $monitor
wait $monitor
is "SIGTERM ends it" "$? $(cat "$TEST_DIR/err")" "0 "
if [ -w /dev/full ]; then
	is "a full disk is an error" "$("$dpip" monitor 2>&1 >/dev/full; echo $?)" "dpip: cannot write the output
1"
else
	skip "a full disk is an error" "no /dev/full"
fi
fake_stop
is "no daemon" "$("$dpip" monitor 2>&1; echo $?)" "dpip: cannot reach the daemon: no socket $DPVS_SOCKET; is dpvsd running?
3"
FAKE_EVENT_END=bye
export FAKE_EVENT_END
fake_start
is "the daemon ends" "$("$dpip" monitor generation 2>&1; echo $?)" "generation change 12
missed 3 events; what there is now follows
dpip: the daemon ends
3"
fake_stop
FAKE_EVENT_END=close
fake_start
is "the daemon hangs up" "$("$dpip" monitor generation 2>&1; echo $?)" "generation change 12
missed 3 events; what there is now follows
dpip: the daemon on $DPVS_SOCKET closed the connection
3"
fake_stop
done_testing
