/* test_dial.c - the one link that a site keeps alive: how long it waits, when it does not, and what
 * it says about itself. */
#include "daemon/net/dial.h"

#include <sys/socket.h>
#include <unistd.h>

#include "tests/daemon/net/rig.h"

struct dice { /* the jitter of a test: what comes next, and how often it was asked */
	uint64_t next;
	int asked;
};

static uint64_t roll(void *random)
{
	struct dice *dice = random;
	dice->asked++;
	return dice->next;
}

static struct soud_dial *dial_to(struct rig *rig, const char *hostport, uint32_t min, uint32_t max,
				 struct dice *dice)
{
	const struct soud_dial_args args = {
		.net = rig->net,
		.tls = rig->site_tls,
		.hostport = hostport,
		.pin = soud_tls_spki(rig->hub_tls),
		.retry_ms_min = min,
		.retry_ms_max = max,
		.random_cb = roll,
		.random = dice,
		.cbs = &rig_cbs,
		.data = &rig->site,
	};
	struct soud_dial *dial = NULL;
	struct sou_err err = {0};
	REQUIRE("dial", soud_dial_new(&dial, &args, &err) == SOU_OK);
	return dial;
}

static const char *hub_at(const struct rig *rig)
{
	return test_printf("127.0.0.1:%u", soud_listen_port(rig->listen));
}

/* A port of this machine on which nobody listens. */
static const char *nowhere(struct rig *rig)
{
	struct soud_listen *listen = NULL;
	REQUIRE("dial", soud_listen_new(&listen, rig->net, rig->hub_tls, "127.0.0.1:0", &rig_cbs,
					NULL, NULL) == SOU_OK);
	const char *at = test_printf("127.0.0.1:%u", soud_listen_port(listen));
	soud_listen_close(listen);
	rig_go_on(rig, "dial", 5);
	return at;
}

static enum soud_dial_state state(const struct soud_dial *dial)
{
	return soud_dial_status(dial).state;
}

TEST(dial, refused_arguments)
{
	struct rig rig;
	rig_begin(&rig, NULL);
	static const char *const bad[] = {"hub", "hub:0", "::1:8443", ""};
	for (size_t i = 0; i < ARRAY_LEN(bad); i++) {
		struct dice dice = {0};
		const struct soud_dial_args args = {.net = rig.net,
						    .tls = rig.site_tls,
						    .hostport = bad[i],
						    .pin = soud_tls_spki(rig.hub_tls),
						    .retry_ms_min = 1,
						    .retry_ms_max = 1,
						    .random_cb = roll,
						    .random = &dice,
						    .cbs = &rig_cbs};
		struct soud_dial *dial = NULL;
		struct sou_err err = {0};
		CHECK_INT(bad[i], soud_dial_new(&dial, &args, &err), ==, SOU_EINPUT);
		CHECK(bad[i], dial == NULL && err.text[0] != '\0');
	}
	rig_end(&rig, "dial");
}

TEST(dial, up)
{
	const char *name = "a dial comes up and says so";
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, NULL);
	struct soud_dial *dial = dial_to(&rig, hub_at(&rig), 10, 100, &dice);
	CHECK_INT(name, state(dial), ==, SOUD_DIAL_PAUSED);
	CHECK(name, soud_dial_link(dial) == NULL);
	soud_dial_resume(dial);
	soud_dial_resume(dial);
	CHECK_INT(name, state(dial), ==, SOUD_DIAL_RESOLVING);
	RIG_UNTIL(&rig, name, state(dial) == SOUD_DIAL_UP && rig.hub.opened == 1);
	struct soud_dial_status status = soud_dial_status(dial);
	CHECK_STR(name, status.addr, hub_at(&rig));
	CHECK_INT(name, status.attempts, ==, 0);
	CHECK(name, !status.ended && soud_dial_link(dial) == rig.site.link);
	CHECK_INT("no dice without waiting", dice.asked, ==, 0);
	soud_dial_close(dial);
	RIG_UNTIL(&rig, name, rig.site.closed == 1);
	rig_end(&rig, name);
}

/* Half is certain, half is drawn. The time is read off the status, not waited for. */
TEST(dial, jitter)
{
	static const struct {
		const char *name;
		uint64_t dice, expected_ms;
	} cases[] = {
		{"least", 0, 50000},
		{"most", 50000, 100000},
		{"one more is least again", 50001, 50000},
		{"a big number", UINT64_MAX, 50000 + UINT64_MAX % 50001},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		const char *name = cases[i].name;
		struct rig rig;
		struct dice dice = {.next = cases[i].dice};
		rig_begin(&rig, NULL);
		struct soud_dial *dial = dial_to(&rig, nowhere(&rig), 100000, 100000, &dice);
		soud_dial_resume(dial);
		RIG_UNTIL(&rig, name, state(dial) == SOUD_DIAL_WAITING);
		struct soud_dial_status status = soud_dial_status(dial);
		CHECK_U64(name, status.next_ms, <=, cases[i].expected_ms);
		CHECK_U64(name, status.next_ms + 5000, >=, cases[i].expected_ms);
		CHECK(name, status.ended && status.end == SOUD_LINK_END_CONNECT);
		CHECK_STR(name, status.detail, "connection refused");
		CHECK_INT(name, rig.site.refused, ==, 1);
		soud_dial_close(dial);
		rig_end(&rig, name);
	}
}

