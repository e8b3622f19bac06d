/* check.c - what must hold (S1 - S6 in sim.h), judged from outside: by what the world was made of,
 * not by the code under test. */
#define _GNU_SOURCE /* memmem */
#include <stdio.h>
#include <string.h>

#include "proto/schema.h"
#include "tests/sim/sim.h"

bool sim_reads(const struct sim *w, uint32_t node, const struct sou_id *scope)
{
	const struct sim_node *n = &w->nodes[node];
	if (n->copy) /* the rights are the site's */
		n = &w->nodes[n->of];
	struct sou_id plan = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	if (n->hub || (n->roles & SOU_ROLE_READER) != 0 || sou_id_eq(scope, &plan))
		return true;
	for (uint32_t org = 1; org < SIM_ORGS; org++) {
		struct sou_id of = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[org]);
		if (sou_id_eq(scope, &of))
			return (org == n->org && !n->blind) ||
			       ((n->reads | n->edits) & 1u << org) != 0;
	}
	for (uint32_t i = 0; i < SIM_PROJECTS; i++) {
		struct sou_id project = sou_scope_id(SOU_SCOPE_PROJECT, &w->projects[i]);
		if (sou_id_eq(scope, &project))
			return w->project_orgs[i][0] == n->org || w->project_orgs[i][1] == n->org ||
			       ((n->reads | n->edits) &
				(1u << w->project_orgs[i][0] | 1u << w->project_orgs[i][1])) != 0;
	}
	return false;
}

/* The organisation whose words these are: ORGANISATION<n>WORDS stands in each text of its scope. */
static void check_words(struct sim *w, uint32_t to, const struct sou_batch_entry *e)
{
	for (uint32_t org = 1; org < SIM_ORGS; org++) {
		char mark[32];
		int n = snprintf(mark, sizeof mark, "ORGANISATION%uWORDS", org);
		struct sou_id scope = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[org]);
		if (!sim_reads(w, to, &scope) && e->payload.n > 0 &&
		    !sou_id_eq(&e->entry->header.site, &w->nodes[to].site) &&
		    memmem(e->payload.p, e->payload.n, mark, (size_t)n) != NULL)
			sim_fail(w, "S4", "%s is sent words of organisation %u", w->nodes[to].name,
				 org);
	}
}

static void check_news(struct sim *w, uint32_t to, const struct sou_news *n)
{
	struct sou_batch *batch;
	const struct sou_batch_entry *e;
	bool readable = sim_reads(w, to, &n->scope);
	SOU_ASSERT(sou_batch_new(&batch) == SOU_OK);
	int rc = sou_batch_open(batch, n->data, (n->flags & SOU_DATA_ZSTD) != 0, n->raw_bytes,
				&w->net, &n->scope);
	while (rc == SOU_OK && (rc = sou_batch_next(batch, &e)) == SOU_OK && e != NULL) {
		if (!readable && !sou_id_eq(&e->entry->header.site, &w->nodes[to].site))
			sim_fail(w, "S4", "%s is sent an entry of a scope that it may not read",
				 w->nodes[to].name);
		check_words(w, to, e);
	}
	if (rc != SOU_OK)
		sim_fail(w, "P11.8", "a batch that cannot be read: %s", sou_err_name(rc));
	sou_batch_free(batch);
}

/* Scopes of which a name may go to a site: what it reads, and projects, in which its own feed may
 * stand. */
static void check_scope(struct sim *w, uint32_t to, const struct sou_id *scope, const char *what)
{
	for (uint32_t i = 0; i < SIM_PROJECTS; i++) {
		struct sou_id project = sou_scope_id(SOU_SCOPE_PROJECT, &w->projects[i]);
		if (sou_id_eq(scope, &project) && (w->nodes[to].roles & SOU_ROLE_SUBMITTER) != 0)
			return;
	}
	if (w->nodes[to].copy)
		to = w->nodes[to].of;
	for (uint32_t org = 1; org < SIM_ORGS; org++) { /* its own feed, or read once */
		struct sou_id of = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[org]);
		if (sou_id_eq(scope, &of) && (w->nodes[to].ever & 1u << org) != 0)
			return;
	}
	if (!sim_reads(w, to, scope))
		sim_fail(w, "S4", "%s to %s names a scope that it may not read", what,
			 w->nodes[to].name);
}

static void check_digest(struct sim *w, uint32_t to, const struct sou_id *scope)
{
	if (!sim_reads(w, to, scope))
		sim_fail(w, "S4", "a digest of a scope that it may not read goes to %s",
			 w->nodes[to].name);
}

static void check_hello(struct sim *w, uint32_t to, struct sou_span body)
{
	struct sou_hello h;
	if (sou_hello_unpack(&h, body) != SOU_OK || h.hashed)
		return;
	uint32_t count;
	struct sou_mp m = sou_positions_read(h.positions, &count);
	for (uint32_t i = 0; i < count; i++) {
		struct sou_position p;
		sou_positions_next(&m, &p);
		check_scope(w, to, &p.scope, "hello");
		if (p.has_digest && !sim_reads(w, to, &p.scope))
			sim_fail(w, "S4",
				 "hello to %s has the digest of a scope that it may not read",
				 w->nodes[to].name);
	}
}

