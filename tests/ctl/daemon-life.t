#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dpvsd starts, serves, ends by signal; a second one on its socket is refused; one that was killed leaves
# nothing that stops the next; exit codes.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"

# code WANTED TEXT ARGS...: how dpvsd ends by itself
code()
{
	wanted=$1
	text=$2
	shift 2
	timeout 30 "$DPVSD" "$@" >"$TEST_DIR/out" 2>"$TEST_DIR/err"
	rc=$?
	is "$text: ends with $wanted" "$rc" "$wanted" || diag "$(cat "$TEST_DIR/err")"
}

code 0 "--version" --version
ok "--version names DPDK's" grep -q '^DPDK ' "$TEST_DIR/out"
code 0 "--help" --help
code 0 "--list-modules" --list-modules
ok "--list-modules knows netif" grep -q '^module netif$' "$TEST_DIR/out"
code 0 "--help-config" --help-config
code 2 "an unknown option" --frobnicate
is "an unknown option: nothing on stdout" "$(cat "$TEST_DIR/out")" ""
code 2 "a stray argument" stray
code 3 "a configuration file that is not there" -c "$TEST_DIR/none.conf" --socket "$DPVS_SOCKET"
is "a file that is not there: one line" "$(wc -l <"$TEST_DIR/err")" 1
code 1 "a socket in no directory" --socket "$TEST_DIR/no/where/ctrl"
code 4 "an argument that EAL does not know" --socket "$DPVS_SOCKET" -- --no-such-eal-argument
is "a bad EAL argument: nothing on stdout" "$(cat "$TEST_DIR/out")" ""
ok "a failed start leaves nothing behind" test ! -e "$DPVS_SOCKET" -a ! -e "$DPVS_SOCKET.dpdk"

start_daemon
ok "a running daemon answers" "$DPIP" link show
"$DPVSD" -c "$TEST_DIR/dpvsd.conf" --socket "$DPVS_SOCKET" 2>"$TEST_DIR/err"
is "a second daemon on the socket is refused" "$?" 1
ok "the refusal names the socket" grep -q "$DPVS_SOCKET" "$TEST_DIR/err"
ok "the first one lives on" "$DPIP" link show
first=$daemon_pid

# What another program must not inherit: sockets, doorbells, the lock.
inherited=
for fd in "/proc/$daemon_pid/fd/"*; do
	case $(readlink "$fd") in
	socket:* | *eventfd* | *.lock)
		flags=$(sed -n 's/^flags:[[:space:]]*//p' "/proc/$daemon_pid/fdinfo/${fd##*/}")
		[ $((flags & 02000000)) -ne 0 ] || inherited="$inherited $fd"
		;;
	esac
done
is "no socket, doorbell or lock is for other programs" "$inherited" ""

# A daemon next to it, with a socket of its own.
DPVS_SOCKET=$TEST_DIR/other
daemon_try -c "$TEST_DIR/dpvsd.conf"
is "another daemon runs beside it" "$?" 0
ok "the other one answers" "$DPIP" link show
stop_daemon
is "SIGTERM ends it with 0" "$?" 0
DPVS_SOCKET=$TEST_DIR/ctrl
daemon_pid=$first
ok "the end of one does not touch the other" "$DPIP" link show

kill_daemon
ok "kill -9 leaves the socket behind" test -e "$DPVS_SOCKET"
start_daemon
ok "the next one starts at once and answers" "$DPIP" link show
for signal in HUP USR1 USR2; do
	kill -$signal "$daemon_pid"
	tries=0
	until grep -q "SIG$signal.*nothing changed" "$daemon_log" || [ $tries -gt 300 ]; do
		tries=$((tries + 1))
		sleep 0.1
	done
	ok "SIG$signal: says that nothing changed" test $tries -le 300
	ok "SIG$signal does not end it" "$DPIP" link show
done
kill -INT "$daemon_pid"
wait "$daemon_pid"
is "SIGINT ends it with 0" "$?" 0
daemon_pid=
is "nothing stays behind" "$(find "$TEST_DIR" -name 'ctrl*' ! -name '*.lock' -o -name 'other*' ! -name '*.lock')" ""

# Workers and CPUs.
daemon_conf <<-'END'
	[eal]
	huge-pages = no
	pci = no
	[graph]
	mbufs = 8191
	[lcore]
	workers = 3
	idle = poll
END
start_daemon
is "three workers" "$("$DPIP" verify | grep -c worker)" 3
ok "no port: says so" grep -q "WARNING netif: no port" "$daemon_log"
stop_daemon
is "a daemon without ports ends with 0" "$?" 0

# Closed standard descriptors: what is logged must not go into sockets and doorbells.
"$DPVSD" -c "$TEST_DIR/dpvsd.conf" --socket "$TEST_DIR/closed" <&- >&- 2>&- &
closed=$!
tries=0
until DPVS_SOCKET=$TEST_DIR/closed "$DPIP" link show >/dev/null 2>&1 || [ $tries -gt 300 ]; do
	tries=$((tries + 1))
	sleep 0.1
done
is "closed standard descriptors stay nobody's" "$(readlink /proc/$closed/fd/[012] | paste -sd ' ')" \
	"/dev/null /dev/null /dev/null"
kill $closed
wait $closed
is "and the daemon ends cleanly" "$?" 0

# Ports that cannot be.
for device in net_none0 "net_pcap0,rx_pcap=$TEST_DIR/none.pcap" 0000:ff:1f.7; do
	printf '[eal]\nhuge-pages = no\n[graph]\nmbufs = 8191\n[port lan0]\ndevice = %s\n' "$device" \
		>"$TEST_DIR/bad.conf"
	code 4 "device $device" -c "$TEST_DIR/bad.conf" --socket "$TEST_DIR/bad"
	ok "device $device: the port is named" grep -q "ERROR netif: port lan0" "$TEST_DIR/err"
	[ "$device" != net_none0 ] || ok "no driver: the cure is named" grep -q "package of its driver" "$TEST_DIR/err"
done
printf '[eal]\nhuge-pages = no\npci = no\n[graph]\nmbufs = 8191\n[port lan0]\ndevice = net_ring0\nqueues = 100\n' \
	>"$TEST_DIR/bad.conf"
code 4 "more queues than the device has" -c "$TEST_DIR/bad.conf" --socket "$TEST_DIR/bad"
printf '[eal]\nhuge-pages = no\npci = no\nmemory = 64\n[graph]\nmbufs = 1000000\n' >"$TEST_DIR/bad.conf"
code 4 "more packet buffers than memory" -c "$TEST_DIR/bad.conf" --socket "$TEST_DIR/bad"
ok "the cure is named" grep -q "raise eal.memory" "$TEST_DIR/err"
done_testing