TEST(dial, back_off_doubles)
{
	const char *name = "the waiting doubles up to its end";
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, NULL);
	struct soud_dial *dial = dial_to(&rig, nowhere(&rig), 8, 64, &dice);
	soud_dial_resume(dial);
	uint64_t begin_ms = uv_now(&rig.loop);
	RIG_UNTIL(&rig, name, rig.site.refused == 7);
	/* 4 + 8 + 16 + 32 + 32 + 32 */
	CHECK_U64(name, uv_now(&rig.loop) - begin_ms, >=, 124 - 6);
	CHECK_INT(name, dice.asked, >=, 6);
	CHECK_INT(name, soud_dial_status(dial).attempts, ==, 7);
	soud_dial_close(dial);
	rig_end(&rig, name);
}

TEST(dial, wrong_pin)
{
	const char *name = "R18 a hub with another key is not the hub";
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, NULL);
	const struct soud_dial_args args = {.net = rig.net,
					    .tls = rig.site_tls,
					    .hostport = hub_at(&rig),
					    .pin = soud_tls_spki(rig.site_tls),
					    .retry_ms_min = 5,
					    .retry_ms_max = 10,
					    .random_cb = roll,
					    .random = &dice,
					    .cbs = &rig_cbs,
					    .data = &rig.site};
	struct soud_dial *dial = NULL;
	REQUIRE(name, soud_dial_new(&dial, &args, NULL) == SOU_OK);
	soud_dial_resume(dial);
	RIG_UNTIL(&rig, name, rig.site.refused == 3);
	CHECK_INT(name, soud_dial_status(dial).end, ==, SOUD_LINK_END_PIN);
	CHECK_INT(name, rig.site.opened + rig.hub.opened, ==, 0);
	soud_dial_close(dial);
	rig_end(&rig, name);
}

static void say_hello(struct soud_link *link, struct seen *seen)
{
	(void)seen;
	soud_link_send_frame(link, 1, "", 0);
}

/* min is long: what comes back soon did so because the link had proved itself. */
static const struct {
	const char *name;
	uint32_t proven_ms; /* a link must live so long */
	bool says;          /* the hub says something */
	uint64_t wait_ms;   /* after the second end */
} proven_cases[] = {
	{"a link that lived and spoke: from the beginning", 20, true, 20},
	{"one that never spoke: on with the doubling", 20, false, 40},
	{"one that was dropped at once: on with the doubling", 1000000, true, 40},
};

TEST(dial, comes_back)
{
	for (size_t i = 0; i < ARRAY_LEN(proven_cases); i++) {
		const char *name = proven_cases[i].name;
		struct soud_net_limits limits = rig_limits();
		limits.dial_proven_ms = proven_cases[i].proven_ms;
		struct rig rig;
		struct dice dice = {0};
		rig_begin(&rig, &limits);
		if (proven_cases[i].says)
			rig.hub.on_open = say_hello;
		struct soud_dial *dial = dial_to(&rig, hub_at(&rig), 40, 80, &dice);
		soud_dial_resume(dial);
		for (int n = 1; n <= 2; n++) {
			RIG_UNTIL(&rig, name, rig.hub.opened == n && state(dial) == SOUD_DIAL_UP);
			if (proven_cases[i].says)
				RIG_UNTIL(&rig, name, rig.site.frames == (uint64_t)n);
			rig_go_on(&rig, name, 30);
			soud_link_close(rig.hub.link);
			RIG_UNTIL(&rig, name, rig.site.closed == n && rig.hub.closed == n);
		}
		uint64_t begin_ms = uv_now(&rig.loop);
		RIG_UNTIL(&rig, name, rig.hub.opened == 3);
		uint64_t waited_ms = uv_now(&rig.loop) - begin_ms;
		CHECK_U64(name, waited_ms + 10, >=, proven_cases[i].wait_ms);
		CHECK_INT(name, dice.asked, ==, 2);
		CHECK_INT(name, soud_dial_status(dial).end, ==, SOUD_LINK_END_PEER);
		soud_dial_close(dial);
		rig_end(&rig, name);
	}
}

