/* fuzz_session - a hub's and a site's session (pair.h): the first byte says what world it is, the
 * others what happens next. In an honest world what happens is what happens to honest sites: links
 * that end, disks put back, scopes opened and closed; then all is delivered, and both must have
 * what they may read, without a close for a fault of the other. In the others frames are lost,
 * repeated, bent and made up, and the replica refuses. */
#include <string.h>

#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/pair.h"
#include "tests/lib/bed.h"

#define STEPS_MAX 600u

struct input {
	const uint8_t *p, *end;
};

static uint8_t byte(struct input *in)
{
	return in->p < in->end ? *in->p++ : 0;
}

/* Small ones, and those at bounds. */
static uint64_t number(struct input *in)
{
	static const uint64_t odd[] = {
		UINT64_MAX,        UINT64_MAX - 1,          UINT64_C(1) << 63,
		UINT64_C(1) << 40, (UINT64_C(1) << 40) - 1, 0xffffffff};
	uint8_t b = byte(in);
	return b < 250 ? b % 70 : odd[b - 250];
}

static struct sou_id scope_of(const struct pair *p, struct input *in)
{
	uint8_t b = byte(in);
	return b < 240 ? p->scopes[b % PAIR_SCOPES] : bed_id("nowhere", b);
}

static struct sou_span rest(struct input *in, size_t max)
{
	size_t n = byte(in) % (max + 1);
	if (n > (size_t)(in->end - in->p))
		n = (size_t)(in->end - in->p);
	struct sou_span s = {in->p, n};
	in->p += n;
	return s;
}

/* --- frames that are in form --- */

static void positions(const struct pair *p, struct input *in, struct sou_buf *list)
{
	uint32_t count = byte(in) % (PAIR_SCOPES + 1), from = PAIR_SCOPES - count;
	sou_positions_begin(list, count);
	for (uint32_t i = 0; i < count; i++) {
		struct sou_position at = {.scope = p->scopes[from + i], .upto = number(in)};
		at.has_digest = byte(in) % 2;
		at.digest = bed_id("digest", byte(in));
		sou_positions_put(list, &at);
	}
}

static void hello(const struct pair *p, struct input *in, uint32_t to, struct sou_buf *out)
{
	const struct pair_node *from = &p->nodes[1 - to], *n = &p->nodes[to];
	uint8_t odd = byte(in), your = byte(in);
	struct sou_hash leaf = byte(in) % 2 ? p->op_head : bed_hash("leaf", 1);
	struct sou_buf list = {0};
	struct sou_hello h = {.wire = odd == 1,
			      .rule = byte(in) % 3,
			      .flags = byte(in) % 4,
			      .net = odd == 2 ? bed_id("net", 2) : p->net,
			      .site = odd == 3 ? n->site : from->site,
			      .log = odd == 4 ? bed_id("log", 999) : from->log,
			      .instance = from->instance,
			      .your_log = your % 4 == 0 ? bed_id("log", 998) : n->log,
			      .hashed = your % 8 == 1};
	positions(p, in, &list);
	h.positions = sou_buf_span(&list);
	sou_hello_pack(out, &h, &leaf, 1);
	sou_buf_fini(&list);
}

static void news(const struct pair *p, struct input *in, bool is_headers, struct sou_buf *out)
{
	struct sou_news n = {.scope = scope_of(p, in)};
	n.after = is_headers ? 0 : number(in);
	n.upto = is_headers ? 0 : number(in);
	n.flags = byte(in) % 4;
	n.data = rest(in, 20);
	n.raw_bytes = (n.flags & SOU_DATA_ZSTD) != 0 ? number(in) : n.data.n;
	if (is_headers)
		sou_headers_pack(out, &n);
	else
		sou_news_pack(out, &n);
}

static void series(const struct pair *p, struct input *in, struct sou_buf *out)
{
	static const uint8_t none[] = {0x90};
	uint32_t count = byte(in) % 4;
	sou_authority_pack_begin(out, byte(in) % 2, count);
	for (uint32_t i = 0; i < count; i++) {
		size_t at = byte(in), known = sou_authority_op_count(p->nodes[0].authority);
		struct sou_hash id, prev;
		struct sou_span op = rest(in, 40), sigs;
		if (at < 200)
			sou_authority_op(p->nodes[0].authority, at % known, &id, &prev, &op, &sigs);
		sou_authority_pack_op(out, op, (struct sou_span){none, 1});
	}
}

