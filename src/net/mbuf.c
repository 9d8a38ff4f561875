/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Packets in several segments: see mbuf.h.
 */
#include "net/mbuf.h"

#include <string.h>

#include <rte_ip.h>

void
mbuf_cut(struct rte_mbuf *m, uint32_t len)
{
	struct rte_mbuf *seg = m;
	uint32_t left = len;

	m->pkt_len = len;
	while (left > seg->data_len) {
		left -= seg->data_len;
		seg = seg->next;
	}
	seg->data_len = (uint16_t)left;
	if (likely(seg->next == NULL))
		return;

	rte_pktmbuf_free(seg->next);
	seg->next = NULL;
	m->nb_segs = 1;
	for (seg = m; seg->next != NULL; seg = seg->next)
		m->nb_segs++;
}

void
mbuf_gather(struct rte_mbuf *m)
{
	while (m->next != NULL) {
		struct rte_mbuf *seg = m->next;
		uint16_t room = rte_pktmbuf_tailroom(m);
		uint16_t len = room < seg->data_len ? room : seg->data_len;

		memcpy(rte_pktmbuf_mtod_offset(m, uint8_t *, m->data_len),
		       rte_pktmbuf_mtod(seg, const uint8_t *), len);
		m->data_len += len;
		seg->data_len -= len;
		seg->data_off += len;
		if (seg->data_len > 0)
			return; /* full */
		m->next = seg->next;
		m->nb_segs--;
		rte_pktmbuf_free_seg(seg);
	}
}

uint16_t
mbuf_sum(const struct rte_mbuf *m, uint32_t off, uint32_t len, uint32_t sum)
{
	uint16_t part;

	if (len == 0 || rte_raw_cksum_mbuf(m, off, len, &part) != 0)
		part = 0;
	sum += part;
	sum = (sum & 0xffff) + (sum >> 16);
	sum = (sum & 0xffff) + (sum >> 16);
	return (uint16_t)sum;
}