TEST(dial, proven_begins_anew)
{
	const char *name = "after a proven link the next wait is the shortest";
	struct soud_net_limits limits = rig_limits();
	limits.dial_proven_ms = 1;
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, &limits);
	rig.hub.on_open = say_hello;
	struct soud_dial *dial = dial_to(&rig, hub_at(&rig), 20, 1000000, &dice);
	soud_dial_resume(dial);
	for (int n = 1; n <= 3; n++) {
		RIG_UNTIL(&rig, name, rig.site.frames == (uint64_t)n && rig.hub.opened == n);
		rig_go_on(&rig, name, 10);
		soud_link_close(rig.hub.link);
		RIG_UNTIL(&rig, name, state(dial) == SOUD_DIAL_WAITING && rig.hub.closed == n);
		CHECK_U64(name, soud_dial_status(dial).next_ms, <=, 10);
	}
	soud_dial_close(dial);
	rig_end(&rig, name);
}

/* What shortens a wait of a hundred seconds, and what does not. */
static void by_hand(struct soud_dial *dial)
{
	soud_dial_now(dial);
}

static void by_network(struct soud_dial *dial)
{
	soud_dial_net_changed(dial);
}

static void by_pause(struct soud_dial *dial)
{
	soud_dial_pause(dial);
	soud_dial_pause(dial);
	soud_dial_resume(dial);
}

static const struct {
	const char *name;
	void (*act)(struct soud_dial *dial);
	uint64_t hold_ms;
	bool at_once;
} hurry_cases[] = {
	{"a person asks", by_hand, 0, true},
	{"the network came back", by_network, 0, true},
	{"pause and resume", by_pause, 0, true},
	{"R17 a person asks against a hold", by_hand, 100000, true},
	{"R17 the network came back during a hold", by_network, 100000, false},
};

TEST(dial, hurry)
{
	for (size_t i = 0; i < ARRAY_LEN(hurry_cases); i++) {
		const char *name = hurry_cases[i].name;
		struct rig rig;
		struct dice dice = {0};
		rig_begin(&rig, NULL);
		struct soud_dial *dial = dial_to(&rig, nowhere(&rig), 100000, 100000, &dice);
		soud_dial_resume(dial);
		RIG_UNTIL(&rig, name, state(dial) == SOUD_DIAL_WAITING);
		if (hurry_cases[i].hold_ms > 0)
			soud_dial_hold(dial, hurry_cases[i].hold_ms);
		CHECK_U64(name, soud_dial_status(dial).next_ms + 5000, >=,
			  hurry_cases[i].hold_ms > 0 ? 100000 : 50000);
		hurry_cases[i].act(dial);
		if (hurry_cases[i].at_once) {
			RIG_UNTIL(&rig, name, rig.site.refused == 2);
		} else {
			rig_go_on(&rig, name, 50);
			CHECK_INT(name, rig.site.refused, ==, 1);
			CHECK_INT(name, state(dial), ==, SOUD_DIAL_WAITING);
		}
		soud_dial_close(dial);
		rig_end(&rig, name);
	}
}

TEST(dial, network_during_an_attempt)
{
	const char *name = "the network came back during an attempt: the next follows at once";
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, NULL);
	struct soud_dial *dial = dial_to(&rig, nowhere(&rig), 100000, 100000, &dice);
	soud_dial_resume(dial);
	CHECK_INT(name, state(dial), ==, SOUD_DIAL_RESOLVING);
	soud_dial_net_changed(dial);
	RIG_UNTIL(&rig, name, rig.site.refused == 2 && state(dial) == SOUD_DIAL_WAITING);
	rig_go_on(&rig, name, 30);
	CHECK_INT("once", rig.site.refused, ==, 2);
	soud_dial_close(dial);
	rig_end(&rig, name);
}

TEST(dial, network_changes_while_up)
{
	const char *name = "a link over an address that is still there is left alone";
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, NULL);
	struct soud_dial *dial = dial_to(&rig, hub_at(&rig), 10, 10, &dice);
	soud_dial_resume(dial);
	RIG_UNTIL(&rig, name, state(dial) == SOUD_DIAL_UP && rig.hub.opened == 1);
	CHECK(name, !soud_link_address_lost(soud_dial_link(dial)));
	soud_dial_net_changed(dial);
	rig_go_on(&rig, name, 30);
	CHECK_INT(name, state(dial), ==, SOUD_DIAL_UP);
	CHECK_INT(name, rig.site.closed, ==, 0);
	soud_dial_close(dial);
	rig_end(&rig, name);
}

