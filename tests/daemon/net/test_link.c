/* test_link.c - frames over a link: order, bounds, back-pressure, slow peers and each way to the
 * end (R17, R18, P11.1). */
#include "tests/daemon/net/rig.h"

#include "proto/limits.h"

static void echo(struct soud_link *link, struct seen *seen, const struct sou_frame *frame)
{
	(void)seen;
	int rc = soud_link_send_frame(link, frame->kind, frame->body, frame->body_bytes);
	CHECK_INT("echo", rc, ==, SOU_OK);
}

struct stream { /* of numbered frames */
	uint32_t sent, count;
	uint64_t received;
	bool in_order;
};

static void send_more(struct soud_link *link, struct seen *seen)
{
	struct stream *stream = seen->arg;
	static const uint8_t body[20000];
	while (stream->sent < stream->count) {
		uint32_t n = stream->sent % 97 == 0 ? sizeof body : stream->sent % 300;
		if (n >= 4) {
			uint8_t numbered[sizeof body] = {0};
			memcpy(numbered, &stream->sent, 4);
			if (soud_link_send_frame(link, 3, numbered, n) != SOU_OK)
				return;
		} else if (soud_link_send_frame(link, 3, body, n) != SOU_OK) {
			return;
		}
		stream->sent++;
	}
}

static void check_number(struct soud_link *link, struct seen *seen, const struct sou_frame *frame)
{
	(void)link;
	struct stream *stream = seen->arg;
	uint32_t n = stream->received % 97 == 0 ? 20000 : stream->received % 300;
	uint32_t number = (uint32_t)stream->received;
	if (frame->body_bytes != n || frame->kind != 3 ||
	    (n >= 4 && memcmp(frame->body, &number, 4) != 0))
		stream->in_order = false;
	stream->received++;
}

TEST(link, echo_of_ten_thousand)
{
	const char *name = "R18 10,000 frames there and back";
	struct rig rig;
	rig_begin(&rig, NULL);
	struct stream stream = {.count = 10000, .in_order = true};
	rig.hub.on_frame = echo;
	rig.site.on_frame = check_number;
	rig.site.on_drain = send_more;
	rig.site.on_open = send_more;
	rig.site.arg = &stream;
	rig_open(&rig, name);
	RIG_UNTIL(&rig, name, stream.received == stream.count || rig.site.closed > 0);
	CHECK(name, stream.in_order);
	CHECK_U64(name, rig.hub.frames, ==, stream.count);
	rig_end(&rig, name);
}

TEST(link, idle_holds_nothing)
{
	struct rig rig;
	rig_begin(&rig, NULL);
	rig_open(&rig, "R17 idle");
	rig.hub.on_frame = echo;
	soud_link_send_frame(rig.site.link, 1, "ping", 4);
	RIG_UNTIL(&rig, "R17 idle", rig.site.frames == 1);
	CHECK_U64("R17 nothing is held for an idle link", soud_net_stats(rig.net).held_bytes, ==,
		  0);
	CHECK_MEM("body", rig.site.last, rig.site.last_bytes, "ping", 4);
	CHECK_U64("queued", soud_link_queued(rig.site.link), ==, 0);
	rig_end(&rig, "R17 idle");
}

