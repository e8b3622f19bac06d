/* scope_graph.c - nodes, names, lines and their room; sou_scope_put. */
#include "scope_graph.h"

static bool grow_lists(struct sou_scope *s, uint32_t need)
{
	uint32_t **lists[] = {&s->order, &s->touched, &s->work, &s->stack,
			      &s->tops,  &s->rest,    &s->held, &s->lacks};
	if (need <= s->list_cap)
		return true;
	uint32_t cap = s->list_cap + s->list_cap / 4;
	if (cap < need)
		cap = need < 16 ? 16 : need;
	for (size_t i = 0; i < sizeof lists / sizeof *lists; i++) {
		uint32_t *p = realloc(*lists[i], cap * sizeof *p);
		if (p == NULL)
			return false;
		*lists[i] = p;
	}
	s->list_cap = cap;
	return true;
}

int scope_reserve(struct sou_scope *s, uint32_t nodes, uint32_t edges)
{
	if ((uint64_t)s->node_count + nodes >= UINT32_MAX / 2)
		return SOU_ENOMEM;
	uint32_t pages = (s->node_count + nodes + NODE_PAGE_NODES - 1) >> NODE_PAGE_BITS;
	if (pages > s->page_count) {
		void *p = sou_grow(s->pages, &s->page_cap, s->page_count, pages - s->page_count,
				   sizeof *s->pages);
		if (p == NULL)
			return SOU_ENOMEM;
		s->pages = p;
	}
	while (s->page_count < pages) {
		s->pages[s->page_count] = malloc(NODE_PAGE_NODES * sizeof **s->pages);
		if (s->pages[s->page_count] == NULL)
			return SOU_ENOMEM;
		s->page_count++;
	}
	if (edges > 0) {
		void *p = sou_grow(s->edges, &s->edge_cap, s->edge_count, edges, sizeof *s->edges);
		if (p == NULL)
			return SOU_ENOMEM;
		s->edges = p;
	}
	if (!sou_table_reserve(&s->node_table, nodes) || !grow_lists(s, s->node_count + nodes))
		return SOU_ENOMEM;
	return SOU_OK;
}

uint32_t scope_find(const struct sou_scope *s, const struct sou_hash *id)
{
	uint32_t cursor = 0, n;
	while ((n = sou_table_next(&s->node_table, sou_table_hash(id), &cursor)) != SOU_TABLE_END)
		if (sou_hash_eq(&node_at(s, n)->id, id))
			return n;
	return SOU_NONE;
}

static uint32_t new_node(struct sou_scope *s, const struct sou_hash *id)
{
	uint32_t n = s->node_count++;
	SOU_ASSERT(n < s->page_count << NODE_PAGE_BITS);
	struct node *node = node_at(s, n);
	memset(node, 0, sizeof *node);
	node->id = *id;
	node->prev = node->first_child = node->next_sibling = SOU_NONE;
	node->line = node->epoch = node->for_org = node->needs = node->refs = SOU_NONE;
	node->verdict = node->told = SOU_VERDICT_NONE;
	sou_table_add(&s->node_table, sou_table_hash(id), n);
	return n;
}

uint32_t scope_need_node(struct sou_scope *s, const struct sou_hash *id)
{
	uint32_t n = scope_find(s, id);
	return n != SOU_NONE ? n : new_node(s, id);
}

static uint32_t find_name(const struct sou_scope *s, const struct sou_id *id)
{
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&s->name_table, sou_table_hash(id), &cursor)) != SOU_TABLE_END) {
		SOU_ASSERT(s->names != NULL); /* the table names what is in it */
		if (sou_id_eq(&s->names[i], id))
			return i;
	}
	return SOU_NONE;
}

