/* msg.h - the bodies of the frames of a session (PROTOCOL.md section 11): one struct, one pack and
 * one unpack each. Pure. unpack borrows from the body; it gives SOU_EFORMAT or SOU_ELIMIT and then
 * sets nothing. pack appends to buf; look at buf->failed once, at the end. */
#ifndef SOU_MSG_H
#define SOU_MSG_H

#include "bytes.h"
#include "error.h"
#include "id.h"
#include "mp.h"

enum sou_frame_kind { /* P11.2 */
		      SOU_FRAME_HELLO = 1,
		      SOU_FRAME_AUTHORITY,
		      SOU_FRAME_HEADERS,
		      SOU_FRAME_NEWS,
		      SOU_FRAME_ACK,
		      SOU_FRAME_REFUSE,
		      SOU_FRAME_POSITIONS_WANT,
		      SOU_FRAME_POSITIONS,
		      SOU_FRAME_HEADS,
		      SOU_FRAME_WANT,
		      SOU_FRAME_SIGNATURES_WANT,
		      SOU_FRAME_SIGNATURES,
		      SOU_FRAME_DIGEST,
		      SOU_FRAME_PING,
		      SOU_FRAME_PONG,
		      SOU_FRAME_BYE,
		      SOU_FRAME_JOIN,
		      SOU_FRAME_JOINED,
		      /* 20..27 of section 14 and 15 are described and not built: passed over like
			 unknown ones. */
};
const char *sou_frame_name(uint8_t kind); /* "hello", ...; "unknown" */

enum sou_hello_flag { SOU_HELLO_OWN_WANTED = 1, SOU_HELLO_EVERY_SIGNATURE = 2 }; /* P11.5 */
enum sou_data_flag { SOU_DATA_ZSTD = 1, SOU_DATA_ANSWER = 2 };                   /* P11.6 */

enum sou_refuse { /* P11.12 */
		  SOU_REFUSE_NEVER_RIGHT = 1,
		  SOU_REFUSE_FULL,
		  SOU_REFUSE_VERSION,
		  SOU_REFUSE_NOT_READABLE,
		  SOU_REFUSE_UNKNOWN,
		  SOU_REFUSE_SIGNATURE,
		  SOU_REFUSE_READ_ONLY,
		  SOU_REFUSE_INSTANCE, /* zero scope, upto 0: another instance was sent away */
};
const char *sou_refuse_name(uint64_t code);

enum sou_bye { /* P11.13 */
	       SOU_BYE_NONE = 0,
	       SOU_BYE_VERSION,
	       SOU_BYE_NET,
	       SOU_BYE_NOT_ENROLLED,
	       SOU_BYE_WITHDRAWN,
	       SOU_BYE_LIMIT,
	       SOU_BYE_FORMAT,
	       SOU_BYE_SIGNATURE,
	       SOU_BYE_INSTANCE,
	       SOU_BYE_STOPPING,
	       SOU_BYE_BUSY,
	       SOU_BYE_RATE,
	       SOU_BYE_ORDER,
	       SOU_BYE_INVITE_UNKNOWN,
	       SOU_BYE_INVITE_USED,
	       SOU_BYE_INVITE_EXPIRED,
	       SOU_BYE_ROLLED_BACK,
};
const char *sou_bye_name(uint64_t code);

struct sou_position { /* one member of a positions list (P11.3) */
	struct sou_id scope;
	uint64_t upto;
	bool has_digest;
	struct sou_id digest; /* P10.8 */
};

struct sou_hello {
	uint64_t wire, rule, flags;
	struct sou_id net, site, log, instance, your_log;
	struct sou_span software;
	struct sou_mp_list leaves;
	bool hashed;                    /* positions are a hash only */
	struct sou_hash positions_hash; /* P11.3 */
	struct sou_span positions; /* canonical flat list, checked; sou_positions_next reads it */
};
int sou_hello_unpack(struct sou_hello *out, struct sou_span body);
/* leaves ascending; positions: canonical flat list as packed by sou_positions_*. Of more than 16
 * scopes its hash goes, and with h->hashed where that is shorter. */
void sou_hello_pack(struct sou_buf *buf, const struct sou_hello *h, const struct sou_hash *leaves,
		    uint32_t leaf_count);

/* Positions list: begin with the count, put ascending by scope; read by cursor. */
void sou_positions_begin(struct sou_buf *buf, uint32_t count);
void sou_positions_put(struct sou_buf *buf, const struct sou_position *p);
struct sou_hash sou_positions_hash(struct sou_span list);                /* P11.3 */
int sou_positions_check(struct sou_span list, uint32_t *count);          /* shape and order */
struct sou_mp sou_positions_read(struct sou_span list, uint32_t *count); /* of a checked list */
void sou_positions_next(struct sou_mp *m, struct sou_position *out);

