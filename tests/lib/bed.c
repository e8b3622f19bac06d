/* bed.c - genesis, one organisation below headquarters, and whatever the test adds. */
#include "tests/lib/bed.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/crypto.h"
#include "proto/schema.h"

static int any_is_good(void *ctx, const struct sou_hash *public_key, const uint8_t *message,
		       size_t n, const uint8_t signature[SOU_SIGNATURE_BYTES])
{
	(void)ctx;
	(void)public_key;
	(void)message;
	(void)n;
	(void)signature;
	return SOU_OK;
}

static const struct sou_verifier trusting = {any_is_good, NULL};

static void must(int rc)
{
	if (rc == SOU_OK)
		return;
	fprintf(stderr, "bed: %s\n", sou_err_name(rc));
	abort();
}

struct sou_hash bed_hash(const char *what, uint64_t number)
{
	char text[64];
	int n = snprintf(text, sizeof text, "bed %s %llu", what, (unsigned long long)number);
	return sou_sha256(text, (size_t)n);
}

struct sou_id bed_id(const char *what, uint64_t number)
{
	struct sou_hash h = bed_hash(what, number);
	return sou_hash_half(&h);
}

struct sou_hash bed_op(struct bed *bed, enum sou_tier tier, uint64_t counter,
		       const struct sou_effect *effects, uint32_t count)
{
	const struct sou_span none = {NULL, 0};
	struct sou_authop op = {.id = bed_hash("op", ++bed->made),
				.prev = bed->head,
				.net = bed->net,
				.seq = bed->head_seq,
				.counter = counter,
				.tier = (uint8_t)tier,
				.effects = (struct sou_effect *)effects,
				.effect_count = count};
	must(sou_authority_add_checked(bed->authority, &op, none, none));
	bed->head = op.id;
	bed->head_seq++;
	return op.id;
}

void bed_init(struct bed *bed, bool project)
{
	struct sou_hash root = bed_hash("root", 0);
	*bed = (struct bed){.net = bed_id("net", 0)};
	must(sou_authority_new(&bed->authority, NULL));
	sou_authority_verifier(bed->authority, &trusting);
	const struct sou_effect genesis[] = {
		{.type = SOU_EFFECT_KEYS,
		 .threshold = 1,
		 .ids = &root,
		 .id_count = 1,
		 .key = bed_hash("operational", 0)},
		{.type = SOU_EFFECT_ORG, .number = 1},
		{.type = SOU_EFFECT_OPEN,
		 .has_org = true,
		 .site = bed_id("hub", 0),
		 .key = bed_hash("hub", 1),
		 .tls = bed_hash("hub", 2)},
		{.type = SOU_EFFECT_HUB, .key = bed_hash("hub", 3), .tls = bed_hash("hub", 2)},
	};
	struct sou_hash first = bed_op(bed, SOU_TIER_GENESIS, 0, genesis, 4);
	bed->hq = sou_entity_org(&first, 1);
	const struct sou_effect org = {
		.type = SOU_EFFECT_ORG, .number = 4, .has_org = true, .org = bed->hq};
	struct sou_hash second = bed_op(bed, SOU_TIER_OPERATIONAL, 0, &org, 1);
	bed->org = sou_entity_org(&second, 0);
	struct sou_id entity = bed_id("project", 0);
	bed->id = project ? sou_scope_id(SOU_SCOPE_PROJECT, &entity)
			  : sou_scope_id(SOU_SCOPE_ORG, &bed->org);
	must(sou_scope_new(&bed->scope, &bed->id));
}

void bed_fini(struct bed *bed)
{
	sou_scope_free(bed->scope);
	sou_authority_free(bed->authority);
}

static struct sou_id site_id(const char *site)
{
	struct sou_hash h = sou_sha256(site, strlen(site));
	return sou_hash_half(&h);
}

struct bed_key bed_open(struct bed *bed, const char *site)
{
	struct sou_effect e = {.type = SOU_EFFECT_OPEN,
			       .site = site_id(site),
			       .key = bed_hash("key", ++bed->made),
			       .tls = bed_hash("tls", bed->made),
			       .org = bed->org};
	must(sou_authority_settle(bed->authority));
	e.has_org = sou_authority_site(bed->authority, &e.site) == NULL;
	struct bed_key key = {.site = e.site, .key = sou_key_id(&e.key)};
	key.opening = key.prev = bed_op(bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
	key.epoch = sou_hash_half(&key.opening);
	return key;
}

struct sou_hash bed_grant(struct bed *bed, const char *site, uint16_t roles)
{
	const struct sou_effect e = {
		.type = SOU_EFFECT_GRANT, .site = site_id(site), .roles = roles, .id = bed->id};
	return bed_op(bed, SOU_TIER_OPERATIONAL, 0, &e, 1);
}

struct sou_facts bed_next(struct bed *bed, struct bed_key *key)
{
	struct sou_facts f = {.id = bed_hash("entry", ++bed->made),
			      .prev = key->prev,
			      .site = key->site,
			      .scope = bed->id,
			      .epoch = key->epoch,
			      .key = key->key,
			      .for_org = bed->org,
			      .seq = ++key->seq,
			      .hlc = ++key->hlc,
			      .body = SOU_BODY_OK,
			      .sig_checked = true};
	key->prev = f.id;
	return f;
}

void bed_put(struct bed *bed, const struct sou_facts *facts)
{
	int rc = sou_scope_put(bed->scope, facts, ++bed->pos);
	must(rc == SOU_EEXIST ? SOU_OK : rc);
}

struct sou_hash bed_edit(struct bed *bed, struct bed_key *key)
{
	static const struct sou_need item = {SOU_OP_SET, SOU_KIND_ITEM};
	struct sou_facts f = bed_next(bed, key);
	f.needs = &item;
	f.need_count = 1;
	bed_put(bed, &f);
	return f.id;
}

size_t bed_settle(struct bed *bed)
{
	const struct sou_change *changes;
	size_t count = 0;
	must(sou_authority_settle(bed->authority));
	must(sou_scope_settle(bed->scope, bed->authority, &changes, &count));
	return count;
}

enum sou_verdict bed_verdict(const struct bed *bed, const struct sou_hash *id)
{
	struct sou_scope_entry e;
	if (sou_scope_get(bed->scope, id, &e) != SOU_OK)
		return SOU_VERDICT_NONE;
	return (enum sou_verdict)e.verdict;
}
