#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dpip -b: the changes of a file take effect together or not at all; -force makes each a change of its own.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"
start_daemon
batch=$TEST_DIR/batch

# ends TEXT CODE WANTED ARGUMENTS...: exit code and all that is printed.
ends()
{
	ends_text=$1
	ends_code=$2
	ends_wanted=$3
	shift 3
	ends_said=$("$DPIP" "$@" 2>&1)
	is "$ends_text" "$? $ends_said" "$ends_code $ends_wanted"
}
# What a batch may change, and how often it was changed. Neighbours that are looked for are changes too: none is here.
state()
{
	"$DPIP" -j link
	"$DPIP" -4 -j addr
	"$DPIP" -j route
	"$DPIP" -j neigh
}
generation()
{
	"$DPIP" -j verify | sed 's/.*"role":"main","generation":\([0-9]*\).*/\1/'
}

# All of it
cat >"$batch" <<'END'
# a comment, an empty line, a command over two lines

addr add 198.51.100.1/24 \
	dev dpdk0
  -6 addr flush dev 'dpdk1'   # options for one line
neigh add 198.51.100.9 lladdr 02:00:00:00:00:09 dev "dpdk0"
route add default via 198.51.100.254
link set dpdk1 mtu 1400
END
"$DPIP" addr add 2001:db8::1/64 dev dpdk1
before=$(generation)
ends "a batch" 0 "" -b "$batch"
is "... is one change" "$(($(generation) - before))" 1
is "... of all its lines" "$("$DPIP" -4 -br addr show dpdk0 | grep -c 198.51.100.1/24)$("$DPIP" -6 -br addr show dpdk1 |
	grep -c 2001:)$("$DPIP" neigh | grep -c '198.51.100.9 .*PERMANENT')$("$DPIP" route |
	grep -c 'default via 198.51.100.254')$("$DPIP" link show dpdk1 | grep -c 'mtu 1400')" 10111

# An error in the middle
before=$(state) generation=$(generation)
cat >"$batch" <<'END'
link set dpdk0 down mtu 1300
addr add 192.0.2.1/24 dev dpdk1

route add 203.0.113.0/24 via 192.0.2.254
neigh add 192.0.2.9 lladdr 02:00:00:00:00:09 dev dpdk1
route add 203.0.113.0/24 via 192.0.2.253
addr flush dev dpdk0
END
ends "what the daemon refuses has its line" 1 "dpip: there is a route to 203.0.113.0/24 with metric 0
Command failed $batch:6" -b "$batch"
is "... and nothing was changed" "$(state)" "$before"
is "... not even the generation" "$(generation)" "$generation"
printf 'link set dpdk0 down\nlink set dpdk9 up\n' >"$batch"
ends "a port that is not there" 1 "Device \"dpdk9\" does not exist.
Command failed $batch:2" -b "$batch"
printf 'link set dpdk0 down\nlink set dpdk0 mtu x\nlink set dpdk1 down\n' >"$batch"
ends "a mistyped line" 1 "Error: \"x\" is not a valid \"mtu\" (68 to 65535).
Command failed $batch:2" -b "$batch"
is "a batch from standard input" "$(printf 'link set dpdk0 down\nlink set dpdk9 up' | "$DPIP" -b - 2>&1)" \
	"Device \"dpdk9\" does not exist.
Command failed (standard input):2"
printf 'link set dpdk0 down\nlink\0set dpdk0 up\n' >"$batch"
ends "a byte 0" 1 "Error: a byte 0 is not text.
Command failed $batch:2" -b "$batch"
printf 'link set dpdk0 down\nlink show dpdk9\n' >"$batch"
is "none of them changed anything" "$(state)" "$before"

# What is shown is what there is when all changes are in force.
printf '%s\n' 'link show dpdk0' 'link set dpdk0 mtu 1450' '-br addr show dpdk1' '-o link show dpdk0' \
	'addr add 192.0.2.7/24 dev dpdk1' >"$batch"
