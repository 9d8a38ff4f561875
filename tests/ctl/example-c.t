#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# libdpvsctrl serves others: installed into a folder of its own, found by pkg-config alone, a client of dpvsd and a
# daemon with workers are built on its public headers and run.
. "$top_srcdir/tests/helpers/tap.sh"
for tool in cc make pkg-config; do
	command -v $tool >/dev/null || skip_all "$tool is not installed"
done
[ -e "$top_builddir/lib/.libs/libdpvsctrl.so" ] || skip_all "the library was not built shared"
pkg-config --exists libdpdk glib-2.0 || skip_all "pkg-config knows no libdpdk, or no glib-2.0"
# What the make around us was told is not for ours.
unset MAKEFLAGS MFLAGS MAKELEVEL DESTDIR CFLAGS LDFLAGS

dest=$TEST_DIR/dest
ok "install the library, its headers and libdpvsctrl.pc" make -C "$top_builddir" DESTDIR="$dest" \
	install-libLTLIBRARIES install-dpvsctrlHEADERS install-dpvsctrlprotoHEADERS install-pkgconfigDATA
pc=$(find "$dest" -name libdpvsctrl.pc)
[ -n "$pc" ] || {
	echo "Bail out! libdpvsctrl.pc was not installed"
	exit 1
}
# The file says where the library will be at last: move it to where it is now.
sed "s|^\([a-z_]*=\)/|\1$dest/|" "$pc" >"$TEST_DIR/moved"
mv "$TEST_DIR/moved" "$pc"
PKG_CONFIG_PATH=$(dirname "$pc")
LD_LIBRARY_PATH=$(PKG_CONFIG_PATH=$PKG_CONFIG_PATH pkg-config --variable=libdir libdpvsctrl)

# A library with a sanitizer in it wants programs with it.
sanitizer=$(sed -n 's/^CFLAGS = .*\(-fsanitize=[a-z,]*\).*/\1/p' "$top_builddir/Makefile")
mkdir "$TEST_DIR/out"
# As its comment says it; here an environment that names the prefix would hide that make must.
ok "build the examples" env -u PKG_CONFIG_PATH make -f "$top_srcdir/doc/examples/Makefile" \
	SRC="$top_srcdir/doc/examples" PKG_CONFIG_PATH="$PKG_CONFIG_PATH" OUT="$TEST_DIR/out" \
	CFLAGS="-O1 -Wall -Wextra -Werror $sanitizer" || {
	done_testing
}
export PKG_CONFIG_PATH
unused=$(readelf -d "$TEST_DIR/out/client" 2>/dev/null | sed -n 's/.*NEEDED.*\[\(librte\|libglib\).*/\1/p')
is "the client itself needs neither DPDK nor GLib" "$unused" ""

# The manual's example, as it stands there.
awk '/^#include <dpvsctrl/ { on = 1 } /^\.Ed$/ { on = 0 } on { gsub(/\\e/, "\\"); print }' \
	"$top_srcdir/doc/man/libdpvsctrl.3" >"$TEST_DIR/man.c"
# shellcheck disable=SC2046,SC2086 # words
ok "build the example of libdpvsctrl(3)" cc -Wall -Wextra -Werror $sanitizer -o "$TEST_DIR/out/man" "$TEST_DIR/man.c" \
	$(pkg-config --cflags --libs libdpvsctrl)

# run NAME ARGS...: an example, with the library that was installed
run()
{
	name=$1
	shift
	LD_LIBRARY_PATH=$LD_LIBRARY_PATH "$TEST_DIR/out/$name" "$@" 2>&1
}

. "$top_srcdir/tests/helpers/daemon.sh"
out=$(run client)
is "client without a daemon" "$?: $(echo "$out" | grep -c "^client: .*$DPVS_SOCKET")" "1: 1"
start_daemon
"$IPVSADM" -A -t 192.0.2.1:80 -s rr
"$IPVSADM" -a -t 192.0.2.1:80 -r 198.51.100.1:8080 -m
"$IPVSADM" -A -u '[2001:db8::1]:53'
is "client of dpvsd" "$(run client | sort)" "tcp 192.0.2.1:80 rr, 1 servers, 0 connections
udp [2001:db8::1]:53 wlc, 0 servers, 0 connections"
ok "a service with servers, in a transaction" run client 192.0.2.9 80 198.51.100.1 198.51.100.2
ok "the same again" run client 192.0.2.9 80 198.51.100.1 198.51.100.2
is "it is there" "$(run client | grep 192.0.2.9)" "tcp 192.0.2.9:80 wlc, 2 servers, 0 connections"
out=$(run client 192.0.2.10 80 198.51.100.1 2001:db8::1)
is "a server that cannot be: all is as it was" "$?: $(echo "$out" | sed -n 1p): $(run client | grep -c 192.0.2.10)" \
	"1: client: record 2 was refused: 0"
out=$(run client 192.0.2.10 80 198.51.100.1 nonsense)
is "given up" "$?: $out: $(run client | grep -c 192.0.2.10)" "1: client: nonsense is no address: 0"
"$IPVSADM" -D -t 192.0.2.9:80
is "the manual's example" "$(run man | sort)" "port 53: 0 servers
port 80: 1 servers"
stop_daemon

# The example daemon, as unprivileged as dpvsd above: no huge pages, no devices; workers share the CPUs.
cpu=$(taskset -cp $$ 2>/dev/null | sed 's/.*: //')
DPVS_SOCKET=$TEST_DIR/count.sock
LD_LIBRARY_PATH=$LD_LIBRARY_PATH "$TEST_DIR/out/daemon" --no-huge --no-pci --no-shconf --no-telemetry -m 64 --iova-mode=va \
	--log-level='*:error' --lcores "(0-2)@(${cpu:-0})" -- "$DPVS_SOCKET" >"$TEST_DIR/daemon.out" 2>&1 &
daemon_pid=$!
tries=0
until grep -q '^serving$' "$TEST_DIR/daemon.out"; do
	kill -0 "$daemon_pid" 2>/dev/null || break
	tries=$((tries + 1))
	[ $tries -lt 300 ] || break
	sleep 0.1
done
ok "the example daemon serves" grep -q '^serving$' "$TEST_DIR/daemon.out" || diag "$(cat "$TEST_DIR/daemon.out")"
is "every worker answers" "$(run count)" "lcore 1: 0
lcore 2: 0"
ok "a change" run count 7
ok "and one more" run count 1000
is "every worker has both" "$(run count)" "lcore 1: 1007
lcore 2: 1007"
out=$(run count 1001)
is "out of range: the daemon's own words" "$?: $out" "1: count: cannot add 1001: 1 to 1000"
is "and nothing was changed" "$(run count | tail -n 1)" "lcore 2: 1007"
out=$(run client)
is "it is not dpvsd: what it does not know it refuses" "$?: $(echo "$out" | grep -c '^client: ')" "1: 1"
stop_daemon
is "it ends well" "$? $(tail -n 1 "$TEST_DIR/daemon.out")" "0 ended"
ok "and leaves no socket" test ! -e "$DPVS_SOCKET"
done_testing
