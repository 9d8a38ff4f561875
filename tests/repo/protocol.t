#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# doc/protocol.md says what the headers and the daemon say: each field of each record, each id.
. "$top_srcdir/tests/helpers/tap.sh"
doc=$top_srcdir/doc/protocol.md
cc=${CC:-cc}

# Each line of a record's table becomes an assertion about the C structure.
{
	for header in "$top_srcdir"/lib/dpvsctrl/proto/*.h; do
		echo "#include <dpvsctrl/proto/$(basename "$header")>"
	done
	echo "#include <stddef.h>"
	awk -F '[|`]' '
	/^`struct dpvs_/ {
		name = $2
		bytes = $3; gsub(/[^0-9]/, "", bytes)
		printf "static_assert(sizeof(%s) == %s, \"%s\");\n", name, bytes, name
		next
	}
	/^#/ { name = "" }
	name != "" && /^\| [0-9]+ \| [0-9]+ \| `/ {
		printf "static_assert(offsetof(%s, %s) == %d, \"%s.%s\");\n", name, $5, $2, name, $5
		printf "static_assert(sizeof(((%s *)0)->%s) == %d, \"%s.%s\");\n", name, $5, $3, name, $5
	}' "$doc"
} >"$TEST_DIR/layout.c"
if command -v "${cc%% *}" >/dev/null; then
	# shellcheck disable=SC2086 # words
	ok "records are as the headers have them" $cc -std=c11 -fsyntax-only -I"$top_srcdir/lib" "$TEST_DIR/layout.c"
else
	skip "records are as the headers have them" "there is no C compiler"
fi
structs=$(sed -zE 's:/\*[^*]*\*+([^/*][^*]*\*+)*/::g' "$top_srcdir"/lib/dpvsctrl/proto/*.h |
	sed -n 's/^struct \(dpvs_[a-z0-9_]*\) {$/\1/p' | sort)
is "all records are there" "$(sed -n 's/^`struct \(dpvs_[a-z0-9_]*\)`, .*/\1/p' "$doc" | grep -vx dpvs_addr | sort)" \
	"$structs"

# The ids: type, number, name, and how large the request's record is.
sizes=$(sed -n 's/^`struct \(dpvs_[a-z0-9_]*\)`, \([0-9]*\) bytes$/\1 \2/p' "$doc")
sed -n 's/^| \([0-9]*\) | \([GS]ET\) | \([a-z0-9-]*\) | `*\([a-z_-]*\)`*\(, needed\)* | .* |$/\2 \1 \3 \4/p' "$doc" |
	while read -r type id name record; do
		size=$(printf '%s\nbyte 1\n' "$sizes" | sed -n "s/^$record //p")
		echo "$type $id $name ${size:-0}"
	done | tr 'GETS' 'gets' | sort >"$TEST_DIR/doc"
"$top_builddir/src/dpvsd" --list-modules 2>"$TEST_DIR/stderr" |
	sed -n 's/^[[:space:]]*\([gs]et\) \([0-9]*\) \([a-z0-9-]*\), record of \([0-9]*\) bytes$/\1 \2 \3 \4/p' |
	sort >"$TEST_DIR/daemon"
if [ -s "$TEST_DIR/daemon" ]; then
	is "ids in the text that the daemon does not have" "$(comm -23 "$TEST_DIR/doc" "$TEST_DIR/daemon")" ""
	is "ids of the daemon that the text does not have" "$(comm -13 "$TEST_DIR/doc" "$TEST_DIR/daemon")" ""
else
	skip "ids in the text that the daemon does not have" "dpvsd does not list its modules"
	skip "ids of the daemon that the text does not have" "dpvsd does not list its modules"
fi
done_testing
