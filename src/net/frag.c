/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reassembly: the nodes ip4_reass and ip6_reass, and the module. A fragment goes to the worker that its
 * datagram's addresses and number name; there it waits for the others. What is complete goes on to the
 * load balancer as if it had come in one piece, with as much of it in the first segment as fits.
 */
#include "net/frag.h"

#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <rte_byteorder.h>
#include <rte_ip.h>
#include <rte_jhash.h>
#include <rte_lcore.h>
#include <rte_random.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include <dpvsctrl/proto/daemon.h>

#include "core/conf.h"
#include "core/graph.h"
#include "core/lcore.h"
#include "core/stats.h"
#include "module.h"
#include "net/addr.h"
#include "net/frag_table.h"
#include "net/icmp.h"
#include "net/ip6.h"
#include "net/ipv4.h"
#include "net/mbuf.h"
#include "net/node.h"

/** Size of an IPv6 fragment header. */
#define FRAG6_HDR 8

enum {
	REASS_NEXT_DROP,
	REASS_NEXT_LB,
	REASS_NEXT_HANDOVER,
	REASS_NEXT_ERROR, /**< IPv6 only, as is the next */
	REASS_NEXT_LOCAL,
	REASS_NEXT_COUNT,
};

/** struct frag_lcore: of one worker. Main: makes it; then the worker's own. */
struct frag_lcore {
	struct frag_table *table4;
	struct frag_table *table6;
	rte_node_t drop;
} __rte_cache_aligned;

static struct frag_lcore lcores[WORKERS_MAX];
struct stats_block frag_stats_block;

/* Main: rw at init; workers: ro. */
static uint32_t owner_seed;

static void
frag_count(unsigned int stat)
{
	stats_inc(&frag_stats_block, stat);
}

/* What the tables call. */

static void
frag_dropped(struct rte_mbuf *m, enum frag_drop why)
{
	frag_count(FRAG_STAT_OVERLAP + why);
	graph_inject(lcores[lcore_me()->worker].drop, m);
}

static void
frag_expired(struct rte_mbuf *m)
{
	frag_count(FRAG_STAT_ANSWERED);
	if (pkt_meta(m)->af == AF_INET) {
		icmp_error(m, ICMP4_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_REASSEMBLY, 0);
		graph_inject(icmp4_error_node.id, m);
	} else {
		icmp_error(m, ICMP6_TIME_EXCEEDED, ICMP_TIME_EXCEEDED_REASSEMBLY, 0);
		graph_inject(icmp6_error_node.id, m);
	}
}

/** frag_elsewhere: does another worker put this datagram together? Then @m is made ready to go there. */
static bool
frag_elsewhere(struct rte_mbuf *m, const struct frag_key *key, uint8_t target)
{
	struct pkt_meta *meta = pkt_meta(m);
	uint32_t workers = lcore_worker_count();
	uint16_t owner;

	if (workers == 1 || (meta->flags & PKT_F_HANDED))
		return false;
	owner = (uint16_t)(rte_jhash(key, offsetof(struct frag_key, proto), owner_seed) % workers);
	if (owner == lcore_me()->worker)
		return false;
	meta->worker = owner;
	meta->target = target;
	frag_count(FRAG_STAT_HANDED_OVER);
	return true;
}

/**
 * frag_join: makes one packet of the fragments of @q, whose headers, before the payload, are cut from all
 * but the first. @hdr_len: says how long they are.
 */
