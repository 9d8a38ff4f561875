#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The drawing doc/graph.svg is the graph of the running daemon: make it anew with
#   dpip graph dot | dot -Tsvg >doc/graph.svg
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"

start_daemon
"$DPIP" graph dot >"$TEST_DIR/dot"
sed -n 's/^[[:space:]]*"\([^"]*\)" -> "\([^"]*\)".*/\1->\2/p' "$TEST_DIR/dot" | sort >"$TEST_DIR/running"
sed -n 's|^<title>\(.*&#45;&gt;.*\)</title>|\1|p' "$top_srcdir/doc/graph.svg" | sed 's/&#45;&gt;/->/' |
	sort >"$TEST_DIR/drawn"
ok "the daemon has a graph" test -s "$TEST_DIR/running"
is "what doc/graph.svg draws is what runs" "$(diff "$TEST_DIR/drawn" "$TEST_DIR/running")" ""
stop_daemon
is "dpvsd ends cleanly" $? 0
done_testing
