/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * TCP: the state machine with the states of LVS, and changes to a header that keep its checksum right.
 *
 * A load balancer sees the packets, not whether they arrive, so its states follow the flags: who closed
 * first (FIN_WAIT: the server, CLOSE_WAIT: the client), whether both did (TIME_WAIT), whether it was
 * broken off (CLOSE).
 */
#include "lb/proto/tcp.h"

#include <rte_branch_prediction.h>
#include <rte_byteorder.h>
#include <rte_common.h>

#include <dpvsctrl/proto/conn.h>

#include "lb/conn_table.h"
#include "lb/csum.h"

enum tcp_event {
	EVENT_SYN,
	EVENT_FIN,
	EVENT_ACK,
	EVENT_RST,
	EVENT_COUNT,
};

/* Short names make the table readable. */
enum {
	NO = DPVS_CONN_NONE,
	ES = DPVS_CONN_ESTABLISHED,
	SS = DPVS_CONN_SYN_SENT,
	SR = DPVS_CONN_SYN_RECV,
	FW = DPVS_CONN_FIN_WAIT,
	TW = DPVS_CONN_TIME_WAIT,
	CL = DPVS_CONN_CLOSE,
	CW = DPVS_CONN_CLOSE_WAIT,
	LA = DPVS_CONN_LAST_ACK,
	LI = DPVS_CONN_LISTEN,
	SA = DPVS_CONN_SYNACK,
	TCP_STATES,
};

