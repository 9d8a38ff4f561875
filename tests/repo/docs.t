#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# What the programs say about themselves is in the manual: options and configuration keys.
. "$top_srcdir/tests/helpers/tap.sh"
man=$top_srcdir/doc/man
cd "$top_srcdir" || exit 1

# A page as plain words: mdoc macros put blanks and escapes where a reader sees none.
page()
{
	sed -e 's/\\-/-/g' -e 's/\\e/\\/g' "$man/$1" 2>/dev/null
}

# options PROGRAM PAGE: each long option of --help.
options()
{
	[ -e "$man/$2" ] || return 0
	page "$2" >"$TEST_DIR/page"
	for opt in $("$top_builddir/$1" --help 2>/dev/null | grep -oE -- '--[a-z][a-z0-9-]*' | sort -u); do
		ok "$2 has $opt" grep -qE -- "(^|[ (\"=-])${opt#--}([^a-z0-9-]|\$)" "$TEST_DIR/page"
	done
}

# Paths that the pages name are there; "lb/conn.c" alone is none, a page writes from the top.
for page in README.md CONTRIBUTING.md doc/*.md; do
	gone=$(grep -oE '`(lib|src|utils|tests|doc|packaging)/[A-Za-z0-9_./-]*`' "$page" | tr -d '`' | sort -u |
		while read -r path; do case $path in *NAME*) continue ;; esac; [ -e "$path" ] || [ -e "$top_builddir/$path" ] || echo "$path"; done)
	is "$page names only files that are there" "$gone" ""
done

# Functions that they place, "`name()` in `src/file.c`", and handlers, "`name()` ... in `src/file.c`", are defined there.
for page in doc/*.md; do
	# shellcheck disable=SC2016 # backticks of the pages
	gone=$(grep -oE '`[a-z0-9_]+\(\)`(,| \(| in| \.\.\. in) ?`[A-Za-z0-9_/.]+\.[ch]`' "$page" | tr -d '`(),' | sort -u |
		while read -r name rest; do
			file=${rest##* }
			[ -e "$file" ] || file=src/$file
			grep -qE "^([a-z].*[ *])?$name\\(" "$file" || echo "$name $file"
		done)
	is "$page: functions are where it says" "$gone" ""
done

options src/dpvsd dpvsd.8
options utils/dpip/dpip dpip.8
options utils/ipvsadm/ipvsadm ipvsadm.8

# Lines "[section]" and "key = default ..." of --help-config; each must be in dpvsd.conf.5 below its section.
"$top_builddir/src/dpvsd" --help-config >"$TEST_DIR/keys" 2>/dev/null
page dpvsd.conf.5 >"$TEST_DIR/page"
awk '
	FNR == NR {
		if ($1 == ".Ss")
			section = $0
		if ($1 == ".It" && $2 == "Cm")
			have[section, $3] = 1
		next
	}
	/^\[/ {
		section = ".Ss " $0
		next
	}
	/^[a-z][a-z0-9-]*([ =]|$)/ {
		split($1, part, "=")
		print ((section, part[1]) in have ? "yes" : "no"), part[1], section
	}' "$TEST_DIR/page" "$TEST_DIR/keys" >"$TEST_DIR/result"
while read -r found key section; do
	is "dpvsd.conf.5 has $key of ${section#.Ss }" "$found" yes
done <"$TEST_DIR/result"
[ $tap_n -gt 0 ] || skip_all "the programs are not built"
done_testing