static struct rte_mbuf *
frag_join(struct frag_table *table, struct frag_queue *q, uint32_t (*hdr_len)(const struct rte_mbuf *m))
{
	struct rte_mbuf *head = q->parts[0].m;
	struct rte_mbuf *tail = rte_pktmbuf_lastseg(head);

	for (uint16_t i = 1; i < q->num_parts; i++) {
		struct rte_mbuf *m = q->parts[i].m;

		rte_pktmbuf_adj(m, (uint16_t)hdr_len(m));
		tail->next = m;
		head->pkt_len += m->pkt_len;
		head->nb_segs += m->nb_segs;
		tail = rte_pktmbuf_lastseg(m);
	}
	/* The load balancer may hand it over once more, and nobody has checked the whole. */
	pkt_meta(head)->flags &= (uint8_t)~PKT_F_HANDED;
	pkt_meta(head)->frag_size = q->largest;
	head->ol_flags &= ~(RTE_MBUF_F_RX_IP_CKSUM_MASK | RTE_MBUF_F_RX_L4_CKSUM_MASK);
	frag_table_done(table, q);
	mbuf_gather(head);
	frag_count(FRAG_STAT_REASSEMBLED);
	return head;
}

/* --- ip4_reass --- */

static uint32_t
ip4_frag_hdr_len(const struct rte_mbuf *m)
{
	return m->l3_len;
}

static uint16_t
ip4_reass_one(struct rte_mbuf **m_io)
{
	struct rte_mbuf *m = *m_io;
	const struct rte_ipv4_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv4_hdr *);
	uint16_t field = rte_be_to_cpu_16(ip->fragment_offset);
	uint32_t first = (field & RTE_IPV4_HDR_OFFSET_MASK) * 8u;
	uint32_t len = m->pkt_len - m->l3_len;
	bool more = field & RTE_IPV4_HDR_MF_FLAG;
	struct frag_table *table = lcores[lcore_me()->worker].table4;
	struct frag_queue *q;
	struct rte_ipv4_hdr *out;
	struct frag_key key = {
		.src = addr_from4(ip->src_addr),
		.dst = addr_from4(ip->dst_addr),
		.id = ip->packet_id,
		.proto = ip->next_proto_id,
	};

	if (len == 0 || (more && len % 8 != 0)) {
		frag_count(FRAG_STAT_BAD_LENGTH);
		return REASS_NEXT_DROP;
	}
	if (first + len + m->l3_len > UINT16_MAX) {
		frag_count(FRAG_STAT_TOO_LONG);
		return REASS_NEXT_DROP;
	}
	if (frag_elsewhere(m, &key, HANDOVER_FRAG))
		return REASS_NEXT_HANDOVER;

	frag_count(FRAG_STAT_RECEIVED);
	q = frag_table_add(table, &key, m, first, first + len, more, (uint16_t)m->pkt_len,
			   lcore_me()->now_ms);
	if (q == NULL)
		return NODE_KEPT;

	m = frag_join(table, q, ip4_frag_hdr_len);
	*m_io = m;
	if (m->pkt_len > UINT16_MAX) { /* the first has more options than the others */
		frag_count(FRAG_STAT_TOO_LONG);
		return REASS_NEXT_DROP;
	}
	out = rte_pktmbuf_mtod(m, struct rte_ipv4_hdr *);
	out->total_length = rte_cpu_to_be_16((uint16_t)m->pkt_len);
	out->fragment_offset &= rte_cpu_to_be_16(RTE_IPV4_HDR_DF_FLAG);
	ip4_set_checksum(out);
	return REASS_NEXT_LB;
}

static uint16_t
ip4_reass_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *m = objs[i];
		uint16_t next = ip4_reass_one(&m);

		if (next != NODE_KEPT)
			rte_node_enqueue_x1(graph, node, next, m);
	}
	return count;
}

/* --- ip6_reass --- */

static uint32_t
ip6_frag_hdr_len(const struct rte_mbuf *m)
{
	return m->l3_len + FRAG6_HDR;
}

/** ip6_reass_headers: does a first fragment have all headers (RFC 7112)? */
static bool
ip6_reass_headers(const struct rte_mbuf *m)
{
	const uint8_t *hdr = rte_pktmbuf_mtod(m, const uint8_t *);
	struct ip6_chain chain;
	uint32_t need = 0;

	if (ip6_walk_from(hdr, m->data_len, hdr[m->l3_len], (uint16_t)(m->l3_len + FRAG6_HDR), m->l3_len,
			  &chain) != IP6_OK)
		return false;
	if (chain.proto == IPPROTO_TCP)
		need = sizeof(struct rte_tcp_hdr);
	else if (chain.proto == IPPROTO_UDP || chain.proto == IPPROTO_ICMPV6)
		need = sizeof(struct rte_udp_hdr);
	return chain.len + need <= m->data_len;
}

