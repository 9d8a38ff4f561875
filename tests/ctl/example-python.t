#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The example client in Python, written from doc/protocol.md, against the real daemon: what it sets the tools
# see, what the daemon refuses it shows, an answer in several parts is put together.
. "$top_srcdir/tests/helpers/tap.sh"
command -v python3 >/dev/null || skip_all "python3 is not installed" python3
python3 -c 'import sys; sys.exit(sys.version_info < (3, 5))' || skip_all "python3 is older than 3.5" python3
. "$top_srcdir/tests/helpers/daemon.sh"
# No __pycache__ beside the example.
PYTHONDONTWRITEBYTECODE=1
export PYTHONDONTWRITEBYTECODE

client()
{
	python3 "$top_srcdir/doc/examples/dpvs-list.py" "$@" 2>&1
}

# ends TEXT STATUS OUTPUT ARGS...
ends()
{
	text=$1
	wanted="$2: $3"
	shift 3
	out=$(client "$@")
	is "$text" "$?: $out" "$wanted"
}

ends "no daemon" 3 "dpvs-list: $DPVS_SOCKET: [Errno 2] No such file or directory"

daemon_conf <<'CONF'
[eal]
huge-pages = no
pci = no

[graph]
mbufs = 8191

[service]
max-services = 6000

[port dpdk0]
device = net_ring0
CONF
start_daemon
version=$("$DPVSD" --version | sed -n '1s/^dpvsd, dpvs //p')

ends "hello" 0 "dpvsd $version, pid $daemon_pid, protocol 2.0, requests of 16777216 bytes, 256 at a time" hello
ends "an empty list" 0 "services: 0, parts of the answer: 1"
ends "a wrong address" 2 "dpvs-list: 'nowhere' is not an address" add tcp nowhere 80
ends "wrong ports" 2 "dpvs-list: '90-80' are no ports: 1 to 65535" add tcp 192.0.2.1 90-80
ends "add a service" 0 "" add tcp 192.0.2.1 80 rr
ends "add an IPv6 service, the default scheduler" 0 "" add udp 2001:db8::1 53
is "ipvsadm sees them" "$("$IPVSADM" -Sn | sort)" "-A -t 192.0.2.1:80 -s rr
-A -u [2001:db8::1]:53 -s wlc"
"$IPVSADM" -a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m -w 3
"$IPVSADM" -a -u '[2001:db8::1]:53' -r '[2001:db8::2]:53' -g
client list >"$TEST_DIR/list"
is "services with their servers" "$(LC_ALL=C sort "$TEST_DIR/list")" \
	"  198.51.100.1:8080 NAT weight 3: 0 active, 0 inactive
  [2001:db8::2]:53 DR weight 1: 0 active, 0 inactive
services: 2, parts of the answer: 1
tcp 192.0.2.1:80 rr: 0 connections
udp [2001:db8::1]:53 wlc: 0 connections"

out=$(client add tcp 192.0.2.1 78-82)
is "one of five is there: refused, and says which" "$?: $(echo "$out" | grep -c '(EEXIST, record 2)$')" "1: 1"
is "none of the five was added" "$(client list | tail -n 1)" "services: 2, parts of the answer: 1"
out=$(client del tcp 192.0.2.9 80)
is "delete what is not there" "$?: $(echo "$out" | grep -c '(ESRCH, record 0)$')" "1: 1"
out=$(client add tcp 192.0.2.9 80 nosuch)
is "a scheduler that is not there" "$?: $(echo "$out" | grep -c '(ENOENT, record 0)$')" "1: 1"

ends "3000 services in one request" 0 "" add tcp 192.0.2.7 1-3000
client list >"$TEST_DIR/list"
is "an answer in two parts" "$(tail -n 1 "$TEST_DIR/list")" "services: 3002, parts of the answer: 2"
is "each service once" "$(grep -c '^tcp 192.0.2.7:' "$TEST_DIR/list") $(sort -u "$TEST_DIR/list" | grep -c '^tcp 192.0.2.7:')" \
	"3000 3000"
ends "and away again" 0 "" del tcp 192.0.2.7 1-3000
is "ipvsadm sees that, too" "$("$IPVSADM" -Sn | grep -c -e -A)" 2

# Transactions: afterwards there are exactly these services.
ends "these and no others" 0 "" sync tcp 192.0.2.9 80-81 rr
is "ipvsadm sees these and no others" "$("$IPVSADM" -Sn)" "-A -t 192.0.2.9:80 -s rr
-A -t 192.0.2.9:81 -s rr"
out=$(client sync tcp 192.0.2.9 81-82 nosuch)
is "a refused transaction" "$?: $(echo "$out" | grep -c '(ENOENT, record 0)$')" "1: 1"
is "has changed nothing" "$("$IPVSADM" -Sn | wc -l)" 2
before=$(client list)
ends "6000 services, two appends" 0 "" sync tcp 192.0.2.9 1-6000 rr
is "they are there" "$(client list | tail -n 1)" "services: 6000, parts of the answer: 4"
ends "and back" 0 "" sync tcp 192.0.2.9 80-81 rr
is "as before" "$(client list)" "$before"

# Events: what there is, then each change.
client watch 7 >"$TEST_DIR/watch" &
watcher=$!
n=0
while ! grep -q '^synced' "$TEST_DIR/watch" && [ "$n" -lt 300 ]; do
	sleep 0.1
	n=$((n + 1))
done
"$IPVSADM" -a -t 192.0.2.9:80 -r 198.51.100.1:8080 -m
"$IPVSADM" -e -t 192.0.2.9:80 -r 198.51.100.1:8080 -m -w 7
"$IPVSADM" -D -t 192.0.2.9:80
wait "$watcher"
is "the watcher ends by itself" "$?" 0
is "the present state, then each change in order" "$(sed 's/generation .*/generation/' "$TEST_DIR/watch")" \
	"present service tcp 192.0.2.9:80 rr
present service tcp 192.0.2.9:81 rr
present generation
synced subscription
add server 198.51.100.1:8080 of tcp 192.0.2.9:80, weight 1
change generation
change server 198.51.100.1:8080 of tcp 192.0.2.9:80, weight 7
change generation
del server 198.51.100.1:8080 of tcp 192.0.2.9:80, weight 7
del service tcp 192.0.2.9:80 rr
change generation"

stop_daemon
out=$(client hello)
is "the daemon has ended" "$?" 3

# The text's own client, as it stands there.
start_daemon
client add tcp 192.0.2.1 80 rr
sed -n '/^```python$/,/^```$/p' "$top_srcdir/doc/protocol.md" | grep -v '^```' >"$TEST_DIR/short.py"
is "the twenty lines of doc/protocol.md" "$(python3 "$TEST_DIR/short.py" 2>&1)" "TCP 192.0.2.1 80 rr"
done_testing
