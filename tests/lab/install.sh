# SPDX-License-Identifier: GPL-2.0-or-later
# Installs what is missing: install_missing GROUP...  Groups: build (compiler, DPDK, GLib), check (what
# tests of the tree use), lab (namespaces, web server), check-net (what tests/net uses).
# shellcheck shell=sh disable=SC2154

# Lines: group, probe, Debian and Ubuntu package, Fedora and EL package ("-": none), must or may.
# A probe is a command, pkg:MODULE for pkg-config, or header:FILE. "may": tests skip without it.
install_table()
{
	cat <<-'END'
	build gcc gcc gcc must
	build make make make must
	build autoreconf autoconf autoconf must
	build automake automake automake must
	build libtoolize libtool libtool must
	build pkg-config pkg-config pkgconf-pkg-config must
	build awk mawk gawk must
	build header:stdlib.h libc6-dev glibc-devel must
	build pkg:libdpdk libdpdk-dev dpdk-devel must
	build pkg:gio-unix-2.0 libglib2.0-dev glib2-devel must
	build pkg:popt libpopt-dev popt-devel must
	check g++ g++ gcc-c++ may
	check git git git may
	check jq jq jq may
	check mandoc mandoc mandoc may
	check shellcheck shellcheck ShellCheck may
	check xz xz-utils xz may
	lab ip iproute2 iproute must
	lab ethtool ethtool ethtool must
	lab curl curl curl must
	lab nginx nginx-light nginx must
	lab setpriv util-linux util-linux must
	check-net ping iputils-ping iputils may
	check-net traceroute traceroute traceroute may
	check-net tcpdump tcpdump tcpdump may
	check-net dnsmasq dnsmasq-base dnsmasq may
	check-net dig bind9-dnsutils bind-utils may
	check-net wrk wrk - may
	check-net python3 python3-minimal python3 may
	END
}

install_has()
{
	case $1 in
	pkg:libdpdk) pkg-config --atleast-version=22.11 libdpdk 2>/dev/null ;;
	pkg:*) pkg-config --exists "${1#pkg:}" 2>/dev/null ;;
	header:*) [ -e "/usr/include/${1#header:}" ] ;;
	gcc) have gcc || have clang ;;
	*) have "$1" ;;
	esac
}

# Sets missing_must and missing_may to the packages that the groups lack.
install_look()
{
	missing_must=
	missing_may=
	install_rows=$(install_table)
	while read -r group probe deb rpm need; do
		case " $install_groups " in
		*" $group "*) ;;
		*) continue ;;
		esac
		install_has "$probe" && continue
		case $install_family in
		debian) package=$deb ;;
		*) package=$rpm ;;
		esac
		[ "$package" != - ] || continue
		case $need in
		must) missing_must="$missing_must $package" ;;
		*) missing_may="$missing_may $package" ;;
		esac
	done <<-END
	$install_rows
	END
}

# Debian starts a service when its package is installed. The lab runs its own nginx in namespaces of its
# own, so while we install, services are not started, and an nginx that came with us is not enabled.
install_debian()
{
	policy=/usr/sbin/policy-rc.d
	policy_ours=
	if [ ! -e $policy ]; then
		printf '#!/bin/sh\nexit 101\n' >$policy
		chmod 755 $policy
		policy_ours=$policy
		trap 'rm -f "$policy_ours"' EXIT
		trap 'exit 130' HUP INT TERM
	fi
	install_rc=0
	{
		apt-get update -q &&
			DEBIAN_FRONTEND=noninteractive apt-get install -y -q --no-install-recommends "$@"
	} >&2 || install_rc=$?
	if [ -n "$policy_ours" ]; then
		rm -f "$policy_ours"
		trap - EXIT HUP INT TERM
	fi
	return $install_rc
}

install_dnf()
{
	dnf -y install "$@" >&2 && return
	# On EL some -devel packages live in CRB, a repository that is there but off.
	dnf -y --enablerepo=crb install "$@" >&2
}

install_packages()
{
	nginx_was=$(command -v nginx || true)
	case $install_family in
	debian) install_debian "$@" || return ;;
	*) install_dnf "$@" || return ;;
	esac
	if [ -z "$nginx_was" ] && have nginx && have systemctl; then
		systemctl disable nginx >/dev/null 2>&1 || true
		say "(nginx came with this; its system service was neither started nor enabled)"
	fi
}

install_missing()
{
	install_groups=$*
	PATH=$PATH:/usr/local/sbin:/usr/sbin:/sbin
	export PATH
	if have apt-get; then
		install_family=debian
	elif have dnf; then
		install_family=fedora
	else
		install_family=unknown
	fi
	install_look
	[ -n "$missing_must$missing_may" ] || return 0
	if [ $install_family = unknown ]; then
		[ -z "$missing_must" ] || die "missing:$missing_must; neither apt-get nor dnf is here to install them" \
			"install them by hand (these are Fedora's names), then run this again"
		say "Not installed, their tests will be skipped:$missing_may"
		return 0
	fi
	if ! is_root; then
		[ -z "$missing_must" ] || die "missing packages:$missing_must" \
			"run this once with sudo, or install them by hand"
		say "Not installed, their tests will be skipped:$missing_may"
		return 0
	fi
	step "installing:$missing_must$missing_may"
	# shellcheck disable=SC2086 # words
	if ! install_packages $missing_must $missing_may; then
		# One optional name that this release does not have must not keep the rest away.
		# shellcheck disable=SC2086
		[ -z "$missing_must" ] || install_packages $missing_must ||
			die "cannot install:$missing_must" "see the package manager's message above"
		for package in $missing_may; do
			install_packages "$package" || say "Not available here, its tests will be skipped: $package"
		done
	fi
	install_look
	[ -z "$missing_must" ] || die "installed, but still not usable:$missing_must" \
		"dpvsd needs DPDK 22.11 or newer; this system may be too old"
}