static void digest(const struct pair *p, struct input *in, uint32_t to, struct sou_buf *out)
{
	const struct pair_node *n = &p->nodes[to];
	struct sou_digest d = {.scope = scope_of(p, in), .upto = number(in)};
	uint8_t same = byte(in);
	uint32_t s = byte(in) % PAIR_SCOPES;
	d.rule = same & 1 ? 1 : 2;
	d.authority = same & 2 ? sou_authority_hash(n->authority) : bed_hash("other", 1);
	d.entries = same & 4 ? sou_sha256(&n->r.set[s], 8) : bed_hash("other", 2);
	d.state = bed_hash("other", same & 8 ? 3 : 4);
	sou_digest_pack(out, &d);
}

static void named(const struct pair *p, struct input *in, uint8_t kind, struct sou_buf *out)
{
	struct sou_id scope = scope_of(p, in), versions[3];
	struct sou_hash ids[3];
	static const uint8_t signature[SOU_SIGNATURE_BYTES];
	uint32_t count = byte(in) % 4, first = byte(in) % 60, where = byte(in) % PAIR_SCOPES;
	for (uint32_t i = 0; i < 3; i++) {
		ids[i] = pair_entry_id(where, first + i);
		versions[i] = sou_hash_half(&ids[i]);
	}
	if (kind == SOU_FRAME_HEADS) {
		sou_heads_pack(out, &scope, ids, count);
	} else if (kind == SOU_FRAME_WANT) {
		sou_want_pack(out, &scope, versions, count);
	} else if (kind == SOU_FRAME_SIGNATURES_WANT) {
		sou_signatures_want_pack(out, &(struct sou_signatures_want){scope, ids[0], ids[1]});
	} else {
		sou_signatures_pack_begin(out, &scope, 1);
		sou_signatures_put(out, &ids[0], signature);
	}
}

static void small(const struct pair *p, struct input *in, uint8_t kind, struct sou_buf *out)
{
	struct sou_buf list = {0};
	struct sou_id scope = scope_of(p, in);
	uint64_t n = number(in), m = number(in);
	struct sou_join join = {.wire = m == 1,
				.invite_key = bed_id("invite", 1),
				.net = m == 2 ? scope : p->net,
				.site = p->nodes[1].site,
				.key = p->nodes[1].key,
				.tls = p->nodes[m == 3 ? 0 : 1].tls};
	switch (kind) {
	case SOU_FRAME_ACK:
		sou_ack_pack(out, &(struct sou_ack){scope, n, m});
		break;
	case SOU_FRAME_REFUSE:
		sou_refusal_pack(out, &(struct sou_refusal){.scope = scope, .upto = n, .code = m});
		break;
	case SOU_FRAME_POSITIONS_WANT:
		sou_empty_pack(out);
		break;
	case SOU_FRAME_POSITIONS:
		positions(p, in, &list);
		sou_positions_pack(out, sou_buf_span(&list));
		break;
	case SOU_FRAME_BYE:
		sou_bye_pack(out, n, "P13.1", "a reason");
		break;
	case SOU_FRAME_JOIN:
		sou_join_pack(out, &join);
		break;
	case SOU_FRAME_JOINED:
		sou_joined_pack(out, &p->op_head);
		break;
	default: /* ping and pong; a small number may be the answer to theirs */
		sou_ping_pack(out, n);
		break;
	}
	sou_buf_fini(&list);
}

static void made_up(struct pair *p, struct input *in, uint32_t to)
{
	struct sou_buf body = {0};
	uint8_t kind = 1 + byte(in) % SOU_FRAME_JOINED;
	if (kind == SOU_FRAME_HELLO)
		hello(p, in, to, &body);
	else if (kind == SOU_FRAME_NEWS || kind == SOU_FRAME_HEADERS)
		news(p, in, kind == SOU_FRAME_HEADERS, &body);
	else if (kind == SOU_FRAME_AUTHORITY)
		series(p, in, &body);
	else if (kind == SOU_FRAME_DIGEST)
		digest(p, in, to, &body);
	else if (kind >= SOU_FRAME_HEADS && kind <= SOU_FRAME_SIGNATURES)
		named(p, in, kind, &body);
	else
		small(p, in, kind, &body);
	uint8_t bend = byte(in);
	if (bend >= 224 && body.n > 0)
		body.p[byte(in) % body.n] ^= (uint8_t)(1u << bend % 8);
	pair_inject(p, to, kind, sou_buf_span(&body));
	sou_buf_fini(&body);
}

