/* test_verdict_oom.c - each allocation of the authority and the scope engine fails in turn: the
 * call says SOU_ENOMEM and changed nothing that shows, the same call again goes on, and what comes
 * out is the same. */
#include "tests/lib/check.h"
#include "tests/lib/fault.h"
#include "tests/lib/vector.h"
#include "tests/proto/history.h"

struct store {
	struct sou_authority *authority;
	struct sou_scope *scopes[4];
	uint8_t verdicts[256], shown[256];
	size_t told; /* changes */
};

/* Once more after a failure; when it fails for ever, memory comes back. */
#define AGAIN(name, call)                                                                          \
	do {                                                                                       \
		int again_rc = (call);                                                             \
		if (again_rc == SOU_ENOMEM)                                                        \
			again_rc = (call);                                                         \
		if (again_rc == SOU_ENOMEM) {                                                      \
			fault_disarm();                                                            \
			again_rc = (call);                                                         \
		}                                                                                  \
		if (again_rc != SOU_OK)                                                            \
			check_failed(__FILE__, __LINE__, name, "%s gives %s", #call,               \
				     sou_err_name(again_rc));                                      \
	} while (0)

static void settle(const struct history *h, struct store *s)
{
	AGAIN(h->name, sou_authority_settle(s->authority));
	for (uint32_t i = 0; i < h->scope_count; i++) {
		const struct sou_change *changes;
		size_t count = 0;
		AGAIN(h->name, sou_scope_settle(s->scopes[i], s->authority, &changes, &count));
		s->told += count;
	}
}

static void put(const struct history *h, struct store *s, uint32_t n)
{
	for (uint32_t i = 0; i < h->scope_count; i++)
		if (sou_id_eq(&h->scopes[i], &h->entries[n].scope))
			AGAIN(h->name, sou_scope_put(s->scopes[i], &h->entries[n], n + 1));
}

/* Ops and entries turn about, a settle now and then. */
static void run(const struct history *h, struct store *s)
{
	const struct sou_span none = {NULL, 0};
	*s = (struct store){.told = 0};
	AGAIN(h->name, sou_authority_new(&s->authority, NULL));
	sou_authority_verifier(s->authority, history_trusting());
	for (uint32_t i = 0; i < h->scope_count; i++)
		AGAIN(h->name, sou_scope_new(&s->scopes[i], &h->scopes[i]));
	uint32_t ops = HISTORY_PRELUDE + h->op_count,
		 most = ops > h->entry_count ? ops : h->entry_count;
	for (uint32_t i = 0; i < most; i++) {
		if (i < ops)
			AGAIN(h->name,
			      sou_authority_add_checked(s->authority, &h->ops[i], none, none));
		if (i < h->entry_count)
			put(h, s, i);
		if (i % 7 == 6)
			settle(h, s);
	}
	settle(h, s);
	fault_disarm();
	for (uint32_t n = 0; n < h->entry_count; n++)
		for (uint32_t i = 0; i < h->scope_count; i++) {
			struct sou_scope_entry e;
			if (sou_scope_get(s->scopes[i], &h->entries[n].id, &e) != SOU_OK)
				continue;
			s->verdicts[n] = e.verdict;
			s->shown[n] = e.shown;
		}
}

static void fini(struct store *s)
{
	sou_authority_free(s->authority);
	for (uint32_t i = 0; i < ARRAY_LEN(s->scopes); i++)
		sou_scope_free(s->scopes[i]);
}

TEST(oom, verdicts)
{
	struct history_file *file =
		history_open(SOU_SOURCE_DIR "/tests/vectors/histories.jsonl.zst");
	struct history h;
	uint32_t taken = 0;
	for (uint32_t i = 0; taken < 12 && history_next(file, &h); i++) {
		if (h.entry_count > 20 && h.entry_count < 256 && i % 9 == 0) {
			struct store plain, faulty;
			run(&h, &plain);
			FOR_EACH_FAULT (n) {
				run(&h, &faulty);
				CHECK_MEM(h.name, faulty.verdicts, h.entry_count, plain.verdicts,
					  h.entry_count);
				CHECK_MEM(h.name, faulty.shown, h.entry_count, plain.shown,
					  h.entry_count);
				CHECK_INT(h.name, faulty.told, ==, plain.told);
				fini(&faulty);
			}
			fini(&plain);
			taken++;
		}
		history_fini(&h);
	}
	CHECK_INT("histories", taken, ==, 12);
}
