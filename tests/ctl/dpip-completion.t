#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The bash completion of dpip, as bash calls it, without a daemon.
. "$top_srcdir/tests/helpers/tap.sh"
command -v bash >/dev/null || skip_all "bash is not installed"
PATH=$top_builddir/utils/dpip:$PATH
export PATH DPVS_SOCKET="$TEST_DIR/none"

# offers LINE: what pressing the tab key at its end offers.
offers()
{
	bash -c '. "$1"; COMP_LINE=$2 COMP_POINT=${#2}; _dpip; echo "${COMPREPLY[*]}"' bash \
		"$top_srcdir/utils/completion/dpip" "$1" 2>&1
}

is "an object" "$(offers 'dpip ro')" "route"
is "a command" "$(offers 'dpip -6 route f')" "flush"
is "keywords" "$(offers 'dpip route add 2001:db8::/32 m')" "mtu metric"
is "a value" "$(offers 'dpip link set x promisc o')" "on off"
is "an option" "$(offers 'dpip --int')" "--interval"
is "no daemon, no names, no noise" "$(offers 'dpip addr show dev ')" ""
is "nothing after an unknown object" "$(offers 'dpip nonsense ')" ""
touch "$TEST_DIR/batchfile"
is "a file" "$(offers "dpip -b $TEST_DIR/bat")" "$TEST_DIR/batchfile"
done_testing
