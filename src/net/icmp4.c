/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * ICMP: echo (icmp4_input) and errors (icmp4_error), RFC 792, 1122 3.2.2, 1812 4.3.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ether.h>
#include <rte_ip.h>

#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/route.h>

#include "core/conf.h"
#include "core/graph.h"
#include "core/lcore.h"
#include "core/stats.h"
#include "module.h"
#include "net/addr.h"
#include "net/bucket.h"
#include "net/icmp.h"
#include "net/ipv4.h"
#include "net/mbuf.h"
#include "net/node.h"
#include "net/route.h"

/** Bytes of an error in all, IP header included (RFC 1812 4.3.2.3). */
#define ICMP4_ERROR_MAX 576

/** TTL of what we originate, and the precedence "internetwork control" of errors (RFC 1812 4.3.2.5). */
#define ICMP4_TTL 64
#define ICMP4_ERROR_TOS 0xc0

enum {
	ICMP4_INPUT_NEXT_DROP,
	ICMP4_INPUT_NEXT_ROUTE_OUT,
	ICMP4_INPUT_NEXT_COUNT,
};

enum {
	ICMP4_ERROR_NEXT_DROP,
	ICMP4_ERROR_NEXT_ROUTE_OUT,
	ICMP4_ERROR_NEXT_COUNT,
};

enum {
	STAT_SHORT,
	STAT_BAD_CHECKSUM,
	STAT_IGNORED,
	STAT_UNCLAIMED,
	STAT_SUPPRESSED,
	STAT_LIMITED,
	STAT_NO_ROOM,
	STAT_ECHO,
	STAT_ERRORS,
};

/** struct icmp_lcore: of one worker. */
struct icmp_lcore {
	struct bucket bucket;
	uint16_t ident; /**< of the IP headers of errors and echo replies */
} __rte_cache_aligned;

static struct icmp_lcore lcores[WORKERS_MAX];
static struct stats_block stats;

/* Main: rw at init; workers: ro. */
static uint32_t rate;
static uint32_t burst;

bool
icmp_allowed(void)
{
	struct lcore_self *self = lcore_me();

	return bucket_take(&lcores[self->worker].bucket, self->now_ms, rate, burst);
}

void
icmp_quote(struct rte_mbuf *m, uint32_t max)
{
	if (m->nb_segs > 1) {
		mbuf_gather(m);
		if (max > m->data_len)
			max = m->data_len;
	}
	if (m->pkt_len > max)
		mbuf_cut(m, max);
}

rte_node_t
icmp_unreachable(struct rte_mbuf *m, enum icmp_unreachable what)
{
	static const uint8_t code4[] = {
		[ICMP_UNREACHABLE_NET] = ICMP4_UNREACHABLE_NET,
		[ICMP_UNREACHABLE_HOST] = ICMP4_UNREACHABLE_HOST,
		[ICMP_UNREACHABLE_PORT] = ICMP4_UNREACHABLE_PORT,
	};
	static const uint8_t code6[] = {
		[ICMP_UNREACHABLE_NET] = ICMP6_UNREACHABLE_ROUTE,
		[ICMP_UNREACHABLE_HOST] = ICMP6_UNREACHABLE_ADDRESS,
		[ICMP_UNREACHABLE_PORT] = ICMP6_UNREACHABLE_PORT,
	};

	if (pkt_meta(m)->af == AF_INET) {
		icmp_error(m, ICMP4_UNREACHABLE, code4[what], 0);
		return icmp4_error_node.id;
	}
	icmp_error(m, ICMP6_UNREACHABLE, code6[what], 0);
	return icmp6_error_node.id;
}

/* --- icmp4_input --- */

static uint16_t
icmp4_input_drop(unsigned int stat)
{
	stats_inc(&stats, stat);
	return ICMP4_INPUT_NEXT_DROP;
}

/** icmp4_echo: turns the request into the reply, without the IP options that it may have had. */
static uint16_t
icmp4_echo(struct rte_mbuf *m, struct icmp_hdr *icmp)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct rte_ipv4_hdr *out = (struct rte_ipv4_hdr *)icmp - 1;
	struct pkt_meta *meta = pkt_meta(m);
	struct rte_ipv4_hdr in = *ip;
	uint32_t sum;

	icmp->type = ICMP4_ECHO_REPLY;
	sum = (uint32_t)icmp->csum + rte_cpu_to_be_16(ICMP4_ECHO << 8);
	icmp->csum = (rte_be16_t)(sum + (sum >= 0xffff));

	rte_pktmbuf_adj(m, (uint16_t)((uint8_t *)out - (uint8_t *)ip));
	*out = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.type_of_service = in.type_of_service,
		.total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len),
		.packet_id = rte_cpu_to_be_16(lcores[lcore_me()->worker].ident++),
		.time_to_live = ICMP4_TTL,
		.next_proto_id = IPPROTO_ICMP,
		.src_addr = in.dst_addr,
		.dst_addr = in.src_addr,
	};
	ip4_set_checksum(out);
	m->l3_len = sizeof(*out);
	m->ol_flags = 0;
	meta->flags &= (uint8_t)~PKT_F_FORWARD;
	stats_inc(&stats, STAT_ECHO);
	return ICMP4_INPUT_NEXT_ROUTE_OUT;
}