/* What a hostile or broken stream does to a link of the hub. */
static const struct {
	const char *name, *hex; /* plain bytes, sent in one record */
	uint32_t fill;          /* and so many zeros after it */
	bool bye;               /* then close_notify; else the stream just ends */
	int frames;
	enum soud_link_end end;
} stream_cases[] = {
	{"P11.1 zero length", "00 00 00 00", 0, true, 0, SOUD_LINK_END_FRAME},
	{"P11.1 4 GiB", "ff ff ff ff 01", 0, true, 0, SOUD_LINK_END_FRAME},
	{"P11.1 longest plus one", "00 10 00 02 01", 0, true, 0, SOUD_LINK_END_FRAME},
	{"P11.1 longest", "00 10 00 01 01", 1048576, true, 1, SOUD_LINK_END_PEER},
	{"P11.1 longest but one byte", "00 10 00 01 01", 1048575, true, 0, SOUD_LINK_END_CUT},
	{"P11.1 good, then zero length", "00 00 00 01 05 00 00 00 00", 0, true, 1,
	 SOUD_LINK_END_FRAME},
	{"R18 goodbye between frames", "00 00 00 01 05", 0, true, 1, SOUD_LINK_END_PEER},
	{"R18 goodbye in mid-frame", "00 00 00 02 05", 0, true, 0, SOUD_LINK_END_CUT},
	{"R18 goodbye in the length", "00 00", 0, true, 0, SOUD_LINK_END_CUT},
	{"R18 end of file between frames", "00 00 00 01 05", 0, false, 1, SOUD_LINK_END_CUT},
	{"R18 end of file in mid-frame", "00 00 00 09 05 01", 0, false, 0, SOUD_LINK_END_CUT},
};

TEST(link, streams)
{
	for (size_t i = 0; i < ARRAY_LEN(stream_cases); i++) {
		const char *name = stream_cases[i].name;
		struct rig rig;
		rig_begin(&rig, NULL);
		struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
		RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
		struct test_bytes head = test_hex(stream_cases[i].hex);
		uint8_t *all = test_alloc(head.n + stream_cases[i].fill);
		memset(all, 0, head.n + stream_cases[i].fill);
		memcpy(all, head.b, head.n);
		raw_write(raw, all, head.n + stream_cases[i].fill);
		if (stream_cases[i].bye)
			raw_bye(raw);
		raw_shutdown(raw);
		RIG_UNTIL(&rig, name, rig.hub.closed == 1);
		CHECK_INT(name, rig.hub.frames, ==, stream_cases[i].frames);
		CHECK_STR(name, soud_link_end_name(rig.hub.end),
			  soud_link_end_name(stream_cases[i].end));
		raw_close(raw);
		rig_end(&rig, name);
	}
}

TEST(link, split_at_every_byte)
{
	const char *name = "R18 three frames, each byte of TLS in a packet of its own";
	struct rig rig;
	rig_begin(&rig, NULL);
	struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
	struct test_bytes three =
		test_hex("00 00 00 04 01 61 62 63 00 00 00 01 02 00 00 00 02 03 7a");
	struct test_bytes sealed = raw_seal(raw, three.b, three.n);
	for (size_t i = 0; i < sealed.n; i++) {
		raw_send(raw, sealed.b + i, 1);
		uv_run(&rig.loop, UV_RUN_NOWAIT);
	}
	RIG_UNTIL(&rig, name, rig.hub.frames == 3);
	CHECK_INT(name, rig.hub.last_kind, ==, 3);
	CHECK_MEM(name, rig.hub.last, rig.hub.last_bytes, "z", 1);
	/* And each byte of plain text in a record of its own. */
	for (size_t i = 0; i < three.n; i++)
		raw_write(raw, three.b + i, 1);
	RIG_UNTIL(&rig, name, rig.hub.frames == 6);
	raw_close(raw);
	rig_end(&rig, name);
}

