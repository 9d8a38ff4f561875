# SPDX-License-Identifier: GPL-2.0-or-later
# The lab's network: five namespaces, two bridges. lab_net_up makes it, lab_down takes it away.
#
#   client segment  192.0.2.0/24     2001:db8:1::/64   client .10  director .1  VIP .100  servers' second leg .11 .12
#   server segment  198.51.100.0/24  2001:db8:2::/64   director .1  servers .11 .12  local addresses .201 to .204
#
#   client:eth0 --- cli-br --- director:wan0      rs1:eth0, rs2:eth0 --- srv-br --- director:lan0
#                     `------- rs1:eth1, rs2:eth1 (direct routing answers here)
#
# IPv6 has the same host parts (2001:db8:1::10, ::100, 2001:db8:2::201). The kernel has no address on the
# director's ports; dpvsd has. Everything is inside the namespaces and $LAB_DIR; nothing else is touched.
# shellcheck shell=sh disable=SC2154

LAB=${DPVS_LAB:-dpvs}
case $LAB in
'' | *[!a-zA-Z0-9_-]* | -* | ???????????????????????????????*)
	die "DPVS_LAB='$LAB' is no name for a lab" "use letters, digits, - and _, at most 30"
	;;
esac
LAB_DIR=/run/dpvs-lab/$LAB
# Used by quickstart and director.sh.
# shellcheck disable=SC2034
LAB_SOCKET=$LAB_DIR/dpvs_ctrl
LAB_NAMESPACES="client director rs1 rs2 switch"

# in_ns client COMMAND...: runs a command in a namespace of the lab.
in_ns()
{
	in_ns_name=$LAB-$1
	shift
	ip netns exec "$in_ns_name" "$@"
}

lab_ip()
{
	lab_ip_name=$LAB-$1
	shift
	ip -n "$lab_ip_name" "$@"
}

# lab_sysctl NAMESPACE KEY=VALUE...
lab_sysctl()
{
	lab_sysctl_ns=$1
	shift
	for lab_pair in "$@"; do
		lab_key=$(printf '%s' "${lab_pair%%=*}" | tr . /)
		in_ns "$lab_sysctl_ns" sh -c "echo ${lab_pair#*=} >/proc/sys/net/$lab_key"
	done
}

lab_exists()
{
	[ -d "$LAB_DIR" ]
}

lab_check_free()
{
	! lab_exists || die "the lab '$LAB' is up, or was left by a crash" \
		"sudo ./quickstart down, or DPVS_LAB=OTHER-NAME for a second one"
	for lab_ns in $LAB_NAMESPACES; do
		[ ! -e "/run/netns/$LAB-$lab_ns" ] ||
			die "there is a namespace $LAB-$lab_ns that is not of this lab" \
				"ip netns del $LAB-$lab_ns, or DPVS_LAB=OTHER-NAME"
	done
}

# The lab's veth keep frames as they are on a wire: no super-frames, no missing checksums.
lab_offloads_off()
{
	in_ns "$1" ethtool -K "$2" tx off tso off gso off gro off >/dev/null 2>&1 ||
		die "cannot turn the offloads of $2 in $LAB-$1 off"
}

# lab_wire NAMESPACE DEVICE BRIDGE: a veth from a namespace to a bridge of the switch.
lab_wire()
{
	lab_peer=$1-${2}
	ip link add "$2" netns "$LAB-$1" type veth peer name "$lab_peer" netns "$LAB-switch"
	lab_offloads_off "$1" "$2"
	lab_offloads_off switch "$lab_peer"
	lab_ip switch link set "$lab_peer" master "$3" up
	lab_ip "$1" link set "$2" up
}

lab_bridge()
{
	lab_ip switch link add "$1" type bridge stp_state 0 forward_delay 0 mcast_snooping 0
	lab_sysctl switch "ipv6.conf.$1.disable_ipv6=1"
	lab_ip switch link set "$1" up
}

lab_addr()
{
	lab_addr_ns=$1
	lab_addr_dev=$2
	shift 2
	for lab_a in "$@"; do
		case $lab_a in
		*:*) lab_ip "$lab_addr_ns" addr add "$lab_a" dev "$lab_addr_dev" nodad ;;
		*) lab_ip "$lab_addr_ns" addr add "$lab_a" dev "$lab_addr_dev" ;;
		esac
	done
}

# A server: .$2 on both segments. What it sends from its address on the server segment goes back through
# the director (NAT), what it sends from the VIP goes straight to the client (DR).
lab_server_net()
{
	lab_wire "$1" eth0 srv-br
	lab_wire "$1" eth1 cli-br
	lab_sysctl "$1" ipv4.conf.all.rp_filter=0 ipv4.conf.default.rp_filter=0 \
		ipv4.conf.eth0.rp_filter=0 ipv4.conf.eth1.rp_filter=0 \
		ipv4.conf.all.arp_ignore=1 ipv4.conf.all.arp_announce=2
	lab_addr "$1" eth0 "198.51.100.$2/24" "2001:db8:2::$2/64"
	lab_addr "$1" eth1 "192.0.2.$2/24" "2001:db8:1::$2/64"
	lab_addr "$1" lo 192.0.2.100/32 2001:db8:1::100/128
	lab_ip "$1" route add 198.51.100.0/24 dev eth0 table 100
	lab_ip "$1" route add default via 198.51.100.1 dev eth0 table 100
	lab_ip "$1" rule add from "198.51.100.$2" lookup 100
	lab_ip "$1" -6 route add 2001:db8:2::/64 dev eth0 table 100
	lab_ip "$1" -6 route add default via 2001:db8:2::1 dev eth0 table 100
	lab_ip "$1" -6 rule add from "2001:db8:2::$2" lookup 100
	# Measurements end connections by the thousand.
	lab_sysctl "$1" core.somaxconn=4096
}