/** ip6_reass_strip: takes the fragment header out of @m, which has all of its datagram. */
static uint16_t
ip6_reass_strip(struct rte_mbuf *m)
{
	uint8_t *hdr = rte_pktmbuf_mtod(m, uint8_t *);
	uint8_t proto = hdr[m->l3_len];
	struct rte_ipv6_hdr *ip;
	struct ip6_chain chain;

	if (ip6_walk(hdr, m->data_len, &chain) != IP6_FRAGMENT) {
		frag_count(FRAG_STAT_BAD_HEADERS);
		return REASS_NEXT_DROP;
	}
	hdr[chain.nh_field] = proto;
	memmove(hdr + FRAG6_HDR, hdr, chain.len);
	hdr = (uint8_t *)rte_pktmbuf_adj(m, FRAG6_HDR);
	ip = (struct rte_ipv6_hdr *)hdr;
	if (m->pkt_len - sizeof(*ip) > UINT16_MAX) {
		frag_count(FRAG_STAT_TOO_LONG);
		return REASS_NEXT_DROP;
	}
	ip->payload_len = rte_cpu_to_be_16((uint16_t)(m->pkt_len - sizeof(*ip)));
	if (ip6_walk(hdr, m->data_len, &chain) != IP6_OK) {
		frag_count(FRAG_STAT_BAD_HEADERS);
		return REASS_NEXT_DROP;
	}
	m->l3_len = chain.len;
	pkt_meta(m)->proto = chain.proto;
	return *(const uint8_t *)&ip->dst_addr == 0xff ? REASS_NEXT_LOCAL : REASS_NEXT_LB;
}

static uint16_t
ip6_reass_parameter(struct rte_mbuf *m, uint16_t at)
{
	frag_count(FRAG_STAT_PARAMETER);
	icmp_error(m, ICMP6_PARAMETER, ICMP6_PARAMETER_HEADER, at);
	return REASS_NEXT_ERROR;
}

static uint16_t
ip6_reass_one(struct rte_mbuf **m_io)
{
	struct rte_mbuf *m = *m_io;
	const struct rte_ipv6_hdr *ip = rte_pktmbuf_mtod(m, const struct rte_ipv6_hdr *);
	const uint8_t *fh = (const uint8_t *)ip + m->l3_len;
	struct frag_table *table = lcores[lcore_me()->worker].table6;
	struct frag_key key = { .src = addr_from6(&ip->src_addr), .dst = addr_from6(&ip->dst_addr) };
	uint16_t field = (uint16_t)(fh[2] << 8 | fh[3]);
	uint32_t first = field & 0xfff8u;
	uint32_t len = m->pkt_len - m->l3_len - FRAG6_HDR;
	bool more = field & 1;
	struct frag_queue *q;

	memcpy(&key.id, fh + 4, sizeof(key.id));
	if (len == 0) {
		frag_count(FRAG_STAT_BAD_LENGTH);
		return REASS_NEXT_DROP;
	}
	if (more && len % 8 != 0)
		return ip6_reass_parameter(m, offsetof(struct rte_ipv6_hdr, payload_len));
	if (first + len + m->l3_len - sizeof(*ip) > UINT16_MAX)
		return ip6_reass_parameter(m, (uint16_t)(m->l3_len + 2));
	if (first == 0 && !ip6_reass_headers(m)) {
		frag_count(FRAG_STAT_BAD_HEADERS);
		return REASS_NEXT_DROP;
	}
	if (first == 0 && !more) /* atomic: a datagram of its own, whatever else has its number (RFC 6946) */
		return ip6_reass_strip(m);
	if (frag_elsewhere(m, &key, HANDOVER_FRAG6))
		return REASS_NEXT_HANDOVER;

	frag_count(FRAG_STAT_RECEIVED);
	q = frag_table_add(table, &key, m, first, first + len, more, (uint16_t)m->pkt_len,
			   lcore_me()->now_ms);
	if (q == NULL)
		return NODE_KEPT;
	*m_io = frag_join(table, q, ip6_frag_hdr_len);
	return ip6_reass_strip(*m_io);
}

