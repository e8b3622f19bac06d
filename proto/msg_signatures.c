/* msg_signatures.c - signatures fetched after the fact (P11.2, P13.11), and the names of frames. */
#include "msg.h"

#include "limits.h"

int sou_signatures_want_unpack(struct sou_signatures_want *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_signatures_want w = {0};
	sou_mp_array_of(&m, 3);
	w.scope = sou_mp_id(&m);
	w.first = sou_mp_hash(&m);
	w.last = sou_mp_hash(&m);
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = w;
	return rc;
}

void sou_signatures_want_pack(struct sou_buf *buf, const struct sou_signatures_want *w)
{
	sou_mp_put_array(buf, 3);
	sou_mp_put_id(buf, &w->scope);
	sou_mp_put_hash(buf, &w->first);
	sou_mp_put_hash(buf, &w->last);
}

void sou_signatures_next(struct sou_mp *pairs, struct sou_hash *entry, const uint8_t **signature)
{
	*entry = sou_mp_hash(pairs);
	*signature = sou_mp_fixed(pairs, 64);
}

int sou_signatures_unpack(struct sou_signatures *out, struct sou_span body)
{
	struct sou_mp m = sou_mp_over(body);
	struct sou_signatures s = {0};
	sou_mp_array_of(&m, 2);
	s.scope = sou_mp_id(&m);
	uint32_t members = sou_mp_array(&m, SOU_SIGNATURES_MAX * 2);
	if (members % 2 != 0)
		sou_mp_fail(&m, SOU_EFORMAT);
	s.pairs = m;
	s.count = members / 2;
	for (uint32_t i = 0; i < s.count && m.rc == SOU_OK; i++) {
		struct sou_hash entry;
		const uint8_t *signature;
		sou_signatures_next(&m, &entry, &signature);
	}
	int rc = sou_mp_end(&m);
	if (rc == SOU_OK)
		*out = s;
	return rc;
}

void sou_signatures_pack_begin(struct sou_buf *buf, const struct sou_id *scope, uint32_t count)
{
	SOU_ASSERT(count <= SOU_SIGNATURES_MAX);
	sou_mp_put_array(buf, 2);
	sou_mp_put_id(buf, scope);
	sou_mp_put_array(buf, count * 2);
}

void sou_signatures_put(struct sou_buf *buf, const struct sou_hash *entry,
			const uint8_t signature[64])
{
	sou_mp_put_hash(buf, entry);
	sou_mp_put_bin(buf, signature, 64);
}

const char *sou_frame_name(uint8_t kind)
{
	static const char *const names[] = {
		[SOU_FRAME_HELLO] = "hello",
		[SOU_FRAME_AUTHORITY] = "authority",
		[SOU_FRAME_HEADERS] = "headers",
		[SOU_FRAME_NEWS] = "news",
		[SOU_FRAME_ACK] = "ack",
		[SOU_FRAME_REFUSE] = "refuse",
		[SOU_FRAME_POSITIONS_WANT] = "positions-want",
		[SOU_FRAME_POSITIONS] = "positions",
		[SOU_FRAME_HEADS] = "heads",
		[SOU_FRAME_WANT] = "want",
		[SOU_FRAME_SIGNATURES_WANT] = "signatures-want",
		[SOU_FRAME_SIGNATURES] = "signatures",
		[SOU_FRAME_DIGEST] = "digest",
		[SOU_FRAME_PING] = "ping",
		[SOU_FRAME_PONG] = "pong",
		[SOU_FRAME_BYE] = "bye",
		[SOU_FRAME_JOIN] = "join",
		[SOU_FRAME_JOINED] = "joined",
	};
	if (kind >= sizeof names / sizeof names[0] || names[kind] == NULL)
		return "unknown";
	return names[kind];
}

const char *sou_bye_name(uint64_t code)
{
	static const char *const names[] = {
		[SOU_BYE_NONE] = "none",
		[SOU_BYE_VERSION] = "version",
		[SOU_BYE_NET] = "net",
		[SOU_BYE_NOT_ENROLLED] = "not-enrolled",
		[SOU_BYE_WITHDRAWN] = "withdrawn",
		[SOU_BYE_LIMIT] = "limit",
		[SOU_BYE_FORMAT] = "format",
		[SOU_BYE_SIGNATURE] = "signature",
		[SOU_BYE_INSTANCE] = "instance",
		[SOU_BYE_STOPPING] = "stopping",
		[SOU_BYE_BUSY] = "busy",
		[SOU_BYE_RATE] = "rate",
		[SOU_BYE_ORDER] = "order",
		[SOU_BYE_INVITE_UNKNOWN] = "invite-unknown",
		[SOU_BYE_INVITE_USED] = "invite-used",
		[SOU_BYE_INVITE_EXPIRED] = "invite-expired",
		[SOU_BYE_ROLLED_BACK] = "rolled-back",
	};
	if (code >= sizeof names / sizeof names[0])
		return "unlisted";
	return names[code];
}
