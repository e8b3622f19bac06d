/* soud_join against a hub that answers as the test says, over real TLS: what it sends, how each end
 * of the exchange is told, and that nothing is sent to a hub that does not hold the invite's key.
 * The site runs in a thread of its own, the hub in the rig's loop. */
#include "daemon/join.h"

#include <pthread.h>
#include <stdatomic.h>
#include <stdio.h>
#include <unistd.h>

#include "daemon/replica/hub.h"
#include "proto/invite.h"
#include "proto/msg.h"
#include "tests/daemon/net/rig.h"

enum hub_does {
	HUB_JOINED,
	HUB_BYE_USED,
	HUB_BYE_BROKEN,
	HUB_JOINED_BROKEN,
	HUB_HELLO,
	HUB_UNKNOWN_THEN_JOINED,
	HUB_CLOSES,
	HUB_SILENT,
};

struct site {
	struct soud_join_args args;
	struct soud_join_result result;
	struct sou_err err;
	int rc;
	atomic_bool done;
};

static void *site_thread(void *arg)
{
	struct site *site = arg;
	site->rc = soud_join(&site->args, &site->result, &site->err);
	atomic_store(&site->done, true);
	return NULL;
}

static void send_body(struct soud_link *link, uint8_t kind, struct sou_buf *body)
{
	REQUIRE("hub sends", !body->failed);
	REQUIRE("hub sends",
		soud_link_send_frame(link, kind, body->p, (uint32_t)body->n) == SOU_OK);
	sou_buf_fini(body);
}

static void hub_frame(struct soud_link *link, struct seen *seen, const struct sou_frame *frame)
{
	struct sou_buf body = {0};
	const struct sou_hash op = {{1}};
	if (frame->kind != SOU_FRAME_JOIN)
		return;
	switch (*(enum hub_does *)seen->arg) {
	case HUB_UNKNOWN_THEN_JOINED:
		REQUIRE("hub sends", soud_link_send_frame(link, 99, "x", 1) == SOU_OK);
		sou_joined_pack(&body, &op);
		send_body(link, SOU_FRAME_JOINED, &body);
		break;
	case HUB_JOINED:
		sou_joined_pack(&body, &op);
		send_body(link, SOU_FRAME_JOINED, &body);
		break;
	case HUB_BYE_USED:
		sou_bye_pack(&body, SOU_BYE_INVITE_USED, "P8.9", "used");
		send_body(link, SOU_FRAME_BYE, &body);
		break;
	case HUB_BYE_BROKEN:
		REQUIRE("hub sends", soud_link_send_frame(link, SOU_FRAME_BYE, "x", 1) == SOU_OK);
		break;
	case HUB_JOINED_BROKEN:
		REQUIRE("hub sends",
			soud_link_send_frame(link, SOU_FRAME_JOINED, "x", 1) == SOU_OK);
		break;
	case HUB_HELLO:
		REQUIRE("hub sends", soud_link_send_frame(link, SOU_FRAME_HELLO, "x", 1) == SOU_OK);
		break;
	case HUB_CLOSES:
		soud_link_close(link);
		break;
	case HUB_SILENT:
		break;
	}
}

static const char *invite_for(const struct rig *rig, const struct sou_hash *pin, unsigned port)
{
	struct sou_invite invite = {.tls = *pin, .genesis = {{7}}, .net = {{8}}, .secret = {9}};
	char *text = test_alloc(SOU_INVITE_TEXT_BYTES_MAX);
	size_t n;
	(void)rig;
	snprintf(invite.address, sizeof invite.address, "127.0.0.1:%u", port);
	REQUIRE("invite", sou_invite_write(&invite, text, &n) == SOU_OK);
	return text;
}

/* P12.6: both signatures of the frame that the hub got, over this very channel. */
static void check_frame(const char *name, const struct rig *rig)
{
	const struct sou_span body = {rig->hub.last, rig->hub.last_bytes};
	struct sou_join join;
	CHECK_INT(name, rig->hub.frames, ==, 1);
	CHECK_INT(name, rig->hub.last_kind, ==, SOU_FRAME_JOIN);
	REQUIRE(name, sou_join_unpack(&join, body) == SOU_OK);
	static const uint8_t none[64] = {0};
	CHECK(name, memcmp(join.enrol_signature, none, 64) != 0);
	CHECK(name, memcmp(join.join_signature, none, 64) != 0);
	CHECK(name, memcmp(join.join_signature, join.enrol_signature, 64) != 0);
	CHECK_INT(name, join.net.b[0], ==, 8);
}