/* Of a peer that is not known yet less is taken, whether the length comes whole or in pieces. */
TEST(link, a_lower_bound_for_frames)
{
	static const struct {
		const char *name;
		uint32_t body;
		size_t first; /* so many bytes come alone */
		bool taken;
	} rows[] = {
		{"R17 at the bound", 4096, 0, true},
		{"R17 at it, in pieces", 4096, 3, true},
		{"R17 one past it", 4097, 0, false},
		{"R17 one past it, in pieces", 4097, 3, false},
		{"R17 far past it", SOU_FRAME_BODY_BYTES_MAX, 0, false},
	};
	static uint8_t all[SOU_FRAME_HEAD_BYTES + SOU_FRAME_BODY_BYTES_MAX];
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct rig rig;
		rig_begin(&rig, NULL);
		struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
		RIG_UNTIL(&rig, rows[i].name, rig.hub.opened == 1 && raw->shaken);
		soud_link_frames(rig.hub.link, 4096);
		sou_frame_head(all, 4, rows[i].body);
		size_t n = SOU_FRAME_HEAD_BYTES + (rows[i].taken ? rows[i].body : 0);
		if (rows[i].first > 0) {
			raw_write(raw, all, rows[i].first);
			rig_go_on(&rig, rows[i].name, 20);
		}
		raw_write(raw, all + rows[i].first, n - rows[i].first);
		RIG_UNTIL(&rig, rows[i].name, rig.hub.frames == 1 || rig.hub.closed == 1);
		CHECK_INT(rows[i].name, rig.hub.frames, ==, rows[i].taken);
		if (!rows[i].taken)
			CHECK_STR(rows[i].name, soud_link_end_name(rig.hub.end), "FRAME");
		raw_close(raw);
		rig_end(&rig, rows[i].name);
	}
}

TEST(link, big_frame_in_small_records)
{
	const char *name = "P11.1 1 MiB in records of 1,000 bytes";
	struct rig rig;
	rig_begin(&rig, NULL);
	struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
	size_t n = SOU_FRAME_HEAD_BYTES + SOU_FRAME_BODY_BYTES_MAX;
	uint8_t *all = test_alloc(n);
	for (size_t i = 0; i < n; i++)
		all[i] = (uint8_t)(i * 31 >> 3);
	sou_frame_head(all, 4, SOU_FRAME_BODY_BYTES_MAX);
	for (size_t at = 0; at < n; at += 1000) {
		raw_write(raw, all + at, n - at < 1000 ? n - at : 1000);
		uv_run(&rig.loop, UV_RUN_NOWAIT);
		CHECK_U64("P16.2 memory for bytes received", soud_net_stats(rig.net).held_bytes, <=,
			  2 * (at + 1000) + 512);
	}
	RIG_UNTIL(&rig, name, rig.hub.frames == 1);
	CHECK_MEM(name, rig.hub.last, rig.hub.last_bytes, all + SOU_FRAME_HEAD_BYTES,
		  SOU_FRAME_BODY_BYTES_MAX);
	raw_close(raw);
	rig_end(&rig, name);
}

/* ---- Time ---- */

static const struct {
	const char *name, *hex; /* plain, then silence */
	bool half_record;       /* leave out the last byte of the record */
	bool paused, slow;
} slow_cases[] = {
	{"R17 in mid-frame", "00 00 10 00 01 02", false, false, true},
	{"R17 in the length", "00", false, false, true},
	{"R17 in mid-record", "00 00 00 01 01", true, false, true},
	{"R17 between frames", "00 00 00 01 01", false, false, false},
	{"R17 in mid-frame, but it is us who do not read", "00 00 10 00 01 02", false, true, false},
};

TEST(link, slow_peer)
{
	for (size_t i = 0; i < ARRAY_LEN(slow_cases); i++) {
		const char *name = slow_cases[i].name;
		struct soud_net_limits limits = rig_limits();
		limits.slow_ms = 100;
		struct rig rig;
		rig_begin(&rig, &limits);
		struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
		RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
		uint64_t begin_ms = uv_now(&rig.loop);
		struct test_bytes plain = test_hex(slow_cases[i].hex);
		struct test_bytes sealed = raw_seal(raw, plain.b, plain.n);
		raw_send(raw, sealed.b, sealed.n - slow_cases[i].half_record);
		if (slow_cases[i].paused) {
			RIG_UNTIL(&rig, name, soud_net_stats(rig.net).frames_in_bytes == plain.n);
			soud_link_pause(rig.hub.link);
		}
		if (slow_cases[i].slow) {
			RIG_UNTIL(&rig, name, rig.hub.closed == 1);
			CHECK_STR(name, soud_link_end_name(rig.hub.end), "SLOW");
			CHECK_U64(name, uv_now(&rig.loop) - begin_ms, >=, limits.slow_ms);
		} else {
			rig_go_on(&rig, name, 4 * limits.slow_ms);
			CHECK_INT(name, rig.hub.closed, ==, 0);
		}
		raw_close(raw);
		rig_end(&rig, name);
	}
}