static uint16_t
icmp4_input_one(struct rte_mbuf *m)
{
	struct icmp_hdr *icmp = rte_pktmbuf_mtod_offset(m, struct icmp_hdr *, m->l3_len);

	if (m->data_len < m->l3_len + sizeof(*icmp))
		return icmp4_input_drop(STAT_SHORT);
	if (mbuf_sum(m, m->l3_len, m->pkt_len - m->l3_len, 0) != 0xffff)
		return icmp4_input_drop(STAT_BAD_CHECKSUM);

	switch (icmp->type) {
	case ICMP4_ECHO:
		return icmp4_echo(m, icmp);
	case ICMP4_UNREACHABLE:
	case ICMP4_TIME_EXCEEDED:
	case ICMP4_PARAMETER:
		/* About a connection that the load balancer does not have. */
		return icmp4_input_drop(STAT_UNCLAIMED);
	default:
		return icmp4_input_drop(STAT_IGNORED);
	}
}

static uint16_t
icmp4_input_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, icmp4_input_one, ICMP4_INPUT_NEXT_ROUTE_OUT);
}

/* --- icmp4_error --- */

/** icmp4_error_due: may this packet cause an error at all (RFC 1122 3.2.2)? */
static bool
icmp4_error_due(const struct rte_mbuf *m, const struct rte_ipv4_hdr *ip)
{
	const struct pkt_meta *meta = rte_mbuf_to_priv((struct rte_mbuf *)(uintptr_t)m);
	union ip_addr src = addr_from4(ip->src_addr);
	union ip_addr dst = addr_from4(ip->dst_addr);
	uint16_t hlen = ip4_header_len(ip);
	const struct icmp_hdr *icmp;

	if ((meta->flags & PKT_F_MULTICAST) || !addr_is_host(AF_INET, &src) ||
	    !addr_is_host(AF_INET, &dst) ||
	    (ip->fragment_offset & rte_cpu_to_be_16(RTE_IPV4_HDR_OFFSET_MASK)) != 0)
		return false;
	if (ip->next_proto_id != IPPROTO_ICMP)
		return true;

	/* Never about an error, nor about what might be one. */
	icmp = rte_pktmbuf_mtod_offset(m, const struct icmp_hdr *, hlen);
	return m->data_len >= hlen + sizeof(*icmp) &&
	       (icmp->type == ICMP4_ECHO || icmp->type == ICMP4_ECHO_REPLY ||
		(icmp->type >= ICMP4_TIMESTAMP && icmp->type <= 18));
}

static uint16_t
icmp4_error_one(struct rte_mbuf *m)
{
	struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	struct pkt_meta *meta = pkt_meta(m);
	struct rte_ipv4_hdr *out;
	struct route_result rr;
	struct icmp_hdr *icmp;
	union ip_addr dst;
	rte_be32_t src = 0; /* ip4_route_out chooses */

	if (!icmp4_error_due(m, ip)) {
		stats_inc(&stats, STAT_SUPPRESSED);
		return ICMP4_ERROR_NEXT_DROP;
	}
	if (!icmp_allowed()) {
		stats_inc(&stats, STAT_LIMITED);
		return ICMP4_ERROR_NEXT_DROP;
	}
	if (rte_pktmbuf_headroom(m) < sizeof(*out) + sizeof(*icmp) + sizeof(struct rte_ether_hdr)) {
		stats_inc(&stats, STAT_NO_ROOM);
		return ICMP4_ERROR_NEXT_DROP;
	}

	dst = addr_from4(ip->dst_addr);
	if (route_lookup(AF_INET, &dst, &rr) && rr.type == DPVS_ROUTE_LOCAL)
		src = dst.ip4;
	dst = addr_from4(ip->src_addr);

	icmp_quote(m, ICMP4_ERROR_MAX - sizeof(*out) - sizeof(*icmp));
	out = (struct rte_ipv4_hdr *)rte_pktmbuf_prepend(m, sizeof(*out) + sizeof(*icmp));
	icmp = (struct icmp_hdr *)(out + 1);
	*icmp = (struct icmp_hdr){
		.type = meta->icmp_type,
		.code = meta->icmp_code,
		/* The MTU of "fragmentation needed" is in the lower half, the pointer in the first byte. */
		.info = rte_cpu_to_be_32(meta->icmp_type == ICMP4_PARAMETER ? meta->icmp_info << 24
									     : meta->icmp_info),
	};
	icmp->csum = (rte_be16_t)~rte_raw_cksum(icmp, m->data_len - sizeof(*out));
	*out = (struct rte_ipv4_hdr){
		.version_ihl = 0x45,
		.type_of_service = ICMP4_ERROR_TOS,
		.total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len),
		.packet_id = rte_cpu_to_be_16(lcores[lcore_me()->worker].ident++),
		.time_to_live = ICMP4_TTL,
		.next_proto_id = IPPROTO_ICMP,
		.src_addr = src,
		.dst_addr = dst.ip4,
	};
	ip4_set_checksum(out);
	m->l3_len = sizeof(*out);
	m->ol_flags = 0;
	meta->proto = IPPROTO_ICMP;
	meta->frag_size = 0;
	stats_inc(&stats, STAT_ERRORS);
	return ICMP4_ERROR_NEXT_ROUTE_OUT;
}

