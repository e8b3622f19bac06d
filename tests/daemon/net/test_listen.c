/* test_listen.c - R17 at the door: how many handshakes, from where, for how long, with how many
 * descriptors; and that nothing of it disturbs what runs. */
#include "tests/daemon/net/rig.h"

#include <stdio.h>
#include <sys/resource.h>
#include <unistd.h>

#include "proto/limits.h"

#define CROWD 200

static void connect_crowd(struct rig *rig, struct raw **raws, int count)
{
	for (int i = 0; i < count; i++)
		raws[i] = raw_connect(rig, NULL);
}

static void close_crowd(struct raw **raws, int count)
{
	for (int i = 0; i < count; i++)
		raw_close(raws[i]);
}

static int ended(struct raw **raws, int count)
{
	int n = 0;
	for (int i = 0; i < count; i++)
		n += raws[i]->ended;
	return n;
}

TEST(listen, half_open)
{
	const char *name = "P16.1 10 s from the accept, whatever is said";
	struct soud_net_limits limits = rig_limits();
	limits.handshake_ms_max = 100;
	struct rig rig;
	rig_begin(&rig, &limits);
	uint64_t begin_ms = uv_now(&rig.loop);
	struct raw *raws[3];
	connect_crowd(&rig, raws, 3);
	raw_send(raws[1], "\x16\x03\x01\x02\x00\x01", 6); /* the beginning of a hello */
	while (rig.hub.refused < 3) {
		if (raws[2]->connected && !raws[2]->ended)
			raw_send(raws[2], "", 0);
		REQUIRE(name, rig_turn(&rig));
	}
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "TIMEOUT");
	CHECK_U64(name, uv_now(&rig.loop) - begin_ms, >=, limits.handshake_ms_max);
	RIG_UNTIL(&rig, name, ended(raws, 3) == 3);
	close_crowd(raws, 3);
	rig_end(&rig, name);
}

TEST(listen, eight_from_one_address)
{
	const char *name =
		"P16.1 8 handshakes from an unknown address, 64 wait, the rest is turned away";
	struct soud_net_limits limits = rig_limits();
	limits.parked_address_max = 64;
	struct rig rig;
	rig_begin(&rig, &limits);
	struct raw *raws[CROWD];
	connect_crowd(&rig, raws, CROWD);
	RIG_UNTIL(&rig, name, ended(raws, CROWD) == CROWD - 72);
	struct soud_net_stats stats = soud_net_stats(rig.net);
	CHECK_U64(name, stats.handshakes, ==, SOU_HANDSHAKES_ADDRESS_MAX);
	CHECK_U64(name, stats.parked, ==, limits.parked_address_max);
	CHECK_U64(name, stats.accepts_refused, ==, CROWD - 72);
	/* One of the 8 leaves, one that waits goes on: here it may finish its handshake. */
	raw_close(raws[0]);
	RIG_UNTIL(&rig, name, soud_net_stats(rig.net).parked == limits.parked_address_max - 1);
	CHECK_U64(name, soud_net_stats(rig.net).handshakes, ==, SOU_HANDSHAKES_ADDRESS_MAX);
	close_crowd(raws + 1, CROWD - 1);
	rig_end(&rig, name);
}

static void make_known(struct soud_link *link, struct seen *seen)
{
	soud_listen_known(*(struct soud_listen **)seen->arg, link);
}

TEST(listen, known_address)
{
	const char *name = "R17 an address with a known key behind it may have all 64";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig.hub.on_open = make_known;
	rig.hub.arg = &rig.listen;
	rig_open(&rig, name);
	struct raw *raws[100];
	connect_crowd(&rig, raws, 100);
	RIG_UNTIL(&rig, name, soud_net_stats(rig.net).handshakes == SOU_HANDSHAKES_MAX);
	rig_go_on(&rig, name, 30);
	struct soud_net_stats stats = soud_net_stats(rig.net);
	CHECK_U64("P16.1 64 in all", stats.handshakes, ==, SOU_HANDSHAKES_MAX);
	CHECK_U64("none is turned away", stats.accepts_refused, ==, 0);
	CHECK_U64("the rest waits", stats.parked, ==, 36);
	CHECK_INT("and is not closed", ended(raws, 100), ==, 0);
	CHECK("what runs is not disturbed", soud_link_is_open(rig.site.link));
	close_crowd(raws, 64);
	RIG_UNTIL(&rig, name, soud_net_stats(rig.net).handshakes == 36);
	CHECK_U64("all had their turn", soud_net_stats(rig.net).parked, ==, 0);
	close_crowd(raws + 64, 36);
	rig_end(&rig, name);
}