/* Two peers in the same windows: the one with a byte less goes first. */
TEST(link, slow_bound)
{
	const char *name = "P16.1 1,023 bytes are slow, 1,024 are not";
	struct soud_net_limits limits = rig_limits();
	limits.slow_ms = 100;
	struct rig rig;
	rig_begin(&rig, &limits);
	struct raw *raws[2];
	struct soud_link *links[2];
	for (int i = 0; i < 2; i++) {
		raws[i] = raw_connect(&rig, raw_ctx("ED25519", 1));
		RIG_UNTIL(&rig, name, rig.hub.opened == i + 1 && raws[i]->shaken);
		links[i] = rig.hub.link;
	}
	struct test_bytes head = test_hex("00 10 00 00 01");
	raw_write(raws[0], head.b, head.n);
	raw_write(raws[1], head.b, head.n);
	RIG_UNTIL(&rig, name, soud_net_stats(rig.net).frames_in_bytes == 2 * head.n);
	static const uint8_t zeros[1024];
	raw_write(raws[0], zeros, 1023);
	raw_write(raws[1], zeros, 1024);
	RIG_UNTIL(&rig, name, rig.hub.closed == 1);
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "SLOW");
	CHECK(name, rig.hub.link == links[1] && soud_link_is_open(links[1]));
	RIG_UNTIL(&rig, name, rig.hub.closed == 2); /* a window without a byte */
	raw_close(raws[0]);
	raw_close(raws[1]);
	rig_end(&rig, name);
}

TEST(link, timer)
{
	const char *name = "P13.14 the session's timer";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig_open(&rig, name);
	soud_link_timer(rig.site.link, 20);
	soud_link_timer(rig.hub.link, 20);
	soud_link_timer(rig.hub.link, 0);
	RIG_UNTIL(&rig, name, rig.site.timed == 1);
	rig_go_on(&rig, name, 60);
	CHECK_INT("once", rig.site.timed, ==, 1);
	CHECK_INT("stopped", rig.hub.timed, ==, 0);
	soud_link_timer(rig.site.link, 30);
	soud_link_close(rig.site.link);
	RIG_UNTIL(&rig, name, rig.site.closed == 1);
	CHECK_INT("none after the end", rig.site.timed, ==, 1);
	rig_end(&rig, name);
}

/* ---- Back-pressure ---- */

TEST(link, queue_is_bounded)
{
	const char *name = "P16.1 4 MiB a link";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig_open(&rig, name);
	soud_link_pause(rig.hub.link);
	static const uint8_t body[65536];
	size_t sent = 0, turns = 0;
	int rc = SOU_OK;
	/* The kernel's own buffers fill first, then ours. */
	while (rc == SOU_OK) {
		rc = soud_link_send_frame(rig.site.link, 1, body, sizeof body);
		sent += rc == SOU_OK;
		if (++turns % 16 == 0)
			uv_run(&rig.loop, UV_RUN_NOWAIT);
		REQUIRE(name, turns < 4096);
	}
	CHECK_INT(name, rc, ==, SOU_ELIMIT);
	CHECK_U64(name, soud_net_stats(rig.net).held_bytes, <=, SOU_LINK_BYTES_MAX);
	CHECK_U64(name, soud_link_queued(rig.site.link), >, SOU_LINK_BYTES_MAX / 2);
	size_t room = soud_link_room(rig.site.link);
	CHECK_U64(name, room, <, SOU_FRAME_HEAD_BYTES + sizeof body);
	if (room > SOU_FRAME_HEAD_BYTES) {
		uint32_t last = (uint32_t)(room - SOU_FRAME_HEAD_BYTES);
		CHECK_INT("all or nothing: one byte more",
			  soud_link_send_frame(rig.site.link, 1, body, last + 1), ==, SOU_ELIMIT);
		CHECK_INT("what fits exactly", soud_link_send_frame(rig.site.link, 1, body, last),
			  ==, SOU_OK);
		CHECK_U64("full", soud_link_room(rig.site.link), ==, 0);
		sent++;
	}
	rig.site.drained = 0; /* the kernel's buffers had room at first */
	rig_go_on(&rig, name, 30);
	CHECK_INT("no room, no call", rig.site.drained, ==, 0);
	soud_link_resume(rig.hub.link);
	RIG_UNTIL(&rig, name, rig.hub.frames == sent && rig.site.drained > 0);
	CHECK_INT("told once", rig.site.drained, ==, 1);
	CHECK_INT(name, rig.site.closed + rig.hub.closed, ==, 0);
	rig_end(&rig, name);
}