uint32_t scope_need_name(struct sou_scope *s, const struct sou_id *id)
{
	uint32_t i = find_name(s, id);
	if (i != SOU_NONE)
		return i;
	void *p = sou_grow(s->names, &s->name_cap, s->name_count, 1, sizeof *s->names);
	if (p == NULL)
		return SOU_NONE;
	s->names = p;
	if (!sou_table_reserve(&s->name_table, 1))
		return SOU_NONE;
	s->names[s->name_count] = *id;
	sou_table_add(&s->name_table, sou_table_hash(id), s->name_count);
	return s->name_count++;
}

static uint32_t find_line(const struct sou_scope *s, uint32_t site, uint32_t key)
{
	uint32_t cursor = 0, i;
	while ((i = sou_table_next(&s->line_table, site * 31 + key, &cursor)) != SOU_TABLE_END)
		if (s->lines[i].site == site && s->lines[i].key == key)
			return i;
	return SOU_NONE;
}

uint32_t scope_find_line(const struct sou_scope *s, const struct sou_id *site_id,
			 const struct sou_id *key_id)
{
	uint32_t site = find_name(s, site_id), key = find_name(s, key_id);
	return site == SOU_NONE || key == SOU_NONE ? SOU_NONE : find_line(s, site, key);
}

static uint32_t need_line(struct sou_scope *s, const struct sou_id *site_id,
			  const struct sou_id *key_id)
{
	uint32_t site = scope_need_name(s, site_id), key = scope_need_name(s, key_id);
	if (site == SOU_NONE || key == SOU_NONE)
		return SOU_NONE;
	uint32_t i = find_line(s, site, key);
	if (i != SOU_NONE)
		return i;
	void *p = sou_grow(s->lines, &s->line_cap, s->line_count, 1, sizeof *s->lines);
	if (p == NULL)
		return SOU_NONE;
	s->lines = p;
	if (!sou_table_reserve(&s->line_table, 1))
		return SOU_NONE;
	s->lines[s->line_count] = (struct line){.site = site, .key = key, .opening = SOU_NONE};
	sou_table_add(&s->line_table, site * 31 + key, s->line_count);
	return s->line_count++;
}

void scope_list_add(uint32_t *list, uint32_t *count, struct node *node, uint32_t n,
		    enum node_flag flag)
{
	if (node_has(node, flag))
		return;
	node->flags |= flag;
	list[(*count)++] = n;
}

void scope_touch(struct sou_scope *s, uint32_t n)
{
	scope_list_add(s->touched, &s->touched_count, node_at(s, n), n, NODE_TOUCHED);
}

void scope_dirty(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	scope_list_add(s->work, &s->work_count, node, n, NODE_WORK);
	node->flags &= ~(uint32_t)NODE_JUDGED;
}

/* Names and line of a new header; those of the entry before are most often the same. */
struct header_names {
	uint32_t line, epoch;
};

static bool name_header(struct sou_scope *s, const struct sou_facts *f, uint32_t prev,
			struct header_names *out)
{
	uint32_t *line = &out->line, *epoch = &out->epoch;
	if (prev != SOU_NONE && node_has(node_at(s, prev), NODE_STORED)) {
		const struct node *p = node_at(s, prev);
		const struct line *l = &s->lines[p->line];
		if (sou_id_eq(&s->names[l->site], &f->site) &&
		    sou_id_eq(&s->names[l->key], &f->key))
			*line = p->line;
		if (sou_id_eq(&s->names[p->epoch], &f->epoch))
			*epoch = p->epoch;
	}
	if (*line == SOU_NONE)
		*line = need_line(s, &f->site, &f->key);
	if (*epoch == SOU_NONE)
		*epoch = scope_need_name(s, &f->epoch);
	return *line != SOU_NONE && *epoch != SOU_NONE;
}

/* A child now stands on a stored entry, or the entry that it stands on has come. */
static void link_child(struct sou_scope *s, uint32_t c)
{
	struct node *child = node_at(s, c);
	if (node_has(child, NODE_LINKED) || !scope_link_fits(s, child, node_at(s, child->prev)))
		return;
	child->flags |= NODE_LINKED;
	scope_touch(s, c);
	if (node_has(child, NODE_SIGDOWN))
		scope_signed_up(s, child->prev);
	if (node_has(child, NODE_ANCHORED))
		scope_anchor_up(s, child->prev);
}

