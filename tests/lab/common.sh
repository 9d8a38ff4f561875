# SPDX-License-Identifier: GPL-2.0-or-later
# Messages and small helpers for quickstart and the files next to this one. $top is the source tree.
# shellcheck shell=sh disable=SC2154

say()
{
	printf '%s\n' "$*" >&2
}

step()
{
	printf '\n== %s\n' "$*" >&2
}

# die WHAT [CURE...]: one line for the cause, one for each cure.
die()
{
	printf 'quickstart: %s\n' "$1" >&2
	shift
	for die_line in "$@"; do
		printf '  %s\n' "$die_line" >&2
	done
	exit 1
}

die_usage()
{
	printf 'quickstart: %s\n' "$1" >&2
	printf 'Try "./quickstart help".\n' >&2
	exit 2
}

is_root()
{
	[ "$(id -u)" -eq 0 ]
}

need_root()
{
	is_root || die "'$1' makes network namespaces and needs root" "sudo ./quickstart $1"
}

have()
{
	command -v "$1" >/dev/null 2>&1
}

# as_owner COMMAND...: runs it as the owner of the tree, so that "sudo ./quickstart demo" leaves no files
# of root in a user's clone. Stays root where the owner could not reach the tree.
as_owner()
{
	if ! is_root; then
		"$@"
		return
	fi
	owner_uid=$(stat -c %u "$top")
	owner_gid=$(stat -c %g "$top")
	if [ "$owner_uid" -eq 0 ] ||
		! setpriv --reuid="$owner_uid" --regid="$owner_gid" --clear-groups test -w "$top" 2>/dev/null; then
		"$@"
		return
	fi
	owner_home=$(getent passwd "$owner_uid" | cut -d: -f6)
	setpriv --reuid="$owner_uid" --regid="$owner_gid" --clear-groups \
		env HOME="${owner_home:-/nonexistent}" "$@"
}

# wait_for SECONDS COMMAND...: polls ten times a second until COMMAND succeeds.
wait_for()
{
	wait_left=$(($1 * 10))
	shift
	while ! "$@" >/dev/null 2>&1; do
		wait_left=$((wait_left - 1))
		[ "$wait_left" -gt 0 ] || return 1
		sleep 0.1
	done
}