lab_net_up()
{
	mkdir -p /run/dpvs-lab
	mkdir "$LAB_DIR" 2>/dev/null || die "the lab '$LAB' is being made by somebody else"
	for lab_ns in $LAB_NAMESPACES; do
		ip netns add "$LAB-$lab_ns"
		lab_sysctl "$lab_ns" ipv6.conf.all.disable_ipv6=0 ipv6.conf.default.disable_ipv6=0 \
			ipv6.conf.default.accept_ra=0 ipv6.conf.default.accept_dad=0 ipv6.conf.all.accept_dad=0
		lab_ip "$lab_ns" link set lo up
	done
	lab_sysctl switch ipv6.conf.default.disable_ipv6=1
	# Docker has bridges ask iptables; that drops broken packets and puts fragments together. These are wires.
	if in_ns switch test -d /proc/sys/net/bridge; then
		lab_sysctl switch bridge.bridge-nf-call-iptables=0 bridge.bridge-nf-call-ip6tables=0 \
			bridge.bridge-nf-call-arptables=0
	fi
	lab_bridge cli-br
	lab_bridge srv-br

	lab_sysctl director ipv6.conf.default.disable_ipv6=1 ipv4.ip_forward=0
	lab_wire director wan0 cli-br
	lab_wire director lan0 srv-br

	lab_wire client eth0 cli-br
	lab_addr client eth0 192.0.2.10/24 2001:db8:1::10/64
	lab_ip client route add default via 192.0.2.1
	lab_ip client -6 route add default via 2001:db8:1::1
	lab_sysctl client "ipv4.ip_local_port_range=1025	65535" ipv4.tcp_tw_reuse=1

	lab_server_net rs1 11
	lab_server_net rs2 12
}

# lab_run NAME NAMESPACE COMMAND...: starts a daemon of the lab. Its output goes to NAME.log, its pid to
# NAME.pid, and, when it ends, its exit status to NAME.status.
lab_run()
{
	lab_run_name=$LAB_DIR/$1
	lab_run_ns=$LAB-$2
	shift 2
	rm -f "$lab_run_name.pid" "$lab_run_name.status"
	(
		# Each of these execs the next: the pid is the daemon's. A session of its own: no ^C, no hangup.
		setsid ip netns exec "$lab_run_ns" "$@" &
		echo $! >"$lab_run_name.pid"
		lab_run_status=0
		wait $! || lab_run_status=$?
		[ ! -d "$LAB_DIR" ] || echo $lab_run_status >"$lab_run_name.status"
	) >"$lab_run_name.log" 2>&1 </dev/null &
	wait_for 5 test -s "$lab_run_name.pid"
}

lab_pid()
{
	cat "$LAB_DIR/$1.pid" 2>/dev/null
}

lab_alive()
{
	lab_alive_pid=$(lab_pid "$1") && kill -0 "$lab_alive_pid" 2>/dev/null
}

# lab_stop NAME [SIGNAL]: ends one daemon and waits for it.
lab_stop()
{
	lab_stop_pid=$(lab_pid "$1") || return 0
	kill "-${2:-TERM}" "$lab_stop_pid" 2>/dev/null || true
	wait_for 10 lab_gone "$lab_stop_pid" || kill -KILL "$lab_stop_pid" 2>/dev/null || true
	# Written by the shell that waits for it; late, it would pass for the status of the next one.
	wait_for 10 test -s "$LAB_DIR/$1.status" || true
	rm -f "$LAB_DIR/$1.pid"
}

lab_gone()
{
	[ ! -e "/proc/$1" ]
}

lab_ns_pids()
{
	for lab_ns in $LAB_NAMESPACES; do
		[ -e "/run/netns/$LAB-$lab_ns" ] || continue
		ip netns pids "$LAB-$lab_ns" 2>/dev/null || true
	done
}

lab_ns_empty()
{
	for lab_p in $(lab_ns_pids); do
		lab_gone "$lab_p" || return 1
	done
}

# Ends every process in the lab's namespaces (a shell that somebody left there too), then removes them.
# What is not there is no error: the same command cleans up after a crash.
lab_down()
{
	lab_exists || return 0
	for lab_sig in TERM KILL; do
		lab_pids=$(lab_ns_pids)
		[ -n "$lab_pids" ] || break
		# shellcheck disable=SC2086 # words
		kill -$lab_sig $lab_pids 2>/dev/null || true
		! wait_for 5 lab_ns_empty || break
	done
	for lab_ns in $LAB_NAMESPACES; do
		[ ! -e "/run/netns/$LAB-$lab_ns" ] || ip netns del "$LAB-$lab_ns" || true
	done
	rm -rf "$LAB_DIR"
	rmdir /run/dpvs-lab 2>/dev/null || true
}
