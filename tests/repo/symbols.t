#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the headers declare, what the version script lists and what the library exports are the same.
. "$top_srcdir/tests/helpers/tap.sh"
LC_ALL=C
export LC_ALL
so=$top_builddir/lib/.libs/libdpvsctrl.so

# Comments away, then every function that starts with dpvs_ (not pointers to functions).
for header in "$top_srcdir"/lib/dpvsctrl/*.h; do
	sed -zE 's:/\*[^*]*\*+([^/*][^*]*\*+)*/::g' "$header"
done | grep -oE '\bdpvs_[a-z0-9_]+\(' | tr -d '(' | sort -u >"$TEST_DIR/headers"
sed -n 's/^[[:space:]]*\(dpvs_[a-z0-9_]*\);$/\1/p' "$top_srcdir/lib/libdpvsctrl.sym" >"$TEST_DIR/sym"

is "the version script is sorted and names nothing twice" "$(sort -u "$TEST_DIR/sym")" "$(cat "$TEST_DIR/sym")"
is "no wildcard exports anything" "$(grep -c '\*;' "$top_srcdir/lib/libdpvsctrl.sym")" 1
is "declared but not exported" "$(comm -23 "$TEST_DIR/headers" "$TEST_DIR/sym")" ""
is "exported but not declared" "$(comm -13 "$TEST_DIR/headers" "$TEST_DIR/sym")" ""
if [ -e "$so" ] && command -v nm >/dev/null && ! nm -D "$so" | grep -q fault_point; then
	nm -D --defined-only "$so" | sed -n 's/.* [TDBRVW] \([A-Za-z0-9_]*\)@@DPVSCTRL_0$/\1/p' |
		sort -u >"$TEST_DIR/nm"
	is "in the version script but not in the library" "$(comm -23 "$TEST_DIR/sym" "$TEST_DIR/nm")" ""
	is "in the library but not in the version script" "$(comm -13 "$TEST_DIR/sym" "$TEST_DIR/nm")" ""
	# Other names, kinds or versions, which the list above passed over; the version itself is of kind A.
	other=$(nm -D --defined-only "$so" | grep -vE ' ([TDBRVW] dpvs_[a-z0-9_]+@@DPVSCTRL_0|A DPVSCTRL_0)(@@DPVSCTRL_0)?$' |
		cut -c18-)
	is "the library exports nothing else, and nothing without its version" "$other" ""
else
	skip "in the version script but not in the library" "no shared library, no nm, or fault injection"
	skip "in the library but not in the version script" "no shared library, no nm, or fault injection"
	skip "the library exports nothing else, and nothing without its version" "no shared library, no nm, or fault injection"
fi

# A library would call them instead of its own functions of the same name. Copies of a library's data have its version.
for program in src/dpvsd utils/dpip/dpip utils/ipvsadm/ipvsadm; do
	bin=$top_builddir/${program%/*}/.libs/${program##*/}
	[ -e "$bin" ] || bin=$top_builddir/$program
	if [ -e "$bin" ] && command -v nm >/dev/null && ! nm -D "$bin" | grep -qE 'fault_point|__[atu]*san_'; then
		is "$program gives no library symbols of its own" "$(nm -D --defined-only "$bin" | grep -v '@' | cut -c18-)" ""
	else
		skip "$program gives no library symbols of its own" "no program, no nm, fault injection or sanitizers"
	fi
done

# What is packaged and what is told of the library is about the same.
versions=$(sed -n 's/^\([A-Z0-9_]*\).* {$/\1/p' "$top_srcdir/lib/libdpvsctrl.sym")
is "debian's list has each version of the symbols" \
	"$(sed -n 's/^ (symver)\([A-Z0-9_]*\) .*/\1/p' "$top_srcdir/debian/libdpvsctrl0.symbols")" "$versions"
grep -ohE '\bdpvs_(client|reply|stream|txn|server|sockopt|req|msg|wire)_[a-z0-9_]+' "$top_srcdir/doc/man/libdpvsctrl.3" | sort -u |
	grep -vxE 'dpvs_(server_params|msg_params|msg_type|msg_done_fn)' >"$TEST_DIR/man"
ok "the manual names functions" test -s "$TEST_DIR/man"
is "in the manual but not in the version script" "$(comm -13 "$TEST_DIR/sym" "$TEST_DIR/man")" ""

# A binding for another language loads the library late: its thread-local data must not need much.
cat >"$TEST_DIR/load.c" <<'END'
#include <dlfcn.h>
#include <stdio.h>
int main(int argc, char **argv)
{
	if (argc == 2 && dlopen(argv[1], RTLD_NOW) != NULL)
		return 0;
	puts(dlerror());
	return 1;
}
END
cc=${CC:-cc}
# shellcheck disable=SC2086 # words
if [ -e "$so" ] && ! nm -D "$so" | grep -q '__[atu]*san_' &&
	$cc -o "$TEST_DIR/load" "$TEST_DIR/load.c" -ldl 2>/dev/null; then
	ok "the library can be loaded at run time" "$TEST_DIR/load" "$so"
else
	skip "the library can be loaded at run time" "no shared library, no compiler, or sanitizers"
fi
done_testing
