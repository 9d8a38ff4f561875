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
ext=c
for path in $(cd "$top_srcdir" && find src lib -name '*.h' ! -path 'lib/dpvsctrl/*' | sort); do
	case $path in
	src/*) header=${path#src/} ;;
	lib/*) header=${path#lib/} ;;
	esac
	# shellcheck disable=SC2086
	compiles "$path alone" $cc -std=gnu11 -D_GNU_SOURCE -DALLOW_EXPERIMENTAL_API -Wall -Werror \
		-I"$top_srcdir/src" -I"$top_srcdir/lib" $dpdk $glib
done
for path in $(cd "$top_srcdir" && find utils -name '*.h' | sort); do
	header=${path#utils/}
	# shellcheck disable=SC2086
	compiles "$path alone" $cc -std=gnu11 -D_GNU_SOURCE -Wall -Werror -I"$top_srcdir/utils" -I"$top_srcdir/lib"
done
done_testing
