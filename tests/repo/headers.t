#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Each header can be included alone: public ones as C and as C++, without DPDK and GLib; ours as C.
. "$top_srcdir/tests/helpers/tap.sh"
cc=${CC:-cc}
cxx=${CXX:-c++}
command -v "${cc%% *}" >/dev/null || skip_all "there is no C compiler"

# compiles WHAT COMMAND...: the header comes on stdin
compiles()
{
	compiles_text=$1
	shift
	printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$TEST_DIR/alone.$ext"
	ok "$compiles_text" "$@" -fsyntax-only "$TEST_DIR/alone.$ext"
}

for path in "$top_srcdir"/lib/dpvsctrl/*.h "$top_srcdir"/lib/dpvsctrl/proto/*.h; do
	header=${path#"$top_srcdir"/lib/}
	ext=c
	# shellcheck disable=SC2086 # words
	compiles "$header alone, as C" $cc -std=c11 -Wall -Wextra -Wpedantic -Werror -I"$top_srcdir/lib"
	if command -v "${cxx%% *}" >/dev/null; then
		ext=cc
		# shellcheck disable=SC2086
		compiles "$header alone, as C++" $cxx -std=c++11 -Wall -Wextra -Werror -I"$top_srcdir/lib"
	else
		skip "$header alone, as C++" "there is no C++ compiler"
	fi
done

dpdk=$(pkg-config --cflags libdpdk 2>/dev/null | sed 's/-I/-isystem /g')
glib=$(pkg-config --cflags glib-2.0 gio-2.0 gio-unix-2.0 2>/dev/null)
# DPDK's headers take most of the time: as many compilers as there are CPUs.
ours=$(cd "$top_srcdir" && find src lib -name '*.h' ! -path 'lib/dpvsctrl/*' | sort)
n=0
for path in $ours; do
	header=${path#src/}
	header=${header#lib/}
	n=$((n + 1))
	printf '#include <%s>\n#include <%s>\n' "$header" "$header" >"$TEST_DIR/ours.$n.c"
done
# shellcheck disable=SC2016 # for the inner shell
seq "$n" | dir=$TEST_DIR command="$cc -std=gnu11 -D_GNU_SOURCE -DALLOW_EXPERIMENTAL_API -Wall -Werror \
	-I$top_srcdir/src -I$top_srcdir/lib $dpdk $glib" xargs -P "$(nproc)" -n 1 sh -c \
	'$command -fsyntax-only "$dir/ours.$0.c" >"$dir/ours.$0.out" 2>&1; echo $? >"$dir/ours.$0.rc"'
n=0
for path in $ours; do
	n=$((n + 1))
	is "$path alone" "$(cat "$TEST_DIR/ours.$n.rc" "$TEST_DIR/ours.$n.out")" 0
done
ext=c
for path in $(cd "$top_srcdir" && find utils -name '*.h' | sort); do
	header=${path#utils/}
	# shellcheck disable=SC2086
	compiles "$path alone" $cc -std=gnu11 -D_GNU_SOURCE -Wall -Werror -I"$top_srcdir/utils" -I"$top_srcdir/lib"
done
done_testing