struct sou_news { /* also headers, where after and upto are 0 */
	struct sou_id scope;
	uint64_t after, upto, flags, raw_bytes;
	struct sou_span data;
};
int sou_news_unpack(struct sou_news *out, struct sou_span body);
void sou_news_pack(struct sou_buf *buf, const struct sou_news *n);
int sou_headers_unpack(struct sou_news *out, struct sou_span body);
void sou_headers_pack(struct sou_buf *buf, const struct sou_news *n);

struct sou_ack {
	struct sou_id scope;
	uint64_t upto, received_ms;
};
int sou_ack_unpack(struct sou_ack *out, struct sou_span body);
void sou_ack_pack(struct sou_buf *buf, const struct sou_ack *a);

struct sou_refusal {
	struct sou_id scope;
	uint64_t upto, code;
	struct sou_span clause;
	bool has_entry;
	struct sou_hash entry;
};
int sou_refusal_unpack(struct sou_refusal *out, struct sou_span body);
void sou_refusal_pack(struct sou_buf *buf, const struct sou_refusal *r);

/* Authority series: body [more, [[op, [[key id, signature]...]]...]] (P11.2). The cursor gives one
 * op and its signatures (packed list) at a time. */
int sou_authority_unpack(struct sou_span body, bool *more, struct sou_mp *ops, uint32_t *count);
int sou_authority_next(struct sou_mp *ops, struct sou_span *op, struct sou_span *sigs);
void sou_authority_pack_begin(struct sou_buf *buf, bool more, uint32_t count);
void sou_authority_pack_op(struct sou_buf *buf, struct sou_span op, struct sou_span sigs);

struct sou_heads { /* of `heads` (hashes) and `want` (ids) */
	struct sou_id scope;
	struct sou_mp_list names;
};
int sou_heads_unpack(struct sou_heads *out, struct sou_span body);
void sou_heads_pack(struct sou_buf *buf, const struct sou_id *scope, const struct sou_hash *heads,
		    uint32_t count);
int sou_want_unpack(struct sou_heads *out, struct sou_span body);
void sou_want_pack(struct sou_buf *buf, const struct sou_id *scope, const struct sou_id *versions,
		   uint32_t count);

struct sou_digest {
	struct sou_id scope;
	uint64_t upto, rule;
	struct sou_hash authority, entries, state;
};
int sou_digest_unpack(struct sou_digest *out, struct sou_span body);
void sou_digest_pack(struct sou_buf *buf, const struct sou_digest *d);
struct sou_id sou_digest_half(
	const struct sou_digest *d); /* the scope digest that travels (P10.8) */

struct sou_farewell {
	uint64_t code;
	struct sou_span clause, text;
};
int sou_bye_unpack(struct sou_farewell *out, struct sou_span body);
void sou_bye_pack(struct sou_buf *buf, uint64_t code, const char *clause, const char *text);

struct sou_join {
	uint64_t wire;
	struct sou_id invite_key, net, site;
	struct sou_hash key, tls;
	uint8_t enrol_signature[64], join_signature[64];
};
int sou_join_unpack(struct sou_join *out, struct sou_span body);
void sou_join_pack(struct sou_buf *buf, const struct sou_join *j);

/* Bodies of one member: joined [b32], ping and pong [u], positions-want [], positions [L]. */
int sou_joined_unpack(struct sou_hash *op, struct sou_span body);
void sou_joined_pack(struct sou_buf *buf, const struct sou_hash *op);
int sou_ping_unpack(uint64_t *nonce, struct sou_span body);
void sou_ping_pack(struct sou_buf *buf, uint64_t nonce);
int sou_empty_unpack(struct sou_span body);
void sou_empty_pack(struct sou_buf *buf);
int sou_positions_unpack(struct sou_span *list, struct sou_span body);
void sou_positions_pack(struct sou_buf *buf, struct sou_span list);

struct sou_signatures_want {
	struct sou_id scope;
	struct sou_hash first, last;
};
int sou_signatures_want_unpack(struct sou_signatures_want *out, struct sou_span body);
void sou_signatures_want_pack(struct sou_buf *buf, const struct sou_signatures_want *w);

struct sou_signatures { /* pairs: flat list of (entry id, signature); sou_signatures_next reads it
			 */
	struct sou_id scope;
	struct sou_mp pairs;
	uint32_t count;
};
int sou_signatures_unpack(struct sou_signatures *out, struct sou_span body);
void sou_signatures_next(struct sou_mp *pairs, struct sou_hash *entry, const uint8_t **signature);
/* begin with the number of pairs, then put each. */
void sou_signatures_pack_begin(struct sou_buf *buf, const struct sou_id *scope, uint32_t count);
void sou_signatures_put(struct sou_buf *buf, const struct sou_hash *entry,
			const uint8_t signature[64]);

#endif
