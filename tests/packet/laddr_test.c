/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * A local address that was taken from its last service while a connection uses it: for readers it goes with that
 * change, with its routes; for packets it stays until the connection has ended, which nobody sees. On a daemon in
 * the harness, with the network of lbtest.h.
 */
#include <errno.h>
#include <netinet/in.h>
#include <string.h>

#include <dpvsctrl/proto/addr.h>
#include <dpvsctrl/proto/daemon.h>
#include <dpvsctrl/proto/laddr.h>
#include <dpvsctrl/proto/route.h>
#include <dpvsctrl/proto/service.h>

#include "core/change.h"
#include "harness.h"
#include "lbtest.h"

#define PORT 53

/* Looks for addresses without connections come every 250 ms: there were some. */
#define LOOKS_MS 800

static uint16_t next_sport = 20000;

static struct dpvs_laddr_conf
laddr(uint8_t af)
{
	struct dpvs_laddr_conf conf = {
		.svc = lb_key(af, IPPROTO_UDP, PORT),
		.addr = lb_wire_addr(af, NET_SERVER, HOST_LADDR),
		.dev = "dpdk1",
	};

	return conf;
}

static struct dpvs_addr_conf
addr(uint8_t af, const char *dev)
{
	struct dpvs_addr_conf conf = {
		.addr = lb_wire_addr(af, NET_SERVER, HOST_LADDR),
		.plen = af == AF_INET ? 32 : 128,
	};

	g_strlcpy(conf.dev, dev, sizeof(conf.dev));
	return conf;
}

/* A route by way of dpdk1 whose source is the local address. */
static struct dpvs_route_conf
route(uint8_t af)
{
	struct dpvs_route_conf conf = {
		.dst = lb_wire_addr(af, NET_FAR, 0),
		.plen = af == AF_INET ? 24 : 120,
		.src = lb_wire_addr(af, NET_SERVER, HOST_LADDR),
		.dev = "dpdk1",
	};

	return conf;
}

static int
set_laddr(uint32_t id, uint8_t af)
{
	struct dpvs_laddr_conf conf = laddr(af);

	return harness_set(id, &conf, sizeof(conf), 1);
}

static int
set_addr(uint32_t id, uint8_t af, const char *dev)
{
	struct dpvs_addr_conf conf = addr(af, dev);

	return harness_set(id, &conf, sizeof(conf), 1);
}

static int
set_route(uint8_t af)
{
	struct dpvs_route_conf conf = route(af);

	return harness_set(af == AF_INET ? DPVS_SET_ROUTE_ADD : DPVS_SET_ROUTE6, &conf, sizeof(conf), 1);
}

