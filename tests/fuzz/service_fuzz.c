/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Requests about services, servers and local addresses, with faked workers (fake_core.h): fast, every byte
 * of a record is the input's. What is refused changes no listing; flushed, nothing is left.
 */
#include <stdbool.h>

#include <glib.h>

#include <dpvsctrl/proto/service.h>

#include "fake_core.h"
#include "fuzz.h"
#include "lb/laddr.h"
#include "lb/service.h"
#include "module.h"
#include "requests.h"

#define WORKERS 2

static const struct module *const modules[] = { &service_module, &laddr_module, NULL };
static struct request_type sets[32], gets[32];
static unsigned int set_count, get_count;

static void
clean(void)
{
	fake_stop();
}

int
LLVMFuzzerInitialize(int *argc, char ***argv)
{
	fake_start(WORKERS, modules);
	set_count = request_types(modules, true, sets, G_N_ELEMENTS(sets));
	get_count = request_types(modules, false, gets, G_N_ELEMENTS(gets));
	atexit(clean);
	return 0;
}

/* All services, as one array of bytes. */
static GArray *
listing(void)
{
	GArray *services;
	int err = 0;

	services = fake_get(DPVS_GET_SERVICES, NULL, &err);
	FUZZ_CHECK(services != NULL);
	return services;
}

static void
one_request(const struct request *r)
{
	GArray *before, *after;
	int err = 0;

	if (!r->is_set) {
		after = fake_get(r->id, r->count > 0 ? r->records : NULL, &err);
		FUZZ_CHECK((after != NULL) == (err == 0));
		g_clear_pointer(&after, g_array_unref);
		return;
	}
	before = listing();
	err = fake_set(r->id, r->records, r->count);
	FUZZ_CHECK(err <= 0);
	after = listing();
	if (err < 0)
		FUZZ_CHECK(before->len == after->len &&
			   (before->len == 0 ||
			    memcmp(before->data, after->data,
				   (size_t)before->len * g_array_get_element_size(before)) == 0));
	g_array_unref(before);
	g_array_unref(after);
	if (r->flags & REQUEST_DELIVER)
		fake_deliver(r->id % WORKERS);
}

int
LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	struct request r;
	GArray *left;

	while (request_next(&data, &size, sets, set_count, gets, get_count, &r)) {
		one_request(&r);
		request_clear(&r);
	}
	FUZZ_CHECK(fake_set(DPVS_SET_SERVICE_FLUSH, NULL, 0) == 0);
	fake_sync();
	left = listing();
	FUZZ_CHECK(left->len == 0);
	g_array_unref(left);
	return 0;
}