static uint16_t
ip6_reass_process(struct rte_graph *graph, struct rte_node *node, void **objs, uint16_t count)
{
	for (uint16_t i = 0; i < count; i++) {
		struct rte_mbuf *m = objs[i];
		uint16_t next = ip6_reass_one(&m);

		if (next != NODE_KEPT)
			rte_node_enqueue_x1(graph, node, next, m);
	}
	return count;
}

/* --- jobs, start and end --- */

static int
frag_job_expire(void)
{
	const struct frag_lcore *lc = &lcores[lcore_me()->worker];
	uint64_t now_ms = lcore_me()->now_ms;
	unsigned int count = frag_table_expire(lc->table4, now_ms) + frag_table_expire(lc->table6, now_ms);

	return count > 0 ? 0 : -EAGAIN;
}

static int
frag_init(const struct conf *conf)
{
	struct frag_table_params params = {
		.max_datagrams = (uint32_t)conf_uint(conf, "frag", "max-datagrams"),
		.max_fragments = (uint32_t)conf_uint(conf, "frag", "max-fragments"),
		.seed = (uint32_t)rte_rand(),
		.drop = frag_dropped,
		.expired = frag_expired,
	};

	owner_seed = (uint32_t)rte_rand();
	frag_out_init();
	for (unsigned int w = 0; w < lcore_worker_count(); w++) {
		params.timeout_ms = (uint32_t)conf_uint(conf, "frag", "timeout") * 1000;
		lcores[w].table4 = frag_table_new(&params);
		params.timeout_ms = (uint32_t)conf_uint(conf, "frag", "timeout6") * 1000;
		lcores[w].table6 = frag_table_new(&params);
		if (lcores[w].table4 == NULL || lcores[w].table6 == NULL)
			return -ENOMEM;
	}
	return 0;
}

static int
frag_lcore_init(void)
{
	lcores[lcore_me()->worker].drop = rte_node_from_name("drop");
	return 0;
}

static void
frag_fini(void)
{
	for (unsigned int w = 0; w < WORKERS_MAX; w++) {
		frag_table_free(lcores[w].table4);
		frag_table_free(lcores[w].table6);
		lcores[w] = (struct frag_lcore){ 0 };
	}
}

static const char *const frag_after[] = { "icmp", "icmp6", NULL };

static const struct conf_key frag_conf[] = {
	{
		.name = "timeout",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 120,
		.def = 30,
		.unit = "s",
		.help = "Time that IPv4 fragments wait for the rest of their datagram.",
	},
	{
		.name = "timeout6",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 1,
		.max = 120,
		.def = 60,
		.unit = "s",
		.help = "Time that IPv6 fragments wait for the rest of their datagram (RFC 8200: 60).",
	},
	{
		.name = "max-datagrams",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 16,
		.max = 65536,
		.def = 1024,
		.help = "Datagrams that each worker puts together at once, of each family; the oldest gives way.",
	},
	{
		.name = "max-fragments",
		.type = CONF_UINT,
		.when = CONF_START,
		.min = 128,
		.max = 1u << 20,
		.def = 2048,
		.unit = "packets",
		.help = "Fragments that each worker holds at once, of each family; the oldest give way.",
	},
	{ 0 },
};