/* Half-open handshakes hold every place, of one known address, of many unknown ones: who comes then
 * is let in all the same. */
TEST(listen, half_open_ones_make_room)
{
	static const struct {
		const char *name;
		bool known;
	} rows[] = {{"R17 behind a known address", true}, {"R17 behind an unknown one", false}};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct soud_net_limits limits = rig_limits();
		limits.handshake_pressed_ms = 60;
		limits.parked_address_max = 150;
		struct rig rig;
		rig_begin(&rig, &limits);
		rig.hub.arg = &rig.listen;
		if (rows[i].known) {
			rig.hub.on_open = make_known;
			rig_open(&rig, rows[i].name);
		}
		uint64_t most = rows[i].known ? SOU_HANDSHAKES_MAX : SOU_HANDSHAKES_ADDRESS_MAX;
		struct raw *raws[CROWD];
		connect_crowd(&rig, raws, CROWD);
		RIG_UNTIL(&rig, rows[i].name,
			  soud_net_stats(rig.net).handshakes == most &&
				  soud_net_stats(rig.net).parked > 100);
		int opened = rig.hub.opened;
		rig_link(&rig);
		uint64_t begin_ms = uv_now(&rig.loop);
		RIG_UNTIL(&rig, rows[i].name, rig.hub.opened == opened + 1);
		CHECK_U64(rows[i].name, uv_now(&rig.loop) - begin_ms, <, 2000);
		CHECK_U64(rows[i].name, soud_net_stats(rig.net).handshakes, <=, most);
		close_crowd(raws, CROWD);
		rig_end(&rig, rows[i].name);
	}
}

TEST(listen, known_while_they_wait)
{
	const char *name = "R17 the first of a building opens the door for the rest";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig.hub.on_open = make_known;
	rig.hub.arg = &rig.listen;
	struct raw *raws[20];
	connect_crowd(&rig, raws, 7); /* silent ones */
	RIG_UNTIL(&rig, name, soud_net_stats(rig.net).handshakes == 7);
	raws[7] = raw_connect(&rig, raw_ctx("ED25519", 1));
	connect_crowd(&rig, raws + 8, 12);
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && soud_net_stats(rig.net).handshakes == 19);
	CHECK_U64(name, soud_net_stats(rig.net).parked, ==, 0);
	CHECK_U64(name, soud_net_stats(rig.net).accepts_refused, ==, 0);
	close_crowd(raws, 20);
	rig_end(&rig, name);
}

TEST(listen, many_sites_at_once)
{
	const char *name = "W6 62 sites of one address return at once, none is turned away";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig.hub.on_open = make_known;
	rig.hub.arg = &rig.listen;
	for (int i = 0; i < 62; i++)
		rig_link(&rig);
	RIG_UNTIL(&rig, name, rig.hub.opened == 62 && rig.site.opened == 62);
	CHECK_INT(name, rig.site.refused + rig.hub.refused, ==, 0);
	rig_end(&rig, name);
}

TEST(listen, descriptors)
{
	const char *name = "R17 32 descriptors stay free";
	struct rlimit before, low;
	getrlimit(RLIMIT_NOFILE, &before);
	struct rig rig;
	rig_begin(&rig, NULL);
	rig.hub.on_open = make_known;
	rig.hub.arg = &rig.listen;
	rig_open(&rig, name);
	/* Room for 10 more connections, of which each takes one descriptor here and one at the hub.
	 */
	int next = dup(0);
	close(next);
	low = before;
	low.rlim_cur = (rlim_t)next + 20 + SOU_FDS_FREE_MIN;
	setrlimit(RLIMIT_NOFILE, &low);
	struct raw *raws[30];
	connect_crowd(&rig, raws, 14);
	rig_go_on(&rig, name, 50);
	struct soud_net_stats stats = soud_net_stats(rig.net);
	int lowest = dup(0);
	close(lowest);
	CHECK_U64(name, low.rlim_cur - (rlim_t)lowest, >=, SOU_FDS_FREE_MIN - 1);
	CHECK_U64(name, stats.handshakes, <, 14);
	CHECK_U64(name, stats.handshakes, >, 0);
	CHECK_U64("accepting stopped", stats.accepts_deferred, ==, 1);
	CHECK_INT("nobody was turned away", ended(raws, 14), ==, 0);
	CHECK("what runs is not disturbed", soud_link_is_open(rig.site.link));
	setrlimit(RLIMIT_NOFILE, &before);
	RIG_UNTIL(&rig, name, soud_net_stats(rig.net).handshakes == 14); /* and goes on by itself */
	close_crowd(raws, 14);
	rig_end(&rig, name);
}

