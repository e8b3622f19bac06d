/* Want of memory at every call, over everything that writes: an error, nothing half done, and after
 * opening anew all is as before or as after (R6, R17). */
#include <stdio.h>

#include "tests/lib/fault.h"
#include "world.h"

struct scene { /* made once, without faults */
	struct world *w;
	struct node *site;
	struct sou_id entity;
	struct sou_hash one;
	struct test_bytes hub_file; /* the hub before it takes anything of the site */
	struct sou_buf news_data, series;
	struct sou_news news;
	struct sou_digest before, after;
};

static void restore(struct node *n, struct test_bytes file)
{
	(void)remove(n->path);
	(void)remove(test_printf("%s-wal", n->path));
	(void)remove(test_printf("%s-shm", n->path));
	FILE *out = fopen(n->path, "wb");
	REQUIRE("copy", out != NULL && fwrite(file.b, 1, file.n, out) == file.n);
	REQUIRE("copy", fclose(out) == 0);
	memset(&n->fence, 0, sizeof n->fence);
}

static void end_scene(void *arg)
{
	struct scene *s = arg;
	sou_buf_fini(&s->news_data);
	sou_buf_fini(&s->series);
}

static struct scene *scene_new(void)
{
	struct scene *s = test_alloc(sizeof *s);
	memset(s, 0, sizeof *s);
	test_at_end(end_scene, s);
	s->w = world_new();
	s->site = world_site(s->w, "tvac", SOU_ROLE_EDITOR);
	s->one = node_item(s->site, &s->entity, "一 例");
	(void)node_edit(s->site, &s->site->org_scope, &s->entity, &s->one, 1, "二 例");
	struct sou_id other;
	(void)node_item(&s->w->hub, &other, "本部 例");
	s->before = digest_of(&s->w->hub, &s->w->hub.org_scope);
	struct sou_news n = ask(s->site, &s->w->hub, &s->site->org_scope, 0, &s->news_data);
	s->news = n;
	pack_series(&s->w->hub, &s->series);
	s->w->hub.env.fence = (struct soud_fence_io){0}; /* its copies are no restores */
	node_close(&s->w->hub);
	s->hub_file = test_read(s->w->hub.path);
	return s;
}

/* What one round does on an open hub; the first error ends it. */
static int take_news(struct scene *s, struct node *hub)
{
	const struct soud_from from = from_node(s->site);
	struct soud_taken taken;
	int rc = soud_replica_begin(hub->replica);
	if (rc == SOU_OK)
		rc = soud_replica_news(hub->replica, &from, &s->news, &taken);
	if (rc == SOU_OK)
		rc = soud_replica_commit(hub->replica, NULL);
	soud_replica_rollback(hub->replica);
	return rc;
}

static int act(struct scene *s, struct node *hub)
{
	static const uint8_t value[] = {0xa1, 'x'};
	const struct sou_draft_op ops[] = {{.type = SOU_OP_SET,
					    .kind = SOU_KIND_ITEM,
					    .field = SOU_FIELD_ITEM_TEXT,
					    .entity = {{9}},
					    .value = {value, sizeof value}}};
	const struct soud_act acts[] = {
		{.scope = hub->org_scope, .for_org = hub->org, .ops = ops, .op_count = 1},
		{.scope = hub->org_scope, .for_org = hub->org, .ops = ops, .op_count = 1},
	};
	struct sou_id id;
	(void)s;
	int rc = soud_replica_begin(hub->replica);
	if (rc == SOU_OK)
		rc = soud_replica_entity(hub->replica, SOU_KIND_ITEM, &id);
	if (rc == SOU_OK)
		rc = soud_replica_act(hub->replica, acts, 2, NULL, NULL);
	if (rc == SOU_OK)
		rc = soud_replica_commit(hub->replica, NULL);
	soud_replica_rollback(hub->replica);
	return rc;
}

static int authority(struct scene *s, struct node *hub)
{
	const uint16_t index = 1;
	const struct sou_effect effects[] = {
		{.type = SOU_EFFECT_GRANT,
		 .site = hub->site,
		 .roles = SOU_ROLE_EDITOR,
		 .reach = SOU_REACH_SCOPE,
		 .id = s->site->org_scope},
		{.type = SOU_EFFECT_REDACT,
		 .number = 1,
		 .ids = &s->one,
		 .id_count = 1,
		 .indexes = &index},
	};
	int rc = take_news(s, hub);
	if (rc == SOU_OK)
		rc = soud_replica_begin(hub->replica);
	if (rc == SOU_OK)
		rc = soud_hub_sign_op(hub->replica, &s->w->operational, effects, 2, NULL, NULL);
	if (rc == SOU_OK)
		rc = soud_replica_commit(hub->replica, NULL);
	soud_replica_rollback(hub->replica);
	return rc;
}

static int read_all(struct scene *s, struct node *hub)
{
	struct sou_view view;
	struct sou_buf buf = {0};
	struct sou_news_answer a;
	const struct sou_news_query q = {.scope = hub->org_scope,
					 .bytes_max = 4096,
					 .peer_site = s->site->site,
					 .heads = &s->one,
					 .head_count = 1};
	struct soud_reader *v = NULL;
	int rc = soud_reader_open(&v, hub->path, &hub->options, NULL);
	if (rc == SOU_OK) {
		soud_reader_view(v, &view);
		rc = view.news(view.ctx, &q, &buf, &a);
	}
	if (rc == SOU_OK)
		rc = view.headers(view.ctx, &hub->org_scope, 0, &s->one, &buf, &a);
	if (rc == SOU_OK)
		rc = soud_reader_refresh(v);
	soud_reader_close(v);
	sou_buf_fini(&buf);
	return rc;
}

static void each_call(const char *name, int (*fn)(struct scene *s, struct node *hub))
{
	struct scene *s = scene_new();
	struct node *hub = &s->w->hub;
	bool for_ever = false;
	long last = 0;
	FOR_EACH_FAULT (n) {
		(void)fault_disarm(); /* what makes the scene is not tried */
		for_ever = for_ever || n <= last;
		last = n;
		restore(hub, s->hub_file);
		fault_arm(n, for_ever);
		int rc =
			soud_replica_open(&hub->replica, hub->path, &hub->env, &hub->options, NULL);
		if (rc == SOU_OK) {
			rc = fn(s, hub);
			soud_replica_close(hub->replica);
		}
		long failed = fault_disarm();
		CHECK(name, rc == SOU_OK || rc == SOU_ENOMEM || rc == SOU_ESTORE);
		CHECK(name, failed == 0 ? rc == SOU_OK : true);
		node_open(hub); /* it opens, and what was there is there */
		struct sou_scope_entry e;
		struct sou_scope *engine;
		CHECK_INT(name, soud_replica_engine(hub->replica, &hub->org_scope, &engine), ==,
			  SOU_OK);
		CHECK_U64(name, sou_scope_list(engine, 0, &e, 1), ==, 1);
		CHECK_INT(name, e.verdict, ==, SOU_ACCEPTED);
		if (rc == SOU_OK)
			CHECK_INT(name, fn(s, hub) == SOU_OK, ==, 1);
		node_close(hub);
	}
	CHECK_INT(name, last, >, 100); /* so many calls were tried */
}

TEST(oom, news)
{
	each_call("R6 news", take_news);
}

TEST(oom, act)
{
	each_call("R6 act", act);
}

TEST(oom, authority)
{
	each_call("R6 authority", authority);
}

TEST(oom, reading)
{
	each_call("R6 reading", read_all);
}