/* --- what happens --- */

static void event(struct pair *p, struct input *in, uint32_t node)
{
	static const enum sou_event_kind plain[] = {SOU_EVENT_STOP, SOU_EVENT_INSTANCE,
						    SOU_EVENT_OTHER, SOU_EVENT_SETTLE};
	struct sou_event e = {.kind = SOU_EVENT_TICK};
	struct sou_id version = {{1}};
	uint8_t what = byte(in);
	uint32_t s = what % PAIR_SCOPES;
	if (what >= 200) {
		e.kind = plain[what % 4];
	} else if (what >= 150 && p->nodes[1 - node].may_read[s]) { /* as the replica asks */
		e.kind = SOU_EVENT_WANT;
		e.want.scope = p->scopes[s];
		e.want.versions = &version;
		e.want.count = 1;
	} else {
		p->now_ms += (uint64_t)what * what * 10;
	}
	pair_step(p, node, &e);
}

static void refuse(struct pair *p, struct input *in, uint32_t node)
{
	struct sou_event how = {.kind = SOU_EVENT_STORED};
	uint8_t what = byte(in);
	how.stored.rc = what % 6 == 0 ? SOU_OK : SOU_EPROTO;
	how.stored.refuse = what % 6 == 1 ? 1u + what % 7 : 0;
	how.stored.bye = what % 6 == 2 ? 1u + what % 16 : 0;
	how.stored.bad_signatures = what % 6 == 3;
	how.stored.own_new = what % 6 == 0 ? what * 100u : 0;
	how.stored.has_entry = what % 2;
	how.stored.entry = p->op_head;
	pair_job(p, node, &how);
}

static void honest_one(struct pair *p, struct input *in, uint8_t what, uint32_t node)
{
	switch (what % 16) {
	case 0:
	case 1:
	case 2:
	case 3:
		pair_deliver(p, node, 0, false);
		break;
	case 4:
	case 5:
	case 6:
		pair_job(p, node, NULL);
		break;
	case 7:
	case 8:
		pair_write(p, node, byte(in) % PAIR_SCOPES);
		break;
	case 9:
		pair_op(p, byte(in) % 2);
		break;
	case 10:
	case 11:
		event(p, in, node);
		break;
	case 12:
		pair_connect(p);
		break;
	case 13:
		pair_reading(p, byte(in) % PAIR_SCOPES, byte(in) % 2);
		break;
	case 14:
		pair_keep(p, node);
		break;
	default:
		pair_put_back(p, node, byte(in) % 2);
		break;
	}
}

static void bent_one(struct pair *p, struct input *in, uint8_t what, uint32_t node)
{
	struct sou_span raw;
	uint8_t index = byte(in) % 8;
	switch (what % 8) {
	case 0:
		pair_deliver(p, node, index, index % 2);
		break;
	case 1:
		pair_drop(p, node, index);
		break;
	case 2:
		refuse(p, in, node);
		break;
	case 3:
		raw = rest(in, 80);
		pair_inject(p, node, index * 3, raw);
		break;
	case 4:
		if (index == 0)
			pair_cut_key(p);
		break;
	default:
		made_up(p, in, node);
		break;
	}
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
	static struct pair p;
	struct input in = {data, data + size};
	uint8_t world = byte(&in);
	pair_init(&p, world % 4 == 1, world % 2 == 0);
	if (world % 8 < 6)
		pair_connect(&p);
	for (uint32_t step = 0; step < STEPS_MAX && in.p < in.end; step++) {
		uint8_t what = byte(&in);
		uint32_t node = what & 1;
		if (p.honest || what < 128)
			honest_one(&p, &in, what >> 1, node);
		else
			bent_one(&p, &in, what >> 1, node);
		if (p.dropped)
			pair_lose(&p);
	}
	if (p.honest)
		pair_level(&p);
	pair_fini(&p);
	return 0;
}