static const struct module_stat frag_stats[] = {
	[FRAG_STAT_OVERLAP] = { "overlap", DPVS_STAT_DROP,
				"Fragments of a datagram in which some overlap; all of it is dropped." },
	[FRAG_STAT_DUPLICATE] = { "duplicate", DPVS_STAT_DROP, "Fragments that came twice." },
	[FRAG_STAT_TOO_MANY] = { "too-many", DPVS_STAT_DROP, "Fragments of a datagram in more than 128." },
	[FRAG_STAT_EVICTED] = { "evicted", DPVS_STAT_DROP,
				"Fragments that gave way (keys frag.max-datagrams, frag.max-fragments)." },
	[FRAG_STAT_TIMEOUT] = { "timeout", DPVS_STAT_DROP, "Fragments whose datagram was not complete in time." },
	[FRAG_STAT_BAD_LENGTH] = { "bad-length", DPVS_STAT_DROP,
				   "Empty, or not the last and not a multiple of 8 bytes." },
	[FRAG_STAT_TOO_LONG] = { "too-long", DPVS_STAT_DROP, "The datagram would be longer than 65,535 bytes." },
	[FRAG_STAT_BAD_HEADERS] = { "bad-headers", DPVS_STAT_DROP,
				    "IPv6: the first fragment does not have all headers." },
	[FRAG_STAT_OUT_TOO_MANY] = { "out-too-many", DPVS_STAT_DROP,
				     "Would leave in more than 256 fragments." },
	[FRAG_STAT_OUT_NO_MBUF] = { "out-no-mbuf", DPVS_STAT_DROP, "No packet buffers to fragment into." },
	[FRAG_STAT_RECEIVED] = { "received", DPVS_STAT_EVENT, "Fragments received." },
	[FRAG_STAT_REASSEMBLED] = { "reassembled", DPVS_STAT_EVENT, "Datagrams put together." },
	[FRAG_STAT_ANSWERED] = { "answered", DPVS_STAT_EVENT,
				 "First fragments answered by time exceeded when the rest did not come." },
	[FRAG_STAT_PARAMETER] = { "parameter", DPVS_STAT_EVENT,
				  "IPv6 fragments of a wrong length, answered by parameter problem." },
	[FRAG_STAT_HANDED_OVER] = { "handed-over", DPVS_STAT_EVENT,
				    "Fragments given to the worker of their datagram." },
	[FRAG_STAT_FRAGMENTED] = { "fragmented", DPVS_STAT_EVENT, "Packets sent in fragments." },
	[FRAG_STAT_SENT] = { "sent", DPVS_STAT_EVENT, "Fragments made." },
	{ 0 },
};

static const struct module_job frag_jobs[] = {
	{ .name = "frag-expire", .when = JOB_SLOW, .period_ms = 200, .fn = frag_job_expire },
	{ 0 },
};

static struct rte_node_register ip4_reass_node = {
	.name = "ip4_reass",
	.process = ip4_reass_process,
	.nb_edges = REASS_NEXT_ERROR,
	.next_nodes = {
		[REASS_NEXT_DROP] = "drop",
		[REASS_NEXT_LB] = "lb4_input",
		[REASS_NEXT_HANDOVER] = "handover",
	},
};

static struct rte_node_register ip6_reass_node = {
	.name = "ip6_reass",
	.process = ip6_reass_process,
	.nb_edges = REASS_NEXT_COUNT,
	.next_nodes = {
		[REASS_NEXT_DROP] = "drop",
		[REASS_NEXT_LB] = "lb6_input",
		[REASS_NEXT_HANDOVER] = "handover",
		[REASS_NEXT_ERROR] = "icmp6_error",
		[REASS_NEXT_LOCAL] = "ip6_local",
	},
};

static struct rte_node_register *const frag_nodes[] = {
	&ip4_reass_node, &ip6_reass_node, &ip4_frag_node, &ip6_frag_node, NULL,
};

const struct module frag_module = {
	.name = "frag",
	.after = frag_after,
	.conf = frag_conf,
	.stats = frag_stats,
	.stats_block = &frag_stats_block,
	.jobs = frag_jobs,
	.nodes = frag_nodes,
	.init = frag_init,
	.lcore_init = frag_lcore_init,
	.fini = frag_fini,
};
