#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The tree stands alone: it names nothing outside of itself, and nothing is left open in it.
. "$top_srcdir/tests/helpers/tap.sh"
cd "$top_srcdir" || exit 1

# Sources only: a build in the tree leaves files that name where it stands.
look()
{
	{
		find lib src utils tests doc packaging debian rpm -type f \( -name '*.[ch1-9]' -o -name '*.sh' \
			-o -name '*.t' -o -name '*.py' -o -name '*.md' -o -name '*.mk' -o -name '*.in' \
			-o -name '*.conf' -o -name control -o -name rules -o -name changelog \)
		ls README.md CONTRIBUTING.md NEWS Makefile.am configure.ac quickstart bootstrap m4/dpvs-*.m4
	} | grep -v '^tests/repo/words.t$' | xargs grep -nIE "$1" | cut -c1-160
}

is "nothing names a folder outside the tree" "$(look '\.\./shar[e]d|(^|[^a-z])/work/[a-z]')" ""
is "nothing is left open" "$(look '\b(TO[D]O|FIX[M]E|XX[X])\b')" ""
is "each source has a licence line" \
	"$(find lib src utils tests doc \( -name '*.[ch]' -o -name '*.sh' -o -name '*.t' -o -name '*.py' \) \
		-exec sh -c 'head -n 3 "$1" | grep -q SPDX-License-Identifier: || echo "$1"' sh {} \;)" ""
done_testing