static const struct {
	const char *name;
	enum hub_does hub;
	unsigned timeout_ms;
	int rc;
	unsigned bye;
	const char *reason;
} answer_cases[] = {
	{"P12.6 joined", HUB_JOINED, 20000, SOU_OK, 0, ""},
	{"P11.2 unknown frames are passed over", HUB_UNKNOWN_THEN_JOINED, 20000, SOU_OK, 0, ""},
	{"P12.6 bye", HUB_BYE_USED, 20000, SOU_EDENIED, SOU_BYE_INVITE_USED, ""},
	{"P12.6 bye that is none", HUB_BYE_BROKEN, 20000, SOU_EPROTO, 0, "bye"},
	{"P12.6 joined that is none", HUB_JOINED_BROKEN, 20000, SOU_EPROTO, 0, "joined"},
	{"P12.6 another frame", HUB_HELLO, 20000, SOU_EPROTO, 0, "hello"},
	{"P12.6 closed without answer", HUB_CLOSES, 20000, SOU_EAGAIN, 0, "closed by the peer"},
	{"P12.6 no answer", HUB_SILENT, 300, SOU_EAGAIN, 0, ""},
};
TEST(join, answers)
{
	for (size_t i = 0; i < ARRAY_LEN(answer_cases); i++) {
		const char *name = answer_cases[i].name;
		struct rig rig;
		enum hub_does does = answer_cases[i].hub;
		rig_begin(&rig, NULL);
		rig.hub.arg = &does;
		rig.hub.on_frame = hub_frame;
		const struct sou_hash pin = soud_tls_spki(rig.hub_tls);
		const char *invite = invite_for(&rig, &pin, ntohs(rig.hub_at.sin_port));
		struct site site = {
			.args = {.data_dir = test_path(test_printf("site-%zu", i)),
				 .state_dir = test_path(test_printf("state-%zu", i)),
				 .invite = {(const uint8_t *)invite, strlen(invite)},
				 .timeout_ms = answer_cases[i].timeout_ms},
		};
		pthread_t thread;
		REQUIRE(name, pthread_create(&thread, NULL, site_thread, &site) == 0);
		RIG_UNTIL(&rig, name, atomic_load(&site.done));
		pthread_join(thread, NULL);
		if (site.rc != answer_cases[i].rc)
			CHECK_STR(name, site.err.text, "");
		CHECK_INT(name, site.rc, ==, answer_cases[i].rc);
		CHECK_INT(name, site.result.bye, ==, answer_cases[i].bye);
		CHECK(name, strstr(site.result.reason, answer_cases[i].reason) != NULL);
		check_frame(name, &rig);
		const char *db = test_printf("%s/replica.db", site.args.data_dir);
		CHECK_INT(name, access(db, F_OK) == 0, ==, answer_cases[i].rc == SOU_OK);
		rig_end(&rig, name);
	}
}

TEST(join, not_the_hub)
{
	struct rig rig;
	rig_begin(&rig, NULL);
	const struct sou_hash wrong = {{3}};
	const char *invite = invite_for(&rig, &wrong, ntohs(rig.hub_at.sin_port));
	struct site site = {.args = {.data_dir = test_path("site"),
				     .state_dir = test_path("state"),
				     .invite = {(const uint8_t *)invite, strlen(invite)},
				     .timeout_ms = 20000}};
	pthread_t thread;
	REQUIRE("thread", pthread_create(&thread, NULL, site_thread, &site) == 0);
	RIG_UNTIL(&rig, "R18 pin", atomic_load(&site.done));
	pthread_join(thread, NULL);
	CHECK_INT("R18 another key at the address", site.rc, ==, SOU_EKEY);
	CHECK_INT("R18 nothing was sent", rig.hub.frames, ==, 0);
	CHECK_STR("address is told", site.result.address,
		  test_printf("127.0.0.1:%u", ntohs(rig.hub_at.sin_port)));
	rig_end(&rig, "R18 pin");

	/* Nobody listens there any more. */
	site.done = false;
	site_thread(&site);
	CHECK_INT("nobody listens", site.rc, ==, SOU_EAGAIN);

	static const char text[] = "soukatsu1-x";
	site.args.invite = (struct sou_span){(const uint8_t *)text, sizeof text - 1};
	site_thread(&site);
	CHECK_INT("P12.5 not an invite", site.rc, ==, SOU_EINPUT);
	CHECK_STR("P12.5 not an invite", site.result.address, "");
}
