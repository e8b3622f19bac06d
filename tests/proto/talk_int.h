/* talk_int.h - what talk*.c share. */
#ifndef SOU_TESTS_TALK_INT_H
#define SOU_TESTS_TALK_INT_H

#include "proto/limits.h"
#include "proto/session.h"
#include "tests/lib/check.h"
#include "tests/proto/talk.h"

#define TALK_SCOPES_MAX 64
#define TALK_STORES_MAX 1024

struct talk_scope {
	struct sou_id id;
	uint64_t last, at, acked;
	bool readable, shut, listed; /* shut: we may not read it; listed: has arrivals here */
	uint8_t entries, state;
};

struct talk {
	const char *name, *at;
	struct sou_session_options options;
	struct sou_session *session;
	struct sou_actions out;
	struct sou_view view;
	struct sou_authority *authority;
	struct sou_hash head, first; /* of the authority; its genesis */
	uint64_t op_count, now_ms;
	struct sou_id net, site, log, key, org; /* the peer's site, log and key */
	struct sou_hash tls;
	bool met, broken;
	size_t frame_bytes; /* of news; 4 at least */
	struct talk_scope scopes[TALK_SCOPES_MAX];
	size_t scope_count;
	uint64_t stores[TALK_STORES_MAX];
	size_t store_count;
	struct sou_buf text; /* what was done */
	struct sou_buf body;
	char word[32];
	long fail;    /* which allocation of the last event fails; 0: none */
	long failed;  /* how many did */
	bool no_room; /* it was the view's */
};

struct talk_scope *talk_scope(struct talk *t, const struct sou_id *id); /* NULL: none */
struct sou_digest talk_digest(const struct talk *t, const struct sou_id *scope, uint8_t entries,
			      uint8_t state);
extern const struct sou_view talk_view; /* ctx is filled in by the caller */

/* talk.c: the words of a statement. next_word: false at its end; the others take one. */
bool talk_next_word(struct talk *t);
bool talk_is(const struct talk *t, const char *word);
struct sou_id talk_scope_word(struct talk *t);
uint64_t talk_number_word(struct talk *t, uint64_t otherwise);
/* "1.2": digests of entries and of state. */
void talk_digest_word(const char *word, uint8_t *entries, uint8_t *state);
struct sou_join talk_join_of(const struct talk *t);

/* An authority without ops; genesis, one organisation and the peer. */
void talk_new_authority(struct talk *t);
void talk_authority(struct talk *t);

/* talk_frames.c: the frame that the word begins, its body in t->body; 0: no frame of this name. */
uint8_t talk_frame(struct talk *t);

/* Appends what the last step did. */
void talk_tell(struct talk *t);

#endif
