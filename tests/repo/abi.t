#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What programs that were built with libdpvsctrl rely on is as recorded in libdpvsctrl.abi: symbols with their
# versions, prototypes, structs with the order and types of their members, values of enums and macros.
#
#   sh tests/repo/abi.t update      records what is there now (top_srcdir, CC as in make check)
: "${top_srcdir:=.}"
LC_ALL=C
export LC_ALL
recorded=$top_srcdir/tests/repo/libdpvsctrl.abi
cc=${CC:-cc}

# One line for each declaration of the headers in lib/dpvsctrl, as the compiler's preprocessor leaves it, without what
# other headers declare. (Records of the families, in lib/dpvsctrl/proto, have a test and rules of their own.)
describe()
{
	sed -n 's/^\([A-Z_0-9]*\) {$/version \1/p; s/^[[:space:]]*\(dpvs_[a-z0-9_]*\);$/symbol \1/p' \
		"$top_srcdir/lib/libdpvsctrl.sym"
	for header in "$top_srcdir"/lib/dpvsctrl/*.h; do
		# shellcheck disable=SC2086 # words
		$cc -E -dD -std=c11 -D_GNU_SOURCE -I"$top_srcdir/lib" "$header" || echo "$header cannot be read"
	done | awk '
		/^# [0-9]+ "/ { ours = $3 ~ /\/dpvsctrl\/[a-z]*\.h"$/; next }
		!ours || /^[[:space:]]*$/ { next }
		/^#(define|undef)/ {
			sub(/[[:space:]]+$/, "")
			if ($0 !~ /_H$/)
				print
			next
		}
		{
			# Up to the semicolon or brace that ends a declaration on the outermost level.
			for (i = 1; i <= length($0); i++) {
				c = substr($0, i, 1)
				text = text c
				depth += (c == "{") - (c == "}")
				if (c == ";" && depth == 0) {
					gsub(/[[:space:]]+/, " ", text)
					sub(/^ /, "", text)
					if (text !~ /^_Static_assert/)
						print text
					text = ""
				}
			}
			text = text " "
		}' | sort -u
}

if [ "${1:-}" = update ]; then
	describe >"$recorded"
	exit
fi
. "$top_srcdir/tests/helpers/tap.sh"
command -v "${cc%% *}" >/dev/null || skip_all "there is no C compiler"
describe | sort >"$TEST_DIR/now"
sort "$recorded" >"$TEST_DIR/recorded"
ok "the headers were read" grep -q '^int dpvs_client_open(' "$TEST_DIR/now"
gone=$(comm -13 "$TEST_DIR/now" "$TEST_DIR/recorded")
new=$(comm -23 "$TEST_DIR/now" "$TEST_DIR/recorded")
is "nothing is gone or other than recorded" "$gone" "" ||
	diag "Programs built before would break. Keep it, or: a new version in lib/libdpvsctrl.sym, a new soname," \
		"then: sh tests/repo/abi.t update"
is "nothing is there that is not recorded" "$new" "" ||
	diag "If it is meant to stay as it is from now on: sh tests/repo/abi.t update"
done_testing
