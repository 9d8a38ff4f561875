#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# The manual pages are right mdoc.
. "$top_srcdir/tests/helpers/tap.sh"
command -v mandoc >/dev/null || skip_all "mandoc is not installed"
for page in "$top_srcdir"/doc/man/*.[0-9]; do
	ok "${page##*/} has nothing to warn about" mandoc -T lint -W warning "$page"
done
done_testing