void sim_check_frame(struct sim *w, uint32_t to, uint8_t kind, const uint8_t *bytes, size_t n)
{
	struct sou_span body = {bytes, n};
	struct sou_news news;
	struct sou_heads heads;
	struct sou_digest digest;
	if (w->nodes[to].hub)
		return;
	if (kind == SOU_FRAME_HELLO)
		check_hello(w, to, body);
	else if ((kind == SOU_FRAME_NEWS && sou_news_unpack(&news, body) == SOU_OK) ||
		 (kind == SOU_FRAME_HEADERS && sou_headers_unpack(&news, body) == SOU_OK))
		check_news(w, to, &news);
	else if (kind == SOU_FRAME_HEADS && sou_heads_unpack(&heads, body) == SOU_OK)
		check_scope(w, to, &heads.scope, "heads");
	else if (kind == SOU_FRAME_DIGEST && sou_digest_unpack(&digest, body) == SOU_OK)
		check_digest(w, to, &digest.scope);
}

static bool same_digest(struct sim *w, uint32_t node, const struct sou_id *scope)
{
	struct sou_digest hub, site;
	struct sim_node *n = &w->nodes[node];
	int a = soud_replica_digest(w->nodes[0].replica, scope, &hub);
	int b = soud_replica_digest(n->replica, scope, &site);
	if (a != SOU_OK && b != SOU_OK)
		return true;
	if (a != SOU_OK || b != SOU_OK) {
		sim_fail(w, "S1", "%s %s a scope that the hub %s", n->name,
			 b == SOU_OK ? "has" : "lacks", a == SOU_OK ? "has" : "lacks");
		return false;
	}
	if (!sou_hash_eq(&hub.authority, &site.authority))
		sim_fail(w, "S1", "%s has another authority", n->name);
	if (!sou_hash_eq(&hub.entries, &site.entries))
		sim_fail(w, "S1", "%s has other entries", n->name);
	if (!sou_hash_eq(&hub.state, &site.state))
		sim_fail(w, "S1", "%s has another state", n->name);
	return w->failure[0] == '\0';
}

static void check_digests(struct sim *w)
{
	struct sou_id scopes[2 + SIM_ORGS + SIM_PROJECTS];
	size_t count = 0;
	scopes[count++] = sou_scope_id(SOU_SCOPE_PLAN, NULL);
	for (uint32_t i = 1; i < SIM_ORGS; i++)
		scopes[count++] = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[i]);
	for (uint32_t i = 0; i < SIM_PROJECTS; i++)
		scopes[count++] = sou_scope_id(SOU_SCOPE_PROJECT, &w->projects[i]);
	for (uint32_t node = 1; node < w->node_count; node++)
		for (size_t i = 0; i < count; i++)
			if (w->nodes[node].honest && !w->nodes[node].withdrawn &&
			    !w->nodes[node].gone && sim_reads(w, node, &scopes[i]) &&
			    !same_digest(w, node, &scopes[i]))
				return;
}

static void check_tracked(struct sim *w, uint32_t node, const struct sim_tracked *t)
{
	struct sou_scope_entry e;
	struct sou_id version = sou_hash_half(&t->id);
	bool there = soud_replica_entry(w->nodes[node].replica, &t->scope, &version, &e) == SOU_OK;
	if (t->never && there && e.shown)
		sim_fail(w, "S3", "%s shows an entry without right", w->nodes[node].name);
	if (t->excused || there || (node == 0 && w->nodes[t->node].withdrawn))
		return;
	/* A machine put back unnoticed does not ask for what it may no longer read (P8.14). */
	if (node == t->node && w->nodes[node].reverted && !sim_reads(w, node, &t->scope))
		return;
	if (node == t->node)
		sim_fail(w, "S2", "%s lost an entry that it saved", w->nodes[node].name);
	else if (node == 0)
		sim_fail(w, "S2", "the hub lacks an entry of %s%s", w->nodes[t->node].name,
			 t->acked ? " that it acknowledged" : "");
}

/* S6: in the chain of a key that was not copied no place is used twice. */
static void check_places(struct sim *w)
{
	struct soud_store *store = soud_replica_store(w->nodes[0].replica);
	for (uint32_t i = 1; i < w->node_count; i++) {
		struct sim_node *n = &w->nodes[i];
		struct sou_id scope_id = sou_scope_id(SOU_SCOPE_ORG, &w->orgs[n->org]);
		uint32_t number;
		uint64_t next = 1;
		struct soud_row row;
		if (!n->honest || n->withdrawn || n->org == 0 || n->copied || n->copy ||
		    n->reverted || soud_store_scope_find(store, &scope_id, &number) != SOU_OK)
			continue;
		for (uint64_t at = 0; soud_store_log_next(store, number, at, &row) == SOU_OK;) {
			struct sou_header h;
			at = row.arrival;
			if (sou_header_read(&h, row.header) != SOU_OK ||
			    !sou_id_eq(&h.site, &n->site) || !sou_id_eq(&h.key, &n->signer.key_id))
				continue;
			if (h.seq != next++)
				sim_fail(w, "S6", "%s used a place twice or left one out", n->name);
		}
	}
}