static uint16_t
icmp4_error_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	return node_each(graph, node, objs, count, icmp4_error_one, ICMP4_ERROR_NEXT_ROUTE_OUT);
}

static int
icmp_init(const struct conf *conf)
{
	rate = (uint32_t)conf_uint(conf, "icmp", "rate");
	burst = (uint32_t)conf_uint(conf, "icmp", "burst");
	memset(lcores, 0, sizeof(lcores));
	return 0;
}

static const char *const icmp_after[] = { "netif", "route", NULL };

static const struct conf_key icmp_conf[] = {
	{
		.name = "rate",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 1000000,
		.def = 1000,
		.unit = "1/s",
		.help = "ICMP errors and TCP resets that each worker may send.",
	},
	{
		.name = "burst",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 1000000,
		.def = 100,
		.unit = "packets",
		.help = "ICMP errors and TCP resets that a worker may send at once after a pause.",
	},
	{ 0 },
};

static const struct module_stat icmp_stats[] = {
	[STAT_SHORT] = { "short", DPVS_STAT_DROP, "Shorter than an ICMP header." },
	[STAT_BAD_CHECKSUM] = { "bad-checksum", DPVS_STAT_DROP, "The ICMP checksum is wrong." },
	[STAT_IGNORED] = { "ignored", DPVS_STAT_DROP, "ICMP of a type that we do not serve." },
	[STAT_UNCLAIMED] = { "unclaimed", DPVS_STAT_DROP, "ICMP errors about a connection that is not there." },
	[STAT_SUPPRESSED] = { "suppressed", DPVS_STAT_DROP,
			      "Packets that must not be answered by an error: errors, later fragments, "
			      "broadcast." },
	[STAT_LIMITED] = { "limited", DPVS_STAT_DROP, "Packets not answered by an error (key icmp.rate)." },
	[STAT_NO_ROOM] = { "no-room", DPVS_STAT_DROP, "No room for an ICMP header." },
	[STAT_ECHO] = { "echo", DPVS_STAT_EVENT, "Echo requests answered." },
	[STAT_ERRORS] = { "errors", DPVS_STAT_EVENT, "ICMP errors made." },
	{ 0 },
};

static struct rte_node_register icmp4_input_node = {
	.name = "icmp4_input",
	.process = icmp4_input_process,
	.nb_edges = ICMP4_INPUT_NEXT_COUNT,
	.next_nodes = {
		[ICMP4_INPUT_NEXT_DROP] = "drop",
		[ICMP4_INPUT_NEXT_ROUTE_OUT] = "ip4_route_out",
	},
};

struct rte_node_register icmp4_error_node = {
	.name = "icmp4_error",
	.process = icmp4_error_process,
	.nb_edges = ICMP4_ERROR_NEXT_COUNT,
	.next_nodes = {
		[ICMP4_ERROR_NEXT_DROP] = "drop",
		[ICMP4_ERROR_NEXT_ROUTE_OUT] = "ip4_route_out",
	},
};

static struct rte_node_register *const icmp_nodes[] = { &icmp4_input_node, &icmp4_error_node, NULL };

const struct module icmp_module = {
	.name = "icmp",
	.after = icmp_after,
	.conf = icmp_conf,
	.stats = icmp_stats,
	.stats_block = &stats,
	.nodes = icmp_nodes,
	.init = icmp_init,
};
