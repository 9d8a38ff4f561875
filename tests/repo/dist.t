#!/bin/sh
# SPDX-License-Identifier: GPL-2.0-or-later
# Every file in git goes into the tarball, but for those named here.
. "$top_srcdir/tests/helpers/tap.sh"
cd "$top_srcdir" || exit 1
git ls-files >/dev/null 2>&1 && [ -e .git ] || skip_all "not a git checkout"
[ -f "$top_builddir/Makefile" ] || skip_all "not configured"

# Files of a checkout only.
cat >"$TEST_DIR/not" <<'END'
.clang-format
.editorconfig
.gitignore
.ci/run
END
# The list that make dist takes its files from, printed by a makefile laid over ours.
printf 'include Makefile\nprint-dist:\n\t@for f in $(DISTFILES); do echo $$f; done\n' >"$TEST_DIR/print.mk"
(cd "$top_builddir" && make -s --no-print-directory -f "$TEST_DIR/print.mk" print-dist) 2>/dev/null |
	sed "s|^$top_srcdir/||; s|^\./||" | sort -u >"$TEST_DIR/dist"
ok "make can say what it distributes" test -s "$TEST_DIR/dist"
git ls-files | while read -r f; do [ -e "$f" ] && echo "$f"; done | sort >"$TEST_DIR/git"
missing=$(sort "$TEST_DIR/not" "$TEST_DIR/dist" | sort -u | comm -23 "$TEST_DIR/git" -)
is "each file in git is in the tarball or in the list of those that are not" "$missing" ""
built=$(
	git ls-files | grep -E '\.(o|lo|la|log|trs)$|(^|/)(configure|Makefile\.in)$'
	# Programs: ELF, or libtool's wrapper in front of one.
	git ls-files | grep -vE '\.[a-z0-9]+$' | while read -r f; do
		head -c 200 "$f" 2>/dev/null | tr -d '\0' | grep -aqE '^.ELF|temporary wrapper script' && echo "$f"
	done
)
is "nothing that was built is in git" "$built" ""
done_testing
