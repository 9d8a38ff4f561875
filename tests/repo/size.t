#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# No source file grows past 1,000 lines.
. "$top_srcdir/tests/helpers/tap.sh"
big=$(cd "$top_srcdir" && find lib src utils tests \( -name '*.[ch]' -o -name '*.sh' -o -name '*.t' \) \
	-exec awk 'END { if (NR > 1000) print FILENAME, NR }' {} \;)
is "no file has more than 1000 lines" "$big" ""
done_testing
