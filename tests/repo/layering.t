#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Who may include whom (doc/architecture.md): lb, filter, tc -> net -> core; utils -> the client half and
# proto; lib -> nothing of ours. Only modules.c and main.c know all.
. "$top_srcdir/tests/helpers/tap.sh"
cd "$top_srcdir" || exit 1

# includes FOLDER REGEX-OF-WHAT-IS-NOT-ALLOWED
includes()
{
	[ -d "$1" ] || return 0
	find "$1" -name '*.[ch]' -exec grep -nHE "^[[:space:]]*#[[:space:]]*include[[:space:]]*[\"<]($2)" {} + | sort
}

is "lib includes nothing of src or utils" "$(includes lib '(\.\./)*(src|utils|core|net|lb|filter|tc|common|dpip|ipvsadm)/|module\.h')" ""
is "public headers name neither DPDK nor GLib" "$(includes lib/dpvsctrl 'rte_|glib|gio')" ""
is "the client half knows neither DPDK nor GLib" \
	"$(grep -nE '^#[[:space:]]*include[[:space:]]*["<](rte_|glib|gio)' lib/wire.c lib/client.c)" ""
is "core includes neither net nor lb, filter, tc" "$(includes src/core '(\.\./)*(net|lb|filter|tc)/')" ""
is "net includes neither lb nor filter, tc" "$(includes src/net '(\.\./)*(lb|filter|tc)/')" ""
is "nothing in src includes utils" "$(includes src '(\.\./)*(utils|common|dpip|ipvsadm)/')" ""
is "utils include neither the daemon, DPDK, nor GLib" \
	"$(includes utils '(\.\./)*(src|core|net|lb|filter|tc)/|module\.h|rte_|glib|gio')" ""
is "utils use of the library only the client half and proto" \
	"$(includes utils 'dpvsctrl/(server|msg)\.h')" ""
is "dpip and ipvsadm do not include each other" \
	"$(includes utils/dpip '(\.\./)*ipvsadm/')$(includes utils/ipvsadm '(\.\./)*dpip/')" ""
is "nothing registers by constructor" \
	"$(find lib src -name '*.[ch]' -exec grep -nHE '__attribute__ *\(\(.*constructor|RTE_INIT|RTE_NODE_REGISTER|RTE_LOG_REGISTER' {} +)" ""
is "only modules.c hands out the tables of modules (core/ctl.c wraps the requests for it)" \
	"$(find src lib -name '*.c' -exec grep -lE 'dpvs_(sockopt|msg_type)_register *\(' {} + | grep -vE '^(src/modules\.c|src/core/ctl\.c|lib/)')" ""
done_testing