TEST(dial, pause_when_up)
{
	const char *name = "a pause closes in order and keeps quiet";
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, NULL);
	struct soud_dial *dial = dial_to(&rig, hub_at(&rig), 5, 5, &dice);
	soud_dial_resume(dial);
	RIG_UNTIL(&rig, name, state(dial) == SOUD_DIAL_UP && rig.hub.opened == 1);
	soud_link_send_frame(soud_dial_link(dial), 16, "bye", 3);
	soud_dial_pause(dial);
	CHECK(name, soud_dial_link(dial) == NULL);
	RIG_UNTIL(&rig, name, rig.hub.closed == 1 && rig.site.closed == 1);
	CHECK_U64("what was queued went out", rig.hub.frames, ==, 1);
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "PEER");
	soud_dial_now(dial);
	soud_dial_net_changed(dial);
	rig_go_on(&rig, name, 40);
	CHECK_INT(name, rig.hub.opened, ==, 1);
	soud_dial_resume(dial);
	RIG_UNTIL(&rig, name, rig.hub.opened == 2);
	soud_dial_close(dial);
	rig_end(&rig, name);
}

TEST(dial, next_address)
{
	const char *name = "a name with several addresses: the one that answers";
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, NULL);
	const char *at = test_printf("localhost:%u", soud_listen_port(rig.listen)); /* IPv4 only */
	struct soud_dial *dial = dial_to(&rig, at, 100000, 100000, &dice);
	soud_dial_resume(dial);
	RIG_UNTIL(&rig, name, state(dial) == SOUD_DIAL_UP);
	CHECK_INT("no waiting between them", dice.asked, ==, 0);
	soud_dial_close(dial);
	rig_end(&rig, name);
}

TEST(dial, no_such_name)
{
	const char *name = "a name that nobody knows";
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, NULL);
	struct soud_dial *dial = dial_to(&rig, "no-such-host.invalid:1", 100000, 100000, &dice);
	soud_dial_resume(dial);
	RIG_UNTIL(&rig, name, state(dial) == SOUD_DIAL_WAITING);
	struct soud_dial_status status = soud_dial_status(dial);
	CHECK(name,
	      status.ended && status.end == SOUD_LINK_END_CONNECT && status.detail[0] != '\0');
	soud_dial_close(dial);
	rig_end(&rig, name);
}

static void close_dial_open(struct soud_link *link, struct seen *seen)
{
	(void)link;
	soud_dial_close(*(struct soud_dial **)seen->arg);
}

TEST(dial, closed_at_any_time)
{
	static const char *const when[] = {"paused", "resolving", "connecting", "inside open_cb",
					   "inside closed_cb"};
	for (size_t i = 0; i < ARRAY_LEN(when); i++) {
		struct rig rig;
		struct dice dice = {0};
		rig_begin(&rig, NULL);
		struct soud_dial *dial = dial_to(&rig, hub_at(&rig), 5, 5, &dice);
		rig.site.arg = &dial;
		if (i == 3)
			rig.site.on_open = close_dial_open;
		if (i == 4)
			rig.site.on_closed = close_dial_open;
		if (i >= 1)
			soud_dial_resume(dial);
		if (i == 2)
			RIG_UNTIL(&rig, when[i], state(dial) == SOUD_DIAL_CONNECTING);
		if (i == 4) {
			RIG_UNTIL(&rig, when[i], rig.hub.opened == 1);
			soud_link_close(rig.hub.link);
		}
		if (i >= 3)
			RIG_UNTIL(&rig, when[i], rig.site.closed == 1);
		else
			soud_dial_close(dial);
		rig_end(&rig, when[i]);
		CHECK_INT(when[i], rig.site.opened, ==, i >= 3);
	}
}

TEST(dial, no_answer)
{
	const char *name = "an address that never answers is given up in time";
	struct soud_net_limits limits = rig_limits();
	limits.connect_ms_max = 30;
	struct rig rig;
	struct dice dice = {0};
	rig_begin(&rig, &limits);
	/* A listener whose queue is full lets no handshake of TCP through. */
	int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
	socklen_t n = sizeof at;
	REQUIRE(name, bind(fd, (struct sockaddr *)&at, n) == 0 && listen(fd, 0) == 0);
	getsockname(fd, (struct sockaddr *)&at, &n);
	int fill[3];
	for (size_t i = 0; i < ARRAY_LEN(fill); i++) {
		fill[i] = socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
		(void)!connect(fill[i], (struct sockaddr *)&at, sizeof at); /* under way at best */
	}
	struct soud_dial *dial = dial_to(&rig, test_printf("127.0.0.1:%u", ntohs(at.sin_port)),
					 100000, 100000, &dice);
	soud_dial_resume(dial);
	RIG_UNTIL(&rig, name, state(dial) == SOUD_DIAL_WAITING);
	CHECK_INT(name, soud_dial_status(dial).end, ==, SOUD_LINK_END_CONNECT);
	CHECK_STR(name, soud_dial_status(dial).detail, "no answer");
	soud_dial_close(dial);
	for (size_t i = 0; i < ARRAY_LEN(fill); i++)
		close(fill[i]);
	close(fd);
	rig_end(&rig, name);
}