/* Is the address listed? -1: no, else its flags. */
static int
addr_flags(uint8_t af)
{
	struct dpvs_addr want = lb_wire_addr(af, NET_SERVER, HOST_LADDR);
	struct dpvs_reply *reply = NULL;
	struct dpvs_addr_conf conf;
	int flags = -1;

	g_assert_cmpint(harness_get(DPVS_GET_ADDRS, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; dpvs_reply_record(reply, i, &conf, sizeof(conf)) == 0; i++) {
		if (memcmp(&conf.addr, &want, sizeof(want)) == 0)
			flags = conf.flags;
	}
	dpvs_reply_free(reply);
	return flags;
}

/* How many listed routes lead to the address, or have it as their source. */
static unsigned int
routes(uint8_t af)
{
	struct dpvs_addr want = lb_wire_addr(af, NET_SERVER, HOST_LADDR);
	struct dpvs_reply *reply = NULL;
	struct dpvs_route_conf conf;
	unsigned int n = 0;

	g_assert_cmpint(harness_get(af == AF_INET ? DPVS_GET_ROUTES : DPVS_GET_ROUTES6, NULL, 0, &reply), ==, 0);
	for (uint32_t i = 0; dpvs_reply_record(reply, i, &conf, sizeof(conf)) == 0; i++)
		n += memcmp(&conf.dst, &want, sizeof(want)) == 0 || memcmp(&conf.src, &want, sizeof(want)) == 0;
	dpvs_reply_free(reply);
	return n;
}

static void
service(uint8_t af)
{
	lb_service(af, IPPROTO_UDP, PORT, "rr");
	lb_dest(af, IPPROTO_UDP, PORT, DPVS_FWD_FULLNAT, 0, PORT);
	g_assert_cmpint(set_laddr(DPVS_SET_LADDR_ADD, af), ==, 0);
}

/* A packet of a client, and the answer; all the way through. Returns what the server got. */
static struct pk
there_and_back(uint8_t af, uint16_t sport)
{
	struct pk in = {
		.af = af,
		.src = lb_addr(af, NET_CLIENT, HOST_CLIENT),
		.dst = lb_addr(af, NET_CLIENT, HOST_VIP),
		.sport = sport,
		.dport = PORT,
	};
	struct pk out = lb_forward(PORT_CLIENT, 0, &in, PORT_SERVER);
	struct pk answer = lb_reverse(&out);
	struct pk back = lb_forward(PORT_SERVER, 1, &answer, PORT_CLIENT);

	lb_assert_addr(out.src, af, NET_SERVER, HOST_LADDR);
	lb_assert_addr(back.dst, af, NET_CLIENT, HOST_CLIENT);
	g_assert_cmpuint(back.dport, ==, sport);
	return out;
}

static void
idle_for(uint32_t udp_s)
{
	struct dpvs_timeouts timeouts = { .udp_s = udp_s };

	g_assert_cmpint(harness_set(DPVS_SET_TIMEOUTS, &timeouts, sizeof(timeouts), 1), ==, 0);
}

/* Waits until the daemon has forgotten the address: another port may have it now, and gives it back. */
static void
wait_gone(uint8_t af)
{
	gint64 end = g_get_monotonic_time() + 60 * G_USEC_PER_SEC;
	uint64_t generation = change_generation();
	int rc;

	while ((rc = set_addr(DPVS_SET_ADDR_ADD, af, "dpdk0")) != 0 && g_get_monotonic_time() < end) {
		g_assert_cmpint(rc, ==, -EEXIST);
		g_assert_nonnull(strstr(harness_error(), "until the last connection"));
		harness_pump(20);
	}
	g_assert_cmpint(rc, ==, 0);
	g_assert_cmpint(set_addr(DPVS_SET_ADDR_DEL, af, "dpdk0"), ==, 0);
	/* The two just now, and no other. */
	g_assert_cmpuint(change_generation(), ==, generation + 2);
}

static void
test_removed(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	uint16_t sport = next_sport++;
	uint64_t generation;
	struct pk first;

	service(af);
	g_assert_cmpint(set_route(af), ==, 0);
	g_assert_cmpint(addr_flags(af), ==, DPVS_ADDR_LADDR);
	g_assert_cmpuint(routes(af), ==, 2);
	first = there_and_back(af, sport);
	generation = change_generation();

	g_assert_cmpint(set_laddr(DPVS_SET_LADDR_DEL, af), ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation + 1);
	g_assert_cmpint(addr_flags(af), ==, -1);
	g_assert_cmpuint(routes(af), ==, 0);

	/* Nobody can build on it, or take it away. */
	g_assert_cmpint(set_route(af), ==, -EINVAL);
	g_assert_cmpint(set_addr(DPVS_SET_ADDR_DEL, af, "dpdk1"), ==, -ENOENT);
	g_assert_cmpint(set_addr(DPVS_SET_ADDR_ADD, af, "dpdk0"), ==, -EEXIST);
	g_assert_nonnull(strstr(harness_error(), "until the last connection"));

	/* The connection goes on: the answer comes to the local address. */
	harness_pump(LOOKS_MS);
	g_assert_cmpuint(there_and_back(af, sport).sport, ==, first.sport);
	g_assert_cmpuint(change_generation(), ==, generation + 1);

	/* It ends; that the address goes for good moves nothing that can be seen. */
	idle_for(1);
	there_and_back(af, sport); /* takes the new time */
	wait_gone(af);
	lb_service_del(af, IPPROTO_UDP, PORT);
	idle_for(300);
}

static void
test_again(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	uint16_t sport = next_sport++;
	struct pk first;

	service(af);
	first = there_and_back(af, sport);
	g_assert_cmpint(set_laddr(DPVS_SET_LADDR_DEL, af), ==, 0);
	harness_pump(LOOKS_MS);
	g_assert_cmpint(set_laddr(DPVS_SET_LADDR_ADD, af), ==, 0);
	g_assert_cmpint(addr_flags(af), ==, DPVS_ADDR_LADDR);
	g_assert_cmpuint(routes(af), ==, 1);
	g_assert_cmpuint(there_and_back(af, sport).sport, ==, first.sport);
	there_and_back(af, next_sport++); /* new connections get it, too */

	/* Likewise when an operator gives it while it lingers; then it is an address like others. */
	lb_service_del(af, IPPROTO_UDP, PORT);
	g_assert_cmpint(addr_flags(af), ==, -1);
	g_assert_cmpint(set_addr(DPVS_SET_ADDR_ADD, af, "dpdk1"), ==, 0);
	g_assert_cmpint(addr_flags(af), ==, 0);
	g_assert_cmpuint(routes(af), ==, 1);
	g_assert_cmpint(set_addr(DPVS_SET_ADDR_DEL, af, "dpdk1"), ==, 0);
	g_assert_cmpint(addr_flags(af), ==, -1);
	g_assert_cmpuint(routes(af), ==, 0);
}

/* An operator gave it besides: it stays, and is no local address any more from the removal on. */
static void
test_given(gconstpointer data)
{
	uint8_t af = lb_test_af(data);
	uint64_t generation;

	service(af);
	g_assert_cmpint(set_addr(DPVS_SET_ADDR_ADD, af, "dpdk1"), ==, 0);
	g_assert_cmpint(addr_flags(af), ==, DPVS_ADDR_LADDR);
	generation = change_generation();
	g_assert_cmpint(set_laddr(DPVS_SET_LADDR_DEL, af), ==, 0);
	g_assert_cmpint(addr_flags(af), ==, 0);
	g_assert_cmpuint(routes(af), ==, 1);
	harness_pump(LOOKS_MS);
	g_assert_cmpint(addr_flags(af), ==, 0);
	g_assert_cmpuint(change_generation(), ==, generation + 1);
	g_assert_cmpint(set_addr(DPVS_SET_ADDR_DEL, af, "dpdk1"), ==, 0);
	g_assert_cmpint(addr_flags(af), ==, -1);
	g_assert_cmpuint(routes(af), ==, 0);
	lb_service_del(af, IPPROTO_UDP, PORT);
	wait_gone(af);
}

int
main(int argc, char **argv)
{
	int rc;

	g_test_init(&argc, &argv, NULL);
	lb_test_add("/packet/laddr/given", test_given, 0);
	lb_test_add("/packet/laddr/removed", test_removed, 0);
	lb_test_add("/packet/laddr/again", test_again, 0);
	harness_init(2);
	lb_start(NULL);
	rc = g_test_run();
	lb_stop();
	harness_fini();
	return rc;
}