/* S7: what is derived, filled again from the log, is what stands there. */
static void check_derived(struct sim *w, uint32_t node)
{
	struct soud_store *store = soud_replica_store(w->nodes[node].replica);
	struct sou_hash before, after;
	int rc = soud_store_dump_hash(store, &before);
	if (rc == SOU_OK)
		rc = soud_store_rebuild(store, soud_replica_authority(w->nodes[node].replica));
	if (rc == SOU_OK)
		rc = soud_store_dump_hash(store, &after);
	if (rc != SOU_OK)
		sim_fail(w, "S7", "%s is not rebuilt: %s", w->nodes[node].name,
			 soud_store_error(store)->text);
	else if (!sou_hash_eq(&before, &after))
		sim_fail(w, "S7", "%s rebuilt from its log differs", w->nodes[node].name);
}

/* S9: the files of a node, without what the next checkpoint would drop. */
static void check_secrets(struct sim *w, uint32_t node)
{
	struct sim_node *n = &w->nodes[node];
	static const char *const files[] = {"replica.db", "replica.db-wal"};
	if (w->secret_n == 0)
		return;
	int rc = SOU_EBUSY;
	for (int i = 0; i < 3 && rc == SOU_EBUSY; i++) {
		rc = soud_replica_tidy(n->replica, false);
		if (soud_reader_refresh(n->reader) != SOU_OK)
			rc = SOU_ESTORE;
	}
	if (rc != SOU_OK)
		sim_fail(w, "S9", "%s cannot erase: %s", n->name, sou_err_name(rc));
	for (size_t f = 0; f < sizeof files / sizeof *files; f++) {
		size_t size;
		const uint8_t *bytes = memvfs_bytes(n->vfs, files[f], &size);
		for (uint32_t i = 0; bytes != NULL && i < w->secret_n; i++) {
			char mark[40];
			int length = snprintf(mark, sizeof mark, "SECRET%lluEND",
					      (unsigned long long)w->secrets[i]);
			if (memmem(bytes, size, mark, (size_t)length) != NULL)
				sim_fail(w, "S9", "%s has redacted words in %s: %s", n->name,
					 files[f], mark);
		}
	}
}

/* Which reasons to hold were met, at the hub. */
static void mark_verdicts(struct sim *w)
{
	struct soud_store *store = soud_replica_store(w->nodes[0].replica);
	static const enum sim_mark marks[] = {[SOU_HELD_NOT_WHOLE] = SIM_MARK_HELD_NOT_WHOLE,
					      [SOU_HELD_CUT] = SIM_MARK_HELD_CUT,
					      [SOU_HELD_DECIDE] = SIM_MARK_HELD_DECIDE,
					      [SOU_HELD_FORK] = SIM_MARK_HELD_FORK,
					      [SOU_HELD_NO_RIGHT] = SIM_MARK_HELD_NO_RIGHT,
					      [SOU_HELD_GROUND] = SIM_MARK_HELD_GROUND};
	uint32_t count = 0;
	struct soud_row row;
	(void)soud_store_scope_count(store, &count);
	for (uint32_t scope = 1; scope <= count; scope++)
		for (uint64_t at = 0; soud_store_log_next(store, scope, at, &row) == SOU_OK;
		     at = row.arrival)
			if (row.verdict <= SOU_HELD_GROUND && marks[row.verdict] != 0)
				w->marks[marks[row.verdict]]++;
}

void sim_check_all(struct sim *w)
{
	for (uint32_t i = 0; i < w->node_count; i++)
		if (!w->nodes[i].gone && soud_replica_begin(w->nodes[i].replica) != SOU_OK)
			sim_fail(w, "S0", "%s cannot be looked at", w->nodes[i].name);
	mark_verdicts(w);
	if (w->failure[0] == '\0')
		check_digests(w);
	for (size_t i = 0; i < w->tracked_n && w->failure[0] == '\0'; i++)
		for (uint32_t node = 0; node < w->node_count; node++)
			if (w->nodes[node].honest && !w->nodes[node].gone)
				check_tracked(w, node, &w->tracked[i]);
	if (w->failure[0] == '\0')
		check_places(w);
	for (uint32_t i = 0; i < w->node_count && w->failure[0] == '\0'; i++)
		if (!w->nodes[i].gone)
			check_derived(w, i);
	for (uint32_t i = 0; i < w->node_count; i++)
		if (!w->nodes[i].gone)
			soud_replica_rollback(w->nodes[i].replica);
	for (uint32_t i = 0; i < w->node_count && w->failure[0] == '\0'; i++)
		if (!w->nodes[i].gone && w->nodes[i].honest && !w->nodes[i].withdrawn)
			check_secrets(w, i);
}