/* [client, server, client while the server's packets pass elsewhere][event][state] */
static const uint8_t tcp_states[3][EVENT_COUNT][TCP_STATES] = {
	{
		/*              NO  ES  SS  SR  FW  TW  CL  CW  LA  LI  SA */
		[EVENT_SYN] = { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
		[EVENT_FIN] = { CL, CW, SS, TW, TW, TW, CL, CW, LA, LI, TW },
		[EVENT_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		[EVENT_RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, SR },
	},
	{
		[EVENT_SYN] = { SS, ES, SS, SR, SS, SS, SS, SS, SS, LI, SR },
		[EVENT_FIN] = { TW, FW, SS, TW, FW, TW, CL, TW, LA, LI, TW },
		[EVENT_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, LA, ES, ES },
		[EVENT_RST] = { CL, CL, SS, CL, CL, TW, CL, CL, CL, CL, CL },
	},
	{
		[EVENT_SYN] = { SR, ES, ES, SR, SR, SR, SR, SR, SR, SR, SR },
		[EVENT_FIN] = { CL, FW, SS, TW, FW, TW, CL, CW, LA, LI, TW },
		[EVENT_ACK] = { ES, ES, SS, ES, FW, TW, CL, CW, CL, LI, ES },
		[EVENT_RST] = { CL, CL, CL, SR, CL, CL, CL, CL, LA, LI, CL },
	},
};

enum {
	OPT_END = 0,
	OPT_NOP = 1,
	OPT_MSS = 2,
	OPT_SACK = 5,
	OPT_TIMESTAMP = 8,
};

uint8_t
tcp_next_state(unsigned int dir, bool one_way, uint8_t state, uint8_t flags)
{
	enum tcp_event event;

	if ((flags & RTE_TCP_RST_FLAG) != 0)
		event = EVENT_RST;
	else if ((flags & RTE_TCP_SYN_FLAG) != 0)
		event = EVENT_SYN;
	else if ((flags & RTE_TCP_FIN_FLAG) != 0)
		event = EVENT_FIN;
	else if ((flags & RTE_TCP_ACK_FLAG) != 0)
		event = EVENT_ACK;
	else
		return state;
	return tcp_states[one_way ? 2 : dir][event][state];
}

uint32_t
tcp_seq_end(const struct rte_tcp_hdr *tcp, uint32_t len)
{
	uint32_t seq = rte_be_to_cpu_32(tcp->sent_seq);

	seq += len - (uint32_t)(tcp->data_off >> 4) * 4;
	if ((tcp->tcp_flags & RTE_TCP_SYN_FLAG) != 0)
		seq++;
	if ((tcp->tcp_flags & RTE_TCP_FIN_FLAG) != 0)
		seq++;
	return seq;
}

/*
 * Calls @fn for each well-formed option. tcp_check() has seen that all of data_off is there. A malformed
 * list ends the walk: it is the receiver's to judge.
 */
static void
options_walk(struct rte_tcp_hdr *tcp, void (*fn)(struct rte_tcp_hdr *tcp, uint8_t *opt, uint32_t arg),
	     uint32_t arg)
{
	uint8_t *p = (uint8_t *)(tcp + 1);
	uint8_t *end = (uint8_t *)tcp + (tcp->data_off >> 4) * 4;
	uint8_t len;

	while (p < end && *p != OPT_END) {
		if (*p == OPT_NOP) {
			p++;
			continue;
		}
		if (end - p < 2 || p[1] < 2 || p[1] > end - p)
			return;
		len = p[1]; /* @fn may write over it */
		fn(tcp, p, arg);
		p += len;
	}
}

/* Overwrites @len bytes at @p, wherever they lie: an odd offset swaps the bytes of a word. */
static void
option_write(struct rte_tcp_hdr *tcp, uint8_t *p, const void *to, unsigned int len)
{
	uint8_t before[16] = { 0 }, after[16] = { 0 };
	unsigned int odd = (unsigned int)(p - (uint8_t *)tcp) & 1;

	memcpy(before + odd, p, len);
	memcpy(after + odd, to, len);
	memcpy(p, to, len);
	tcp->cksum = csum_apply(tcp->cksum,
				csum_delta(csum_words(before, sizeof(before)),
					   csum_words(after, sizeof(after))));
}

static void
option_clamp_mss(struct rte_tcp_hdr *tcp, uint8_t *opt, uint32_t mss)
{
	uint8_t to[2] = { (uint8_t)(mss >> 8), (uint8_t)mss };

	if (opt[0] == OPT_MSS && opt[1] == 4 && (uint32_t)(opt[2] << 8 | opt[3]) > mss)
		option_write(tcp, opt + 2, to, sizeof(to));
}

static void
option_drop_ts(struct rte_tcp_hdr *tcp, uint8_t *opt, uint32_t arg)
{
	static const uint8_t nops[10] = { 1, 1, 1, 1, 1, 1, 1, 1, 1, 1 };

	if (opt[0] == OPT_TIMESTAMP && opt[1] == sizeof(nops))
		option_write(tcp, opt, nops, sizeof(nops));
}

void
tcp_syn_options(struct rte_tcp_hdr *tcp, uint16_t mss, bool drop_ts)
{
	if (tcp->data_off >> 4 <= 5)
		return;
	options_walk(tcp, option_clamp_mss, mss);
	if (drop_ts)
		options_walk(tcp, option_drop_ts, 0);
}

void
tcp_shift_seq(struct rte_tcp_hdr *tcp, uint32_t delta)
{
	rte_be32_t seq = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->sent_seq) + delta);

	tcp->cksum = csum_change32(tcp->cksum, tcp->sent_seq, seq);
	tcp->sent_seq = seq;
}

static void
option_shift_sack(struct rte_tcp_hdr *tcp, uint8_t *opt, uint32_t delta)
{
	if (opt[0] != OPT_SACK)
		return;
	for (unsigned int i = 2; i + 4 <= opt[1]; i += 4) {
		rte_be32_t edge;

		memcpy(&edge, opt + i, sizeof(edge));
		edge = rte_cpu_to_be_32(rte_be_to_cpu_32(edge) - delta);
		option_write(tcp, opt + i, &edge, sizeof(edge));
	}
}

void
tcp_shift_ack(struct rte_tcp_hdr *tcp, uint32_t delta)
{
	rte_be32_t ack;

	if ((tcp->tcp_flags & RTE_TCP_ACK_FLAG) == 0)
		return;
	ack = rte_cpu_to_be_32(rte_be_to_cpu_32(tcp->recv_ack) - delta);
	tcp->cksum = csum_change32(tcp->cksum, tcp->recv_ack, ack);
	tcp->recv_ack = ack;
	if (tcp->data_off >> 4 > 5)
		options_walk(tcp, option_shift_sack, delta);
}
