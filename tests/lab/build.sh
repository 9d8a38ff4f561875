# SPDX-License-Identifier: GPL-2.0-or-later
# Builds in the tree, runs the tests and benches: build_tree, check_run, bench_run.
# shellcheck shell=sh disable=SC2154

build_jobs()
{
	nproc 2>/dev/null || echo 1
}

# A build that was made elsewhere (a copied tree) or by an older configure.ac is made anew.
build_configured()
{
	[ -f Makefile ] && [ -f config.status ] && [ -x configure ] &&
		grep -q "^abs_top_builddir = $top\$" Makefile
}

build_fresh()
{
	if [ ! -x configure ] || [ -n "$(find configure.ac -newer configure)" ]; then
		as_owner ./bootstrap || return
	fi
	if have gcc || [ -n "${CC:-}" ]; then
		as_owner ./configure -q
	else
		as_owner ./configure -q CC=clang
	fi
}

# build_tree: progress on stdout; callers redirect it.
build_tree()
{
	step "building"
	[ -w "$top" ] || die "cannot write to $top" "build as the owner of the tree"
	if build_configured; then
		if as_owner make -s -j"$(build_jobs)"; then
			return
		fi
		say "The build that was here does not work any more: configuring anew."
		as_owner make -s distclean >/dev/null 2>&1 || true
		rm -f configure Makefile config.status
	fi
	build_fresh || die "configure failed" "see the message above, and config.log"
	as_owner make -s -j"$(build_jobs)" || die "the build failed" "see the compiler's message above"
}

# Sums the results of all tests that ran.
check_sum()
{
	find tests -name '*.trs' -exec cat {} + 2>/dev/null | awk '
		/^:test-result:/ { n[$2]++ }
		END {
			printf "%d passed, %d failed, %d skipped\n", n["PASS"] + n["XFAIL"],
				n["FAIL"] + n["ERROR"] + n["XPASS"] + '"${1:-0}"', n["SKIP"]
		}'
}

# What a test that failed said; the last lines are the ones that matter.
check_show_failures()
{
	find tests -name '*.trs' | sort | while read -r trs; do
		grep -Eq '^:test-result: (FAIL|ERROR|XPASS)' "$trs" || continue
		log=${trs%.trs}.log
		printf '\n-- %s\n' "$log"
		tail -n 60 "$log"
	done
}

check_run()
{
	find tests -name '*.trs' -exec rm -f {} + 2>/dev/null || true
	if ! (build_tree); then
		check_sum 1
		exit 1
	fi
	check_rc=0
	step "make check"
	as_owner make -k check || check_rc=$?
	if is_root; then
		step "make check-net"
		make -k check-net || check_rc=$?
	else
		say "Not root: tests in network namespaces (make check-net) are left out."
	fi
	[ $check_rc -eq 0 ] || check_show_failures
	echo
	check_sum
	[ $check_rc -eq 0 ] || exit 1
}

# JSON lines on stdout, everything else on stderr.
bench_run()
{
	step "make bench"
	bench_out=$(mktemp)
	trap 'rm -f "$bench_out"' EXIT
	bench_rc=0
	timeout -k 10 600 make -s bench >"$bench_out" || bench_rc=$?
	grep '^{' "$bench_out" || bench_rc=1
	grep -v '^{' "$bench_out" >&2 || true
	[ $bench_rc -eq 0 ] || die "the benches failed or took over ten minutes"
}