TEST(link, all_links_are_bounded)
{
	const char *name = "P16.1 memory of all links";
	struct soud_net_limits limits = rig_limits();
	limits.links_bytes_max = 3u << 20;
	struct rig rig;
	rig_begin(&rig, &limits);
	struct soud_link *links[3];
	for (int i = 0; i < 3; i++) {
		rig_open(&rig, name);
		links[i] = rig.site.link;
		soud_link_pause(rig.hub.link);
	}
	static const uint8_t body[65536];
	int refused = 0;
	for (int turn = 0; turn < 400; turn++) {
		for (int i = 0; i < 3; i++) {
			int rc = soud_link_send_frame(links[i], 1, body, sizeof body);
			refused += rc == SOU_ELIMIT;
		}
		uv_run(&rig.loop, UV_RUN_NOWAIT);
		CHECK_U64(name, soud_net_stats(rig.net).held_bytes, <=,
			  limits.links_bytes_max + 3 * 80000);
	}
	CHECK_INT(name, refused, >, 0);
	for (size_t room; (room = soud_link_room(links[0])) > 0;)
		soud_link_send(links[0], body, room < sizeof body ? room : sizeof body);
	/* A new connection waits outside until there is room again. */
	int opened = rig.hub.opened;
	rig_link(&rig);
	rig_go_on(&rig, name, 50);
	CHECK_INT("refuse new", rig.hub.opened, ==, opened);
	CHECK_U64("counted", soud_net_stats(rig.net).accepts_deferred, ==, 1);
	soud_link_abort(links[0], SOUD_LINK_END_LOCAL);
	soud_link_abort(links[1], SOUD_LINK_END_LOCAL);
	RIG_UNTIL(&rig, name, rig.hub.opened == opened + 1);
	rig_end(&rig, name);
}

TEST(link, drain_when_others_made_room)
{
	const char *name = "R17 called back when all links have room again";
	struct soud_net_limits limits = rig_limits();
	limits.links_bytes_max = 3u << 20;
	struct rig rig;
	rig_begin(&rig, &limits);
	rig_open(&rig, name);
	struct soud_link *greedy = rig.site.link;
	soud_link_pause(rig.hub.link);
	rig_open(&rig, name);
	struct soud_link *modest = rig.site.link;
	static const uint8_t body[65536];
	size_t room;
	for (int turns = 1; (room = soud_link_room(greedy)) > 0; turns++) {
		soud_link_send(greedy, body, room < sizeof body ? room : sizeof body);
		if (turns % 16 == 0)
			uv_run(&rig.loop, UV_RUN_NOWAIT);
	}
	rig.site.drained = 0; /* the kernel's buffers had room at first */
	CHECK_INT(name, soud_link_send_frame(modest, 1, body, sizeof body), ==, SOU_ELIMIT);
	rig_go_on(&rig, name, 30);
	CHECK_INT("not yet", rig.site.drained, ==, 0);
	soud_link_abort(greedy, SOUD_LINK_END_LOCAL);
	RIG_UNTIL(&rig, name, rig.site.drained == 1);
	CHECK_INT(name, soud_link_send_frame(modest, 1, body, sizeof body), ==, SOU_OK);
	rig_end(&rig, name);
}

