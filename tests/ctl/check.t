#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# dpvsd --check finds every error of a file in one run, with line and cure, and starts nothing.
. "$top_srcdir/tests/helpers/tap.sh"
DPVSD=$top_builddir/src/dpvsd
cd "$TEST_DIR" || exit 1

check()
{
	"$DPVSD" --check -c bad.conf >out 2>err
}

cat >good.conf <<'END'
# a comment
[eal]
memory = 512
huge-pages = no

[lcore]
workers=2
worker-cpus = 0-1

[port lan0]
device = net_ring0
mac = 02:00:00:00:01:00
[port lan1]
device = net_ring1,nodeaction=x:0:CREATE
END
ok "a good file" "$DPVSD" --check -c good.conf
is "a good file: not a word" "$("$DPVSD" --check -c good.conf 2>&1)" ""

cat >bad.conf <<'END'
stray = 1
[lcore]
workres = 2
workers = many
workers = 3
idle = sometimes
idle-sleep = 0
worker-cpus = 1-
[eal]
memory = 99999999999999999999
telemetry = maybe
args = --foo "bar
file-prefix =
[lcore]
main-cpu = 0,1
[prot lan0]
device = net_null0
[port lan/0]
device = net_null1
[port lan1]
mtu = 9
[port lan2]
device = net_null2
mac = 01:00:5e:00:00:01
[port lan3]
device = net_null2,size=9
[graph
mbufs = 5
[nonsense]
key = value
what is this
KEY = 1
END
cat >wanted <<'END'
bad.conf:1: key "stray" stands in no section; put it below a line [NAME]
bad.conf:3: section [lcore] has no key "workres"; did you mean "workers"?
bad.conf:4: workers = many: not a number; give a whole number from 1 to 127
bad.conf:5: key "workers" is given at line 4 already; keep one of them
bad.conf:6: idle = sometimes: unknown word; give one of: poll, adaptive
bad.conf:7: idle-sleep = 0: out of range; give 1 to 10000 us
bad.conf:8: worker-cpus: "1-" is no list of CPUs; write "2,4-7" or "auto"
bad.conf:10: memory = 99999999999999999999: out of range; give 64 to 1048576 MiB
bad.conf:11: telemetry = maybe: neither yes nor no; give one of the two
bad.conf:12: args: a quote is left open; quote as in a shell
bad.conf:13: file-prefix: a text of 0 bytes; give one of 1 to 32 bytes
bad.conf:14: section [lcore] stands at line 2 already; merge the two
bad.conf:15: main-cpu: "0,1" names 2 CPUs; give 1
bad.conf:16: unknown section [prot lan0]; did you mean [port lan0]?
bad.conf:18: [port lan/0]: not a usable name; give 1 to 31 letters, digits or . _ - : @
bad.conf:20: section [port lan1] lacks the key "device"; add a line "device = ..." (The device as DPDK names it, with its arguments: a PCI address, or a virtual device such as net_af_packet0,iface=eth1.)
bad.conf:21: mtu: 9 is below what IPv4 needs; give 68 or more, or 0
bad.conf:24: mac: "01:00:5e:00:00:01" is no MAC address of a station; write "02:00:00:00:00:01"
bad.conf:26: device: section [port lan2] has the device net_null2 already; give each device one port
bad.conf:27: [graph: not a section; write [NAME] on a line of its own
bad.conf:29: unknown section [nonsense]; dpvsd --help-config lists the sections
bad.conf:31: what is this: neither a section nor a key; write "key = value"
bad.conf:32: KEY: not a key; keys are of lower case letters, digits and hyphens
END
LC_ALL=C check
is "a bad file ends with 3" "$?" 3
sort -t: -k2n err >sorted
is "every error, once, with line and cure" "$(cat sorted)" "$(cat wanted)"
is "nothing on stdout" "$(cat out)" ""

printf '[eal]\nmemory = 64\000\n' >bad.conf
check
is "a NUL byte" "$?" 3
printf '\377\376[eal]\nmemory = 64\n' >bad.conf
check
is "not UTF-8" "$?" 3
printf '[eal]\nmemory = 64' >bad.conf
check
is "no newline at the end" "$?" 0
printf '[eal]\r\nmemory = 64\r\n' >bad.conf
check
is "lines that end with CR LF" "$?" 0
: >bad.conf
check
is "an empty file" "$?" 0
mkdir dir
"$DPVSD" --check -c dir 2>err
is "a directory" "$?" 3
done_testing