TEST(listen, addresses)
{
	static const struct {
		const char *name, *at;
		int rc;
	} cases[] = {
		{"IPv4", "127.0.0.1:0", SOU_OK},
		{"IPv6", "[::1]:0", SOU_OK},
		{"both", "[::]:0", SOU_OK},
		{"a name", "localhost:0", SOU_OK},
		{"not an address", "127.0.0.1", SOU_EINPUT},
		{"no such name", "no-such-host.invalid:0", SOU_EINPUT},
		{"an address of another machine", "192.0.2.1:0", SOU_EIO},
	};
	struct rig rig;
	rig_begin(&rig, NULL);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct soud_listen *listen = NULL;
		struct sou_err err = {0};
		int rc = soud_listen_new(&listen, rig.net, rig.hub_tls, cases[i].at, &rig_cbs,
					 &rig.hub, &err);
		CHECK_INT(cases[i].name, rc, ==, cases[i].rc);
		CHECK(cases[i].name, (rc == SOU_OK) == (err.text[0] == '\0'));
		if (rc == SOU_OK)
			CHECK_INT(cases[i].name, soud_listen_port(listen), >, 0);
		soud_listen_close(listen);
	}
	char taken[32];
	snprintf(taken, sizeof taken, "127.0.0.1:%u", soud_listen_port(rig.listen));
	struct soud_listen *listen = NULL;
	CHECK_INT("in use",
		  soud_listen_new(&listen, rig.net, rig.hub_tls, taken, &rig_cbs, NULL, NULL), ==,
		  SOU_EBUSY);
	rig_end(&rig, "addresses");
}

TEST(listen, over_ipv6)
{
	const char *name = "R17 IPv6 counts by /64";
	struct rig rig;
	rig_begin(&rig, NULL);
	struct soud_listen *listen = NULL;
	REQUIRE(name, soud_listen_new(&listen, rig.net, rig.hub_tls, "[::1]:0", &rig_cbs, &rig.hub,
				      NULL) == SOU_OK);
	struct sockaddr_in6 at;
	uv_ip6_addr("::1", soud_listen_port(listen), &at);
	struct sou_hash pin = soud_tls_spki(rig.hub_tls);
	const struct soud_link_new args = {.net = rig.net,
					   .tls = rig.site_tls,
					   .cbs = &rig_cbs,
					   .data = &rig.site,
					   .pin = &pin};
	struct soud_link *link;
	REQUIRE(name, soud_link_connect(&link, &args, (struct sockaddr *)&at) == SOU_OK);
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && rig.site.opened == 1);
	CHECK(name, strncmp(rig.hub.addr.text, "[::1]:", 6) == 0);
	soud_listen_close(listen);
	rig_end(&rig, name);
}

TEST(listen, closed_with_all_kinds_under_way)
{
	const char *name = "closing ends handshakes and parked ones, open links live";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig_open(&rig, name);
	struct raw *raws[20];
	connect_crowd(&rig, raws, 20);
	RIG_UNTIL(&rig, name, soud_net_stats(rig.net).parked == 12);
	soud_listen_close(rig.listen);
	rig.listen = NULL;
	RIG_UNTIL(&rig, name, ended(raws, 20) == 20);
	CHECK_U64(name, soud_net_stats(rig.net).handshakes, ==, 0);
	CHECK_INT(name, rig.hub.refused, ==, 20);
	soud_link_send_frame(rig.site.link, 1, "x", 1);
	RIG_UNTIL(&rig, name, rig.hub.frames == 1);
	close_crowd(raws, 20);
	rig_end(&rig, name);
}
