# SPDX-License-Identifier: GPL-2.0-or-later
# dpvsd in the director's namespace: director_start, director_stop, dpip and ipvsadm for it.
# LAB_BUILD is the build tree (default: the source tree).
# shellcheck shell=sh disable=SC2154

LAB_BUILD=${LAB_BUILD:-$top}
LAB_VIP4=192.0.2.100
LAB_VIP6=2001:db8:1::100

dpip()
{
	DPVS_SOCKET=$LAB_SOCKET "$LAB_BUILD/utils/dpip/dpip" "$@"
}

ipvsadm()
{
	DPVS_SOCKET=$LAB_SOCKET "$LAB_BUILD/utils/ipvsadm/ipvsadm" "$@"
}

# run COMMAND...: shows a command, then runs it.
run()
{
	printf '# %s\n' "$*"
	"$@"
}

# director_conf PORT-TYPE WORKERS: writes $LAB_DIR/dpvsd.conf; more lines come from stdin.
director_conf()
{
	case $1 in
	af_packet)
		# 16: rings that an AF_PACKET port can have.
		director_args="qpairs=$([ "$2" -le 16 ] && echo "$2" || echo 16),framesz=2048,blocksz=65536,framecnt=1024"
		;;
	af_xdp)
		# DPDK sees one queue of a veth; workers share what it brings by handing over.
		director_args="start_queue=0,queue_count=1"
		;;
	esac
	{
		cat <<-END
		[eal]
		huge-pages = no
		pci = no
		memory = 1024

		[lcore]
		workers = $2

		[port wan0]
		device = net_${1}0,iface=wan0,$director_args

		[port lan0]
		device = net_${1}1,iface=lan0,$director_args

		END
		cat
	} >"$LAB_DIR/dpvsd.conf"
}

# director_run: starts dpvsd on the configuration that is there.
director_run()
{
	RUNTIME_DIRECTORY=$LAB_DIR lab_run dpvsd director "$LAB_BUILD/src/dpvsd" \
		-c "$LAB_DIR/dpvsd.conf" --socket "$LAB_SOCKET"
}

director_ready()
{
	! lab_alive dpvsd && return 0
	dpip link show >/dev/null 2>&1
}

# Waits until the socket answers; tells what dpvsd said when it ended instead.
director_wait()
{
	if ! wait_for 30 director_ready || ! lab_alive dpvsd; then
		say "dpvsd said:"
		tail -n 20 "$LAB_DIR/dpvsd.log" >&2
		return 1
	fi
}

# director_start PORT-TYPE WORKERS [configuration lines on stdin]
director_start()
{
	director_conf "$1" "$2"
	director_run
	director_wait
}

director_stop()
{
	lab_stop dpvsd "$@"
}

# Addresses of the director; each command is shown.
director_addresses()
{
	run dpip addr add 192.0.2.1/24 dev wan0
	run dpip addr add 2001:db8:1::1/64 dev wan0
	run dpip addr add 198.51.100.1/24 dev lan0
	run dpip addr add 2001:db8:2::1/64 dev lan0
	run dpip addr add $LAB_VIP4/32 dev wan0
	run dpip addr add $LAB_VIP6/128 dev wan0
}

# Ends dpvsd with SIGTERM; fails when it does not end by itself, with status 0.
director_end()
{
	kill -TERM "$(lab_pid dpvsd)" || return
	wait_for 15 test -s "$LAB_DIR/dpvsd.status" || { echo "it does not end"; return 1; }
	rm -f "$LAB_DIR/dpvsd.pid"
	[ "$(cat "$LAB_DIR/dpvsd.status")" -eq 0 ] || { echo "exit status $(cat "$LAB_DIR/dpvsd.status")"; return 1; }
}

# director_service fullnat|nat|dr PROTO VIP PORT [SCHEDULER [SERVER-PORT]]: a service with both servers.
director_service()
{
	case $3 in
	*:*)
		director_vs="[$3]:$4"
		director_rs="[2001:db8:2::11]:${6:-$4} [2001:db8:2::12]:${6:-$4}"
		director_local=2001:db8:2::20
		;;
	*)
		director_vs=$3:$4
		director_rs="198.51.100.11:${6:-$4} 198.51.100.12:${6:-$4}"
		director_local=198.51.100.20
		;;
	esac
	case $1 in
	fullnat) director_fwd=-b ;;
	nat) director_fwd=-m ;;
	dr) director_fwd=-g ;;
	esac
	case $2 in
	tcp) director_proto=-t ;;
	udp) director_proto=-u ;;
	esac
	run ipvsadm -A $director_proto "$director_vs" -s "${5:-rr}"
	if [ "$1" = fullnat ]; then
		for director_i in 1 2 3 4; do
			run ipvsadm -P $director_proto "$director_vs" -z $director_local$director_i -F lan0
		done
	fi
	for director_r in $director_rs; do
		run ipvsadm -a $director_proto "$director_vs" -r "$director_r" $director_fwd -w 1
	done
}
