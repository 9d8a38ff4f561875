#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Each object of dpip has a page, and the page has each command and keyword; JSON keys are in the pages too.
. "$top_srcdir/tests/helpers/tap.sh"
dpip=$top_builddir/utils/dpip/dpip
man=$top_srcdir/doc/man
[ -x "$dpip" ] || skip_all "dpip is not built"
DPVS_SOCKET=$TEST_DIR/none
export DPVS_SOCKET

# missing PAGE WORDS...: those words that the page does not have.
missing()
{
	missing_page=$1
	shift
	for word; do
		sed 's/\\-/-/g' "$man/$missing_page" | grep -qE "(^|[^a-z_-])$word([^a-z_-]|\$)" || echo "$word"
	done
}

for object in $("$dpip" --complete '' | grep -v '^help$'); do
	page=dpip-$object.8
	if [ ! -e "$man/$page" ]; then
		is "$object has a page" no yes
		continue
	fi
	is "dpip.8 names $object" "$(missing dpip.8 "$object")" ""
	for verb in $("$dpip" --complete "$object" '' | grep -v '^help$'); do
		# shellcheck disable=SC2046
		is "$page has $verb and its words" \
			"$(missing "$page" "$verb" $("$dpip" --complete "$object" "$verb" ''))" ""
	done
	# Keys as the source writes them.
	# shellcheck disable=SC2046
	is "$page has the JSON keys" "$(missing "$page" $(
		sed -nE 's/.*(writer|pair|write)_[a-z]+\((&d->w|d), "([a-z_0-9]+)",.*/\3/p' \
			"$top_srcdir/utils/dpip/$object.c" | sort -u
	))" ""
done
done_testing
