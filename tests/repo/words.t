#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The tree stands alone: it names nothing outside of itself, and nothing is left open in it.
. "$top_srcdir/tests/helpers/tap.sh"
cd "$top_srcdir" || exit 1

# The words are put together here, so that this file does not have them.
look()
{
	grep -rnIE "$1" lib src utils tests doc packaging debian rpm m4 .ci README.md CONTRIBUTING.md NEWS \
		configure.ac Makefile.am quickstart bootstrap --include='*' --exclude='*.log' --exclude='*.trs' \
		--exclude-dir=.libs --exclude-dir=.deps 2>/dev/null | grep -v '^tests/repo/words.t:' | cut -c1-160
}

is "nothing names a folder outside the tree" "$(look '\.\./shared|/work/(shared|main|h)\b')" ""
is "nothing is left open" "$(look '\b(TODO|FIXME|XXX)\b')" ""
is "each source has a licence line" \
	"$(find lib src utils tests \( -name '*.[ch]' -o -name '*.sh' -o -name '*.t' -o -name '*.py' \) \
		-exec sh -c 'head -n 3 "$1" | grep -q SPDX-License-Identifier: || echo "$1"' sh {} \;)" ""
done_testing
