/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * See feed.h.
 */
#include "feed.h"

#include <glib.h>
#include <netinet/in.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include <rte_cycles.h>
#include <rte_ethdev.h>
#include <rte_ip.h>
#include <rte_tcp.h>
#include <rte_udp.h>

#include "harness.h"
#include "lb/csum.h"

/* 16,384 packets: long enough that reading the clock does not matter, short enough that many see no interrupt. */
#define WINDOW_PKTS 16384

/* A run takes a second at most; on a machine with much else to do it takes a multiple of that. */
#define GIVE_UP_S 120

#define FRAME 60
#define L4 34

uint64_t
feed_cpu_cycles(void)
{
	struct timespec t;

	clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
	return (uint64_t)((double)((uint64_t)t.tv_sec * 1000000000 + (uint64_t)t.tv_nsec) *
			  (double)rte_get_tsc_hz() / 1e9);
}

static uint16_t
feed_rx(uint16_t port, uint16_t queue, struct rte_mbuf **pkts, uint16_t n, uint16_t max, void *arg)
{
	struct feed *f = arg;
	uint16_t kept = 0;

	(void)port;
	(void)queue;
	(void)max;
	if (atomic_load_explicit(&f->running, memory_order_acquire) == 0) {
		rte_pktmbuf_free_bulk(pkts, n);
		f->window_start = 0;
		return 0;
	}
	if (f->window_start == 0 || f->pkts >= f->window_pkts) {
		uint64_t now = feed_cpu_cycles();

		if (f->window_start != 0)
			f->windows[f->num_windows++ % FEED_WINDOWS] =
				(float)(now - f->window_start) / (float)f->pkts;
		f->window_start = now;
		f->pkts = 0;
	}
	for (uint16_t i = 0; i < n; i++) {
		uint16_t len = f->fn(f, rte_pktmbuf_mtod(pkts[i], char *));

		if (len == 0) {
			rte_pktmbuf_free_bulk(&pkts[i], n - i);
			break;
		}
		pkts[i]->data_len = len;
		pkts[i]->pkt_len = len;
		kept++;
	}
	f->pkts += kept;
	atomic_fetch_add_explicit(&f->given, kept, memory_order_relaxed);
	return kept;
}

void
feed_attach(struct feed *f, uint16_t port)
{
	f->random = 88172645463325252u;
	f->window_pkts = WINDOW_PKTS;
	f->callback = rte_eth_add_rx_callback(port, 0, feed_rx, f);
	g_assert_nonnull(f->callback);
}

void
feed_detach(struct feed *f, uint16_t port)
{
	g_assert_cmpint(rte_eth_remove_rx_callback(port, 0, f->callback), ==, 0);
	f->callback = NULL;
}

void
feed_template(struct feed *f, const uint8_t *mac, uint8_t proto, uint32_t dst, uint16_t dport)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(f->template + 14);
	uint8_t *l4 = f->template + L4;

	memset(f->template, 0, sizeof(f->template));
	memcpy(f->template, mac, 6);
	memcpy(f->template + 6, "\x02\x00\x00\x01\x00\x0a", 6);
	f->template[12] = 0x08;
	ip->version_ihl = 0x45;
	ip->total_length = rte_cpu_to_be_16(FRAME - 14);
	ip->time_to_live = 64;
	ip->next_proto_id = proto;
	ip->dst_addr = dst;
	f->l3_sum = csum_words(ip, 20);
	dport = rte_cpu_to_be_16(dport);
	memcpy(l4 + 2, &dport, 2);
	if (proto == IPPROTO_UDP) {
		((struct rte_udp_hdr *)l4)->dgram_len = rte_cpu_to_be_16(FRAME - L4);
	} else {
		((struct rte_tcp_hdr *)l4)->data_off = 0x50;
	}
	f->l4_sum = csum_words(l4, FRAME - L4) + dst + rte_cpu_to_be_16(FRAME - L4) + rte_cpu_to_be_16(proto);
}

/* Flow @i comes from 10.0.0.0/8; 4,096 ports each. */
static inline uint16_t
feed_udp(struct feed *f, char *data, uint32_t i)
{
	struct rte_ipv4_hdr *ip = (struct rte_ipv4_hdr *)(data + 14);
	struct rte_udp_hdr *udp = (struct rte_udp_hdr *)(data + L4);
	rte_be32_t src = rte_cpu_to_be_32(0x0a000001 + (i >> 12));
	rte_be16_t sport = rte_cpu_to_be_16((uint16_t)(1024 + (i & 4095)));

	memcpy(data, f->template, FRAME);
	ip->src_addr = src;
	ip->hdr_checksum = (uint16_t)~csum_fold(f->l3_sum + src);
	udp->src_port = sport;
	udp->dgram_cksum = (uint16_t)~csum_fold(f->l4_sum + src + sport);
	return FRAME;
}

uint16_t
feed_udp_random(struct feed *f, char *data)
{
	f->random ^= f->random << 13;
	f->random ^= f->random >> 7;
	f->random ^= f->random << 17;
	return feed_udp(f, data, (uint32_t)((f->random >> 32) * f->flows >> 32));
}

uint16_t
feed_udp_all(struct feed *f, char *data)
{
	return f->next < f->flows ? feed_udp(f, data, f->next++) : 0;
}

static int
compare(const void *a, const void *b)
{
	float x = *(const float *)a, y = *(const float *)b;

	return (x > y) - (x < y);
}

double
feed_run(struct feed *f, feed_fn fn, uint64_t pkts)
{
	uint64_t until = atomic_load(&f->given) + pkts;
	gint64 end = g_get_monotonic_time() + GIVE_UP_S * G_USEC_PER_SEC;
	unsigned int n;

	f->fn = fn;
	f->num_windows = 0;
	f->window_start = 0;
	f->pkts = 0;
	atomic_store_explicit(&f->running, 1, memory_order_release);
	while (atomic_load(&f->given) < until && g_get_monotonic_time() < end) {
		harness_pump(0);
		g_usleep(1000);
	}
	atomic_store_explicit(&f->running, 0, memory_order_release);
	/* The lcore notices at its next poll. */
	g_usleep(20000);
	if (atomic_load(&f->given) < until)
		g_error("the feed gave only part of its packets");
	n = MIN(f->num_windows, FEED_WINDOWS);
	if (n == 0)
		return 0;
	qsort(f->windows, n, sizeof(f->windows[0]), compare);
	return f->windows[n / 10];
}
