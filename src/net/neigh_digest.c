/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Neighbours as dpip verify compares them: each entry that can be used, with its index and the two MAC
 * addresses of the header that workers have ready. Workers' side: neigh_worker_digest().
 */
#include <glib.h>

#include "core/digest.h"
#include "net/neigh_table.h"
#include "net/netif.h"

uint64_t
neigh_digest(const struct neigh_key *key, uint32_t index, const uint8_t *mac, const uint8_t *src)
{
	uint64_t hash = digest_bytes(0, key, sizeof(*key));

	hash = digest_bytes(digest_u64(hash, index), mac, 6);
	return digest_bytes(hash, src, 6);
}

static bool
truth(struct digest *d)
{
	static GHashTableIter iter; /* one digest is made at a time */
	static uint64_t moves;
	gpointer value;

	/* Entries that nobody has learned yet come and go without a change. */
	if (d->pos == 0 || moves != neigh_moves()) {
		*d = (struct digest){ 0 };
		moves = neigh_moves();
		g_hash_table_iter_init(&iter, neigh_all());
	}
	d->pos++;
	for (unsigned int n = 0; n < DIGEST_STEP; n++) {
		const struct neigh *neigh;
		const struct netif *nif;

		if (!g_hash_table_iter_next(&iter, NULL, &value))
			return false;
		neigh = value;
		nif = netif_get(neigh->key.port);
		if (neigh->index != NEIGH_NONE && nif != NULL)
			digest_add(d, neigh_digest(&neigh->key, neigh->index, neigh->mac, nif->mac.addr_bytes));
	}
	return true;
}

const struct module_digest neigh_digests[] = {
	{ .name = "entries", .copy = neigh_worker_digest, .truth = truth },
	{ 0 },
};
