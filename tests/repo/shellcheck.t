#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Shell scripts: no warning from shellcheck, and plain POSIX sh.
. "$top_srcdir/tests/helpers/tap.sh"
command -v shellcheck >/dev/null || skip_all "shellcheck is not installed"
cd "$top_srcdir" || exit 1
# SC2034, SC2154: variables that cross files; SC2097, SC2098: "A=x program $A" is meant as it stands; SC1090, SC1091: files found at run time.
for script in bootstrap quickstart .ci/run packaging/dpvsd.init.in tests/run-test tests/lab/*.sh \
	tests/helpers/*.sh tests/*/*.t utils/ipvsadm/ipvsadm-save utils/ipvsadm/ipvsadm-restore; do
	[ -e "$script" ] || continue
	ok "$script" shellcheck -s sh -S warning -e SC2034,SC2097,SC2098,SC2154,SC1090,SC1091 "$script"
done
done_testing