/* Entries that came before the one they stand on: now is known which of them are siblings. */
static void adopt_children(struct sou_scope *s, uint32_t n)
{
	struct node *node = node_at(s, n);
	for (uint32_t c = node->first_child; c != SOU_NONE; c = node_at(s, c)->next_sibling) {
		const struct node *child = node_at(s, c);
		if (node_has(child, NODE_SIGDOWN) && !node_is_opening(child) &&
		    scope_at_place(s, child) && node->kids < 2)
			node->kids++;
	}
	for (uint32_t c = node->first_child; c != SOU_NONE; c = node_at(s, c)->next_sibling) {
		scope_touch(s, c);
		link_child(s, c);
	}
}

/* Cannot fail: room and names are there. */
static void put_header(struct sou_scope *s, uint32_t n, uint32_t prev,
		       const struct header_names *names, const struct sou_facts *f, uint64_t pos)
{
	struct node *node = node_at(s, n), *before = node_at(s, prev);
	node->seq = f->seq;
	node->hlc = f->hlc;
	node->pos = pos;
	node->kind = f->kind;
	node->clock = f->clock;
	node->prev = prev;
	node->line = names->line;
	node->epoch = names->epoch;
	node->flags |= NODE_STORED;
	node->next_sibling = before->first_child;
	before->first_child = n;
	if (s->order_count > 0 && node_at(s, s->order[s->order_count - 1])->pos > pos)
		s->order_sorted = false;
	s->order[s->order_count++] = n;
	s->stored_count++;
	scope_touch(s, n);
	scope_dirty(s, n);
	if (node_has(before, NODE_STORED))
		link_child(s, n);
	if (node->first_child != SOU_NONE)
		adopt_children(s, n);
}

int sou_scope_put(struct sou_scope *s, const struct sou_facts *f, uint64_t pos)
{
	SOU_ASSERT(s != NULL);
	SOU_ASSERT(sou_id_eq(&f->scope, &s->id));
	uint32_t named = (uint32_t)f->cite_count + f->part_count + f->name_count;
	uint32_t n = scope_find(s, &f->id), prev = SOU_NONE;
	bool fresh = n == SOU_NONE || !node_has(node_at(s, n), NODE_STORED), news = fresh;
	bool body = f->body != SOU_BODY_NONE && (fresh || node_at(s, n)->body == SOU_BODY_NONE);
	struct header_names names = {SOU_NONE, SOU_NONE};
	struct body_draft draft = {NULL, SOU_NONE, SOU_NONE};

	int rc = scope_reserve(s, 2 + (body ? named : 0), body ? named : 0);
	if (rc != SOU_OK)
		return rc;
	if (fresh) {
		prev = scope_find(s, &f->prev);
		if (!name_header(s, f, prev, &names))
			return SOU_ENOMEM;
	}
	if (body)
		rc = scope_body_prepare(s, f, fresh ? prev : node_at(s, n)->prev, &draft);
	if (rc != SOU_OK)
		return rc;

	if (fresh) {
		if (prev == SOU_NONE)
			prev = new_node(s, &f->prev);
		n = scope_need_node(s, &f->id);
		put_header(s, n, prev, &names, f, pos);
	}
	if (body)
		scope_body_commit(s, n, f, &draft);
	news |= body;
	if (!body && f->body != SOU_BODY_NONE)
		news |= scope_body_again(s, n, f);
	if (f->sig_checked && !node_has(node_at(s, n), NODE_SIG)) {
		node_at(s, n)->flags |= NODE_SIG;
		scope_signed_up(s, n);
		news = true;
	}
	if (news)
		s->digest_valid = false;
	return news ? SOU_OK : SOU_EEXIST;
}