TEST(link, stalled_peer)
{
	const char *name = "R17 a peer that takes nothing";
	struct soud_net_limits limits = rig_limits();
	limits.stall_ms_max = 100;
	struct rig rig;
	rig_begin(&rig, &limits);
	struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
	raw_stop_reading(raw);
	static const uint8_t body[1 << 20];
	while (rig.hub.closed == 0) {
		if (rig.hub.link != NULL && soud_link_room(rig.hub.link) > sizeof body + 5)
			soud_link_send_frame(rig.hub.link, 1, body, sizeof body);
		REQUIRE(name, rig_turn(&rig));
	}
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "STALLED");
	raw_close(raw);
	rig_end(&rig, name);
}

TEST(link, pause_and_resume)
{
	const char *name = "R24 a paused link takes nothing, then all of it";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig_open(&rig, name);
	soud_link_pause(rig.hub.link);
	soud_link_pause(rig.hub.link);
	for (int i = 0; i < 100; i++)
		soud_link_send_frame(rig.site.link, 2, "x", 1);
	rig_go_on(&rig, name, 30);
	CHECK_U64(name, rig.hub.frames, ==, 0);
	soud_link_resume(rig.hub.link);
	soud_link_resume(rig.hub.link);
	RIG_UNTIL(&rig, name, rig.hub.frames == 100);
	rig_end(&rig, name);
}

/* ---- The end ---- */

TEST(link, close_sends_what_is_queued)
{
	const char *name = "R18 an orderly close loses nothing";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig_open(&rig, name);
	static const uint8_t body[1 << 20];
	CHECK_INT(name, soud_link_send_frame(rig.site.link, 1, body, sizeof body), ==, SOU_OK);
	CHECK_INT(name, soud_link_send_frame(rig.site.link, 2, body, sizeof body), ==, SOU_OK);
	CHECK_INT(name, soud_link_send_frame(rig.site.link, 16, "bye", 3), ==, SOU_OK);
	struct soud_link *link = rig.site.link;
	soud_link_close(link);
	soud_link_close(link);
	CHECK(name, !soud_link_is_open(link));
	CHECK_INT("closing", soud_link_send(link, body, 1), ==, SOU_ESTATE);
	CHECK_U64("closing", soud_link_room(link), ==, 0);
	uint8_t exporter[SOUD_TLS_EXPORTER_BYTES];
	CHECK_INT("closing", soud_link_exporter(link, exporter), ==, SOU_ESTATE);
	RIG_UNTIL(&rig, name, rig.hub.closed == 1 && rig.site.closed == 1);
	CHECK_U64(name, rig.hub.frames, ==, 3);
	CHECK_INT(name, rig.hub.last_kind, ==, 16);
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "PEER");
	CHECK_STR(name, soud_link_end_name(rig.site.end), "LOCAL");
	rig_end(&rig, name);
}

TEST(link, close_of_a_paused_link)
{
	const char *name = "R18 closed while paused";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig_open(&rig, name);
	soud_link_pause(rig.hub.link);
	soud_link_send_frame(rig.site.link, 1, "x", 1);
	rig_go_on(&rig, name, 10);
	soud_link_close(rig.hub.link);
	RIG_UNTIL(&rig, name, rig.hub.closed == 1 && rig.site.closed == 1);
	CHECK_U64("nothing is handed up any more", rig.hub.frames, ==, 0);
	rig_end(&rig, name);
}

