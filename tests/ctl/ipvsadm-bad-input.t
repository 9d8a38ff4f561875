#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Each wrong command line: exact message, exit code, and nothing is changed.
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"
set -f
start_daemon
"$IPVSADM" -A -t 192.0.2.1:80 -s rr
"$IPVSADM" -a -t 192.0.2.1:80 -r 198.51.100.1 -w 3
"$IPVSADM" -P -t 192.0.2.1:80 -z 198.51.100.201 -F dpdk1
before=$("$IPVSADM" -S -n)

# Lines "code | words | message".
while IFS='|' read -r code words message; do
	[ -n "$words" ] || continue
	# shellcheck disable=SC2086 # words
	"$IPVSADM" $words >"$TEST_DIR/out" 2>"$TEST_DIR/err" </dev/null
	is "ipvsadm$words" "$? $(cat "$TEST_DIR/out" "$TEST_DIR/err")" "${code% } ${message# }"
done <<'END'
255 | -x | Try `ipvsadm -h' or 'ipvsadm --help' for more information.
255 | extra | Try `ipvsadm -h' or 'ipvsadm --help' for more information.
255 | -n -L | Try `ipvsadm -h' or 'ipvsadm --help' for more information.
255 | -t 192.0.2.1:80 -D | Try `ipvsadm -h' or 'ipvsadm --help' for more information.
255 | --socket | --socket: missing argument
255 | -A -t | -t: missing argument
255 | -A -t 192.0.2.2:80 -s | -s: missing argument
255 | -A -t 192.0.2.2:80 --frob | --frob: unknown option
255 | --set -1 2 3 | -1: unknown option
2 | -A -t 192.0.2.2:80 -s rr -s wrr | multiple 'scheduler' options specified
2 | -A -t 192.0.2.2:80 -t 192.0.2.2:81 | multiple 'service-address' options specified
2 | -Ln -n | multiple 'numeric' options specified
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -g -m | multiple 'forwarding-method' options specified
2 | -L -L | invalid option `-L'
2 | -Ll | invalid option `-Ll'
2 | -A --delete-service | invalid option `--delete-service'
2 | -S -R | invalid option `-R'
2 | -A -t 192.0.2.2 | Zero port specified for non-persistent service
2 | -A -t 192.0.2.2:0 | Zero port specified for non-persistent service
2 | -E -t 192.0.2.1:0 -s rr | Zero port specified for non-persistent service
2 | -A -t 192.0.2.2: | illegal virtual server address[:port] specified
2 | -A -t 192.0.2.2:80x | illegal virtual server address[:port] specified
2 | -A -t 192.0.2.2:-1 | illegal virtual server address[:port] specified
2 | -A -t 192.0.2.2:70000 | illegal virtual server address[:port] specified
2 | -A -t 192.0.2.2:nosuchservice | illegal virtual server address[:port] specified
2 | -A -t 192.0.2:80 | illegal virtual server address[:port] specified
2 | -A -t [2001:db8::1] | illegal virtual server address[:port] specified
2 | -A -t [2001:db8::1:80 | illegal virtual server address[:port] specified
2 | -A -t [2001:db8::g]:80 | illegal virtual server address[:port] specified
2 | -A -t :80 | illegal virtual server address[:port] specified
2 | -A -t 192.0.2.2:80 -s mh -b bogus | invalid scheduler flag `bogus'
2 | -A -t 192.0.2.2:80 -s mh -b mh-port,bogus | invalid scheduler flag `bogus'
2 | -A -t 192.0.2.2:80 -s rr -b mh-port | incompatible scheduler flag `mh-port'
2 | -A -t 192.0.2.2:80 --conn-timeout 80x | invalid timeout value `80x' specified
2 | -A -t 192.0.2.2:80 -w 1 | Illegal 'weight' option with the 'add-service' command
2 | -A -t 192.0.2.2:80 -m | Illegal 'forwarding-method' option with the 'add-service' command
2 | -A -t 192.0.2.2:80 -n | Illegal 'numeric' option with the 'add-service' command
2 | -A -t 192.0.2.2:80 --json | Illegal 'json' option with the 'add-service' command
2 | -D -t 192.0.2.1:80 -s rr | Illegal 'scheduler' option with the 'delete-service' command
2 | -D | You need to supply the 'service-address' option for the 'delete-service' command
2 | -E -s rr | You need to supply the 'service-address' option for the 'edit-service' command
2 | -a -t 192.0.2.1:80 | You need to supply the 'real-server' option for the 'add-server' command
2 | -a -r 198.51.100.2 | You need to supply the 'service-address' option for the 'add-server' command
2 | -e -t 192.0.2.1:80 | You need to supply the 'real-server' option for the 'edit-server' command
2 | -d -t 192.0.2.1:80 | You need to supply the 'real-server' option for the 'delete-server' command
2 | -d -t 192.0.2.1:80 -r 198.51.100.1 -w 1 | Illegal 'weight' option with the 'delete-server' command
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -w -1 | illegal weight specified
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -w 80x | illegal weight specified
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -w 65536 | illegal weight specified
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -w 0x10 | illegal weight specified
2 | -a -t 192.0.2.1:80 -r 198.51.100.2:70000 | illegal real server address[:port] specified
2 | -a -t 192.0.2.1:80 -r 198.51.100.2: | illegal real server address[:port] specified
2 | -a -t 192.0.2.1:80 -r [2001:db8::1] | illegal real server address[:port] specified
2 | -a -t 192.0.2.1:80 -r [2001:db8::1]:80 | Different address family is allowed only for tunneling servers
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -x -1 | illegal u_threshold specified
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -y 7x | illegal l_threshold specified
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -s rr | Illegal 'scheduler' option with the 'add-server' command
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 --tun-type ipip | Tunnel options conflict with forward method
2 | -P -t 192.0.2.1:80 -z 198.51.100.202 | You need to supply the 'ifname' option for the 'add-laddr' command
2 | -P -t 192.0.2.1:80 -F dpdk1 | You need to supply the 'laddr' option for the 'add-laddr' command
2 | -Q -t 192.0.2.1:80 | You need to supply the 'laddr' option for the 'del-laddr' command
2 | -P -t 192.0.2.1:80 -z 198.51.100.202/24 -F dpdk1 | illegal local address `198.51.100.202/24' specified
2 | -P -t 192.0.2.1:80 -z 198.51.100.202 -F a/b | "a/b" is not the name of a port (1 to 31 characters, no blanks)
2 | -L -s rr | Illegal 'scheduler' option with the 'list' command
2 | -L -c -t 192.0.2.1:80 | The option 'service-address' conflicts with the 'connection' option in the 'list' command
2 | -L -c --timeout | The option 'timeout' conflicts with the 'connection' option in the 'list' command
2 | -L --timeout --daemon | The option 'daemon' conflicts with the 'timeout' option in the 'list' command
2 | -L -c --stats | options conflicts in the list command
2 | -L --timeout --rate | options conflicts in the list command
2 | -L --count 2 | You need to supply the 'interval' option for the 'count' option
2 | -L --interval 0 | invalid interval value `0' specified
2 | -L --interval 1 --count 0 | invalid count value `0' specified
2 | --wait x -L | invalid wait value `x' specified
2 | -C extra | unexpected argument extra
2 | -C -t 192.0.2.1:80 | Illegal 'service-address' option with the 'flush' command
2 | -Z extra | unexpected argument extra
2 | -Z -n | Illegal 'numeric' option with the 'zero' command
2 | -S -t 192.0.2.1:80 | Illegal 'service-address' option with the 'save' command
2 | -R foo | unexpected argument foo
2 | -R -n | Illegal 'numeric' option with the 'restore' command
2 | -S --replace | Illegal 'replace' option with the 'save' command
2 | --set 1 2 | --set option requires 3 timeout values
2 | --set 1 2 3 4 | unexpected argument 4
2 | --set a 2 3 | invalid timeout value `a' specified
2 | --set 1 2678401 3 | invalid timeout value `2678401' specified
2 | -A -t 192.0.2.2:80 -p | The 'persistent' option is not supported by this build
2 | -A -t 192.0.2.2:80 -p 60 | The 'persistent' option is not supported by this build
2 | -A -t 192.0.2.2:80 -p60 | The 'persistent' option is not supported by this build
2 | -A -t 192.0.2.2:80 -p 0 | invalid timeout value `0' specified
2 | -A -t 192.0.2.2:80 -p x | invalid timeout value `x' specified
2 | -A -t 192.0.2.2:80 -M 255.255.255.0 | The 'netmask' option is not supported by this build
2 | -A -u 192.0.2.2:80 --pe sip | The 'pe' option is not supported by this build
2 | -A -u 192.0.2.2:80 -o | The 'ops' option is not supported by this build
2 | -A -t 192.0.2.2:80 -o | One-Packet Scheduling is only for UDP virtual services
2 | -A -f 3 | The 'fwmark-service' option is not supported by this build
2 | -A -f 0 | invalid fwmark value `0' specified
2 | -A -6 -f 3 | -6 used before -f
2 | -A --sctp-service 192.0.2.2:80 | The 'sctp-service' option is not supported by this build
2 | -A -q 192.0.2.2 | The 'icmp-service' option is not supported by this build
2 | -A -1 2001:db8::1 | The 'icmpv6-service' option is not supported by this build
2 | -A -H proto=tcp | The 'match' option is not supported by this build
2 | -A -t 192.0.2.2:80 -j enable | The 'synproxy' option is not supported by this build
2 | -A -t 192.0.2.2:80 --quic | The 'quic' option is not supported by this build
2 | -A -t 192.0.2.2:80 --proxy-protocol v2 | The 'proxy-protocol' option is not supported by this build
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -i | The 'ipip' forwarding method is not supported by this build
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -J | The 'snat' forwarding method is not supported by this build
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -x 10 | The 'u-threshold' option is not supported by this build
2 | -a -t 192.0.2.1:80 -r 198.51.100.2 -y 10 | The 'l-threshold' option is not supported by this build
2 | --start-daemon master --mcast-interface eth0 | The 'start-daemon' command is not supported by this build
2 | --stop-daemon master | The 'stop-daemon' command is not supported by this build
2 | -U -t 192.0.2.1:80 -k 192.0.2.66 | The 'add-blklst' command is not supported by this build
2 | -W | The 'get-whtlst' command is not supported by this build
255 | -A -t 192.0.2.1:80 | Service already exists
255 | -A -t 192.0.2.2:80 -s nosuch | Scheduler or persistence engine not found
255 | -E -t 192.0.2.1:80 -s nosuch | Scheduler or persistence engine not found
255 | -E -t 192.0.2.2:80 -s rr | No such service
255 | -D -t 192.0.2.2:80 | No such service
255 | -Z -t 192.0.2.2:80 | No such service
1 | -Ln -t 192.0.2.2:80 | No such service
255 | -a -t 192.0.2.2:80 -r 198.51.100.2 | Service not defined
255 | -e -t 192.0.2.2:80 -r 198.51.100.2 | Service not defined
255 | -d -t 192.0.2.2:80 -r 198.51.100.2 | Service not defined
255 | -a -t 192.0.2.1:80 -r 198.51.100.1 | Destination already exists
255 | -e -t 192.0.2.1:80 -r 198.51.100.2 -w 1 | No such destination
255 | -d -t 192.0.2.1:80 -r 198.51.100.2 | No such destination
255 | -P -t 192.0.2.2:80 -z 198.51.100.202 -F dpdk1 | Service not defined
255 | -P -t 192.0.2.1:80 -z 198.51.100.201 -F dpdk1 | Local address already exists
255 | -Q -t 192.0.2.1:80 -z 198.51.100.202 | No such local address
255 | -P -t 192.0.2.1:80 -z 198.51.100.202 -F nowhere | ipvsadm: cannot add the local address: there is no port "nowhere"
END
is "none of them changed anything" "$("$IPVSADM" -S -n)" "$before"

# A server's port is the service's, also for -e and -d.
"$IPVSADM" -e -t 192.0.2.1:80 -r 198.51.100.1 -w 5
is "-e changes what is given" "$("$IPVSADM" -S -n | grep -e '^-a')" \
	"-a -t 192.0.2.1:80 -r 198.51.100.1:80 -g -w 5"
"$IPVSADM" -e -t 192.0.2.1:80 -r 198.51.100.1 -m
is "-e keeps what is not given" "$("$IPVSADM" -S -n | grep -e '^-a')" \
	"-a -t 192.0.2.1:80 -r 198.51.100.1:80 -m -w 5"
"$IPVSADM" -E -t 192.0.2.1:80 --conn-timeout 77
is "-E keeps what is not given" "$("$IPVSADM" -S -n | grep -e '^-A')" \
	"-A -t 192.0.2.1:80 -s rr --conn-timeout 77"
ok "-d without a port" "$IPVSADM" -d -t 192.0.2.1:80 -r 198.51.100.1
"$IPVSADM" --set 0 0 77
is "a time-out of 0 is kept" "$("$IPVSADM" -L --timeout)" "Timeout (tcp tcpfin udp): 900 120 77"
ok "-Q" "$IPVSADM" -Q -t 192.0.2.1:80 -z 198.51.100.201
is "-G without local addresses" "$("$IPVSADM" -G --json)" "[]"

# What is ours may stand before the command; a daemon that is not there is one clear line.
socket=$DPVS_SOCKET
is "--socket before the command" "$(DPVS_SOCKET=/none "$IPVSADM" --socket "$socket" -S -n)" \
	"$("$IPVSADM" -S -n)"
is "--socket alone lists" "$(DPVS_SOCKET=/none "$IPVSADM" --socket="$socket")" "$("$IPVSADM" -L)"
is "--interval and --count" "$("$IPVSADM" -L --timeout --interval 1 --count 2 | wc -l)" 2
"$IPVSADM" --socket "$TEST_DIR/none" -ln 2>"$TEST_DIR/err"
is "no daemon: ends with 2" "$?" 2
is "no daemon: says so" "$(cat "$TEST_DIR/err")" \
	"ipvsadm: cannot reach the daemon: no socket $TEST_DIR/none; is dpvsd running?"
# A closed standard output must not become the socket to the daemon, with the listing as a request.
"$IPVSADM" -L -n >&- 2>"$TEST_DIR/err"
is "closed standard output: ends with 1, in one line" "$? $(wc -l <"$TEST_DIR/err")" "1 1"
"$IPVSADM" -R <&- 2>"$TEST_DIR/err"
ok "closed standard input: an error" test "$?" -ne 0 -a -s "$TEST_DIR/err"
stop_daemon
(
	sleep 0.3
	exec "$IPVSADM" --wait 20 -S -n >"$TEST_DIR/out" 2>&1
) &
waiting=$!
start_daemon
wait $waiting
is "--wait waits for the daemon" "$?" 0
done_testing
