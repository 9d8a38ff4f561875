/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The text of -h.
 */
#include <stdio.h>

#include "ipvsadm/ipvsadm.h"

static const char text[] =
	"Usage:\n"
	"  ipvsadm -A|E virtual-service [-s scheduler] [-b sched-flags] [--conn-timeout seconds]\n"
	"  ipvsadm -D virtual-service\n"
	"  ipvsadm -C\n"
	"  ipvsadm -R [--replace] [--sync]\n"
	"  ipvsadm -S [-n]\n"
	"  ipvsadm -a|e virtual-service -r server-address [-g|-m|-b] [-w weight]\n"
	"  ipvsadm -d virtual-service -r server-address\n"
	"  ipvsadm -P virtual-service -z local-address -F port\n"
	"  ipvsadm -Q virtual-service -z local-address\n"
	"  ipvsadm -G [virtual-service] [-n]\n"
	"  ipvsadm -L|l [virtual-service] [options]\n"
	"  ipvsadm -Z [virtual-service]\n"
	"  ipvsadm --set tcp tcpfin udp\n"
	"  ipvsadm -h|--version\n"
	"\n"
	"Commands, one and first:\n"
	"  --add-service     -A        add a virtual service\n"
	"  --edit-service    -E        change what is given of a virtual service\n"
	"  --delete-service  -D        delete a virtual service and its real servers\n"
	"  --clear           -C        delete all virtual services\n"
	"  --restore         -R        read rules from standard input, all or none\n"
	"  --save            -S        write the rules to standard output\n"
	"  --add-server      -a        add a real server to a virtual service\n"
	"  --edit-server     -e        change what is given of a real server\n"
	"  --delete-server   -d        delete a real server\n"
	"  --add-laddr       -P        add a local address to a full-NAT service\n"
	"  --del-laddr       -Q        delete a local address\n"
	"  --get-laddr       -G        list local addresses\n"
	"  --list            -L|-l     list services, or connections with -c\n"
	"  --zero            -Z        set the counters of one or all services to zero\n"
	"  --set tcp tcpfin udp        set the time-outs of connections, in seconds; 0 keeps one\n"
	"  --help            -h        show this text\n"
	"  --version                   show the version\n"
	"\n"
	"virtual-service:\n"
	"  --tcp-service     -t address:port    a TCP service; IPv6 as [address]:port\n"
	"  --udp-service     -u address:port    a UDP service\n"
	"\n"
	"Options:\n"
	"  --scheduler       -s scheduler       rr, wrr, lc, wlc (default) or mh\n"
	"  --sched-flags     -b flags           with -A and -E: mh-fallback, mh-port, with commas between\n"
	"  --conn-timeout    seconds            idle time-out of the service's connections; 0: as --set\n"
	"  --real-server     -r address[:port]  without a port: the service's port\n"
	"  --gatewaying      -g                 direct routing (default)\n"
	"  --masquerading    -m                 NAT\n"
	"  --fullnat         -b                 with -a and -e: full-NAT, needs local addresses\n"
	"  --weight          -w weight          0 to 65535, default 1; 0: no new connections\n"
	"  --laddr           -z address         local address\n"
	"  --ifname          -F port            port that answers for the local address\n"
	"  --connection      -c                 list connections\n"
	"  --timeout                            list time-outs (tcp tcpfin udp)\n"
	"  --daemon                             list synchronisation daemons\n"
	"  --stats                              list counters\n"
	"  --rate                               list rates per second\n"
	"  --exact                              do not shorten numbers\n"
	"  --thresholds                         list connection thresholds\n"
	"  --persistent-conn                    list persistent connections\n"
	"  --tun-info                           list tunnels\n"
	"  --nosort                             in the daemon's order\n"
	"  --sort                               by protocol, address and port (default)\n"
	"  --numeric         -n                 addresses and ports as numbers\n"
	"\n"
	"Of dpvs:\n"
	"  --json                               list as JSON\n"
	"  --pretty                             list as indented JSON\n"
	"  --replace                            with -R: what is there and different is changed, no error\n"
	"  --sync                               with -R: as --replace, and what the rules do not name is deleted\n"
	"  --interval        seconds            list again and again\n"
	"  --count           number             as often as this\n"
	"  --socket          path               the daemon's socket (default: DPVS_SOCKET,\n"
	"                                       else " DPVS_SOCKET_DEFAULT ")\n"
	"  --wait            seconds            wait so long for the daemon to be there\n";

void
help_print(void)
{
	version_print();
	fputs(text, stdout);
}

void
version_print(void)
{
	printf("ipvsadm v" IPVSADM_LEVEL " (compiled with popt and IPVS v1.2.1) (dpvs " PACKAGE_VERSION ")\n");
}