TEST(link, close_does_not_wait_for_ever)
{
	const char *name = "R8 a closed link is gone in the linger time";
	struct soud_net_limits limits = rig_limits();
	limits.linger_ms_max = 50;
	struct rig rig;
	rig_begin(&rig, &limits);
	struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
	raw_stop_reading(raw);
	soud_link_close(rig.hub.link);
	RIG_UNTIL(&rig, name, rig.hub.closed == 1);
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "LOCAL");
	raw_close(raw);
	rig_end(&rig, name);
}

static void abort_it(struct soud_link *link, struct seen *seen, const struct sou_frame *frame)
{
	(void)frame;
	(void)seen;
	soud_link_abort(link, SOUD_LINK_END_LIMIT);
	soud_link_abort(link, SOUD_LINK_END_LOCAL); /* the first decides */
	soud_link_close(link);
	soud_link_pause(link);
	soud_link_resume(link);
	soud_link_timer(link, 1);
}

static void close_it(struct soud_link *link, struct seen *seen, const struct sou_frame *frame)
{
	(void)frame;
	(void)seen;
	soud_link_close(link);
}

static const struct {
	const char *name;
	void (*on_frame)(struct soud_link *, struct seen *, const struct sou_frame *);
	const char *hub_end, *site_end;
} inside_cases[] = {
	{"abort inside frame_cb", abort_it, "LIMIT", "CUT"},
	{"close inside frame_cb", close_it, "LOCAL", "PEER"},
};

TEST(link, ended_inside_a_callback)
{
	for (size_t i = 0; i < ARRAY_LEN(inside_cases); i++) {
		const char *name = inside_cases[i].name;
		struct rig rig;
		rig_begin(&rig, NULL);
		rig.hub.on_frame = inside_cases[i].on_frame;
		rig_open(&rig, name);
		for (int n = 0; n < 10; n++)
			soud_link_send_frame(rig.site.link, 1, "abc", 3);
		RIG_UNTIL(&rig, name, rig.hub.closed == 1 && rig.site.closed == 1);
		CHECK_U64("one frame and no more", rig.hub.frames, ==, 1);
		CHECK_STR(name, soud_link_end_name(rig.hub.end), inside_cases[i].hub_end);
		CHECK_STR(name, soud_link_end_name(rig.site.end), inside_cases[i].site_end);
		rig_end(&rig, name);
	}
}

static void abort_at_open(struct soud_link *link, struct seen *seen)
{
	(void)seen;
	soud_link_abort(link, SOUD_LINK_END_LOCAL);
}

TEST(link, refused_at_open)
{
	const char *name = "R18 a key that the caller does not want";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig.hub.on_open = abort_at_open;
	rig_link(&rig);
	RIG_UNTIL(&rig, name, rig.hub.closed == 1 && rig.site.closed + rig.site.refused == 1);
	CHECK_INT(name, rig.hub.opened, ==, 1);
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "LOCAL");
	rig_end(&rig, name);
}

TEST(link, net_closes_all)
{
	const char *name = "R18 orderly end of all links";
	struct rig rig;
	rig_begin(&rig, NULL);
	for (int i = 0; i < 5; i++)
		rig_open(&rig, name);
	rig_link(&rig); /* and one that is on its way */
	soud_net_close_links(rig.net, true);
	RIG_UNTIL(&rig, name, rig.site.closed == 5 && rig.hub.closed == 5 && rig.site.refused == 1);
	CHECK_U64(name, soud_net_stats(rig.net).links_open, ==, 0);
	rig_end(&rig, name);
}

TEST(link, sigpipe_is_ignored)
{
	const char *name = "R18 a peer that left while we send";
	struct rig rig;
	rig_begin(&rig, NULL);
	struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
	raw_close(raw);
	static const uint8_t body[65536];
	while (rig.hub.closed == 0) {
		if (rig.hub.link != NULL)
			soud_link_send_frame(rig.hub.link, 1, body, sizeof body);
		REQUIRE(name, rig_turn(&rig));
	}
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "CUT");
	rig_end(&rig, name);
}