is "shows" "$("$DPIP" -b "$batch" | sed -n 's/.*mtu \([0-9]*\).*/mtu \1/p; s/^dpdk1.*\(192[^ ]*\).*/\1/p')" "mtu 1500
192.0.2.7/24
mtu 1450"
printf '%s\n' 'link set dpdk0 mtu 1460' 'link show dpdk9' 'link show dpdk0' >"$batch"
ends "a show that is refused" 1 "Device \"dpdk9\" does not exist.
Command failed $batch:2" -b "$batch"
is "... comes after the change" "$("$DPIP" link show dpdk0 | grep -c 'mtu 1460')" 1
printf '%s\n' 'link set dpdk0 mtu 1470' 'link show dpdk0' 'link set dpdk9 up' >"$batch"
ends "nothing is shown of what did not happen" 1 "Device \"dpdk9\" does not exist.
Command failed $batch:3" -b "$batch"
printf 'link show up\nverify' >"$batch"
is "a last line without newline; a document for each show" \
	"$("$DPIP" -j -b "$batch" | cut -c 1-14)" '[{"ifindex":0,
[{"lcore":0,"r'
"$DPIP" -b "$TEST_DIR" 2>"$TEST_DIR/stderr"
is "a folder is no batch" "$? $(wc -l <"$TEST_DIR/stderr")" "1 1"
printf '%s\n' 'msg zero' 'link set dpdk0 mtu 1480' 'msg zero' 'stats zero' 'lcore zero' 'link set dpdk9 up' >"$batch"
ends "counters are no part of it" 1 "Device \"dpdk9\" does not exist.
Command failed $batch:6" -b "$batch"
is "... and zeroed where no change is before them" "$(grep -c 'msg-zero .*done' "$daemon_log")" 1
sed -i '$d' "$batch"
ends "... or when it is in force" 0 "" -b "$batch"
is "... once more" "$(grep -c 'msg-zero .*done' "$daemon_log") $(grep -c 'stats-zero .*done' "$daemon_log")$(grep -c \
	'lcore-zero .*done' "$daemon_log")" "3 11"
generation=$(generation)
printf '# nothing\n' >"$batch"
ends "a batch without commands" 0 "" -b "$batch"
is "changes nothing" "$(generation)" "$generation"

# -force
printf '%s\n' 'link set dpdk0 mtu 1310' 'addr add 192.0.2.7/24 dev dpdk1' 'link set dpdk0 mtu 1320' 'link show dpdk9' \
	'link set dpdk1 mtu 1330' >"$batch"
ends "-force goes on" 1 "dpip: 192.0.2.7/24 is on dpdk1 already
Command failed $batch:2
Device \"dpdk9\" does not exist.
Command failed $batch:4" -force -b "$batch"
is "... to the end" "$("$DPIP" -o link | sed -n 's/.*mtu \([0-9]*\).*/\1/p' | paste -s -d ' ')" "1320 1330"
printf 'link set dpdk0 up\nlink set dpdk0 mtu x\nnonsense\n-j link\nlink "set\n-6\n' >"$batch"
ends "each wrong line is named" 1 "Error: \"x\" is not a valid \"mtu\" (68 to 65535).
Command failed $batch:2
Object \"nonsense\" is unknown, try \"dpip help\".
Command failed $batch:3
Option \"-json\" cannot stand in a line of a batch.
Command failed $batch:4
Error: a quote is not closed.
Command failed $batch:5
Error: an object is missing after the options.
Command failed $batch:6" -force -b "$batch"

# Many
awk 'BEGIN { for (i = 0; i < 3000; i++) printf "route add 10.%d.%d.0/24 via 198.51.100.253\n", i / 256, i % 256 }' >"$batch"
generation=$(generation)
ends "many routes" 0 "" -b "$batch"
is "... are one change" "$(($(generation) - generation)) $("$DPIP" route | grep -c '^10\.')" "1 3000"
sed -i 's/add/del/' "$batch"
echo 'route del 11.0.0.0/8' >>"$batch"
ends "one of many that is wrong" 1 "dpip: there is no such route to 11.0.0.0/8
Command failed $batch:3001" -b "$batch"
is "... leaves all" "$("$DPIP" route | grep -c '^10\.')" 3000
stop_daemon
done_testing
