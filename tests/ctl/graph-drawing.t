#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The drawing in doc/architecture.md is the graph of the running daemon (its IPv4 half).
. "$top_srcdir/tests/helpers/tap.sh"
. "$top_srcdir/tests/helpers/daemon.sh"

start_daemon
"$DPIP" graph dot | sed -n 's/^[[:space:]]*"\([^"]*\)" -> "\([^"]*\)".*/\1 \2/p' | grep -v 6 | sort >"$TEST_DIR/running"
sed -n 's/^ *\([a-z0-9_]*\) -[-.]*> \([a-z0-9_]*\)$/\1 \2/p' "$top_srcdir/doc/architecture.md" | sort >"$TEST_DIR/drawn"
ok "the daemon has a graph" test -s "$TEST_DIR/running"
is "what the page draws is what runs" "$(diff "$TEST_DIR/drawn" "$TEST_DIR/running")" ""
ok "dpvsd ends cleanly" stop_daemon
done_testing
