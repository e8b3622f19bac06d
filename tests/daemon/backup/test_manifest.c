/* The head of a backup: what is not whole is not believed (R20, R22). */
#include <stdio.h>
#include <string.h>

#include "daemon/backup/manifest.h"
#include "daemon/options.h"
#include "tests/lib/check.h"

static struct soud_backup_facts facts, got;

static void fill(struct soud_backup_facts *f)
{
	memset(f, 0, sizeof *f);
	memset(f->net.b, 1, sizeof f->net.b);
	memset(f->site.b, 0xfe, sizeof f->site.b);
	memset(f->genesis.b, 3, sizeof f->genesis.b);
	memset(f->site_key.b, 4, sizeof f->site_key.b);
	memset(f->own_last.b, 5, sizeof f->own_last.b);
	memset(f->sha256.b, 6, sizeof f->sha256.b);
	f->bytes = 110592;
	f->entries = 7;
	f->ops = 8;
	f->scopes = 9;
	f->own = 10;
	f->made_ms = INT64_C(1693526400000);
	f->schema = 2;
	f->hub = true;
	snprintf(f->software, sizeof f->software, "%s", "soukatsu 0.1.0");
	snprintf(f->name, sizeof f->name, "%s", "本館 \"例\"");
	snprintf(f->organisation, sizeof f->organisation, "%s", "tvac");
	snprintf(f->conf, sizeof f->conf, "%s", "listen = \"127.0.0.1:7443\"\n# 例\n");
}

static int read_rc(struct sou_span bytes, size_t *head)
{
	*head = 0;
	return manifest_read(bytes, &got, head);
}

TEST(manifest, comes_back_and_nothing_else_does)
{
	struct sou_buf buf = {0};
	size_t head;
	fill(&facts);
	REQUIRE("pack", manifest_pack(&buf, &facts) == SOU_OK);
	sou_buf_put(&buf, "SQLite format 3", 16); /* what follows is not looked at */
	struct sou_span whole = sou_buf_span(&buf);
	REQUIRE("read", read_rc(whole, &head) == SOU_OK);
	CHECK_U64("R22 where the replica begins", head, ==, buf.n - 16);
	CHECK_MEM("R22 all of it", &got, sizeof got, &facts, sizeof facts);
	for (size_t n = 0; n < head; n++) {
		struct sou_span cut = {whole.p, n};
		size_t none;
		CHECK_INT("R22 cut short", read_rc(cut, &none), ==, SOU_EAGAIN);
		for (unsigned bit = 0; bit < 8; bit++) {
			buf.p[n] ^= (uint8_t)(1u << bit);
			int rc = read_rc(whole, &none);
			CHECK("R22 one bit", rc == SOU_EFORMAT || rc == SOU_EAGAIN);
			buf.p[n] ^= (uint8_t)(1u << bit);
		}
	}
	sou_buf_fini(&buf);
}

/* A head of these two lines, with the sum that is right for them. */
static struct sou_span head_of(struct sou_buf *buf, const char *first, const char *second)
{
	static const char digits[] = "0123456789abcdef";
	sou_buf_clear(buf);
	sou_buf_put(buf, first, strlen(first));
	sou_buf_put(buf, second, strlen(second));
	struct sou_hash hash = sou_sha256(buf->p, buf->n);
	for (size_t i = 0; i < sizeof hash.b; i++) {
		sou_buf_put_u8(buf, (uint8_t)digits[hash.b[i] >> 4]);
		sou_buf_put_u8(buf, (uint8_t)digits[hash.b[i] & 15]);
	}
	sou_buf_put_u8(buf, '\n');
	return sou_buf_span(buf);
}

TEST(manifest, refuses)
{
	static const struct {
		const char *name, *first, *second;
		int rc;
	} rows[] = {
		{"another file", "PK\n", "{}\n", SOU_EFORMAT},
		{"a later form", "soukatsu-backup 2\n", "{}\n", SOU_ETOONEW},
		{"no member", "soukatsu-backup 1\n", "{}\n", SOU_EFORMAT},
		{"no object", "soukatsu-backup 1\n", "[]\n", SOU_EFORMAT},
		{"no JSON", "soukatsu-backup 1\n", "{\n", SOU_EFORMAT},
		{"a member twice", "soukatsu-backup 1\n", "{\"ops\":1,\"ops\":2}\n", SOU_EFORMAT},
		{"an empty line", "soukatsu-backup 1\n", "\n", SOU_EFORMAT},
	};
	struct sou_buf buf = {0};
	size_t head;
	for (size_t i = 0; i < ARRAY_LEN(rows); i++)
		CHECK_INT(rows[i].name,
			  read_rc(head_of(&buf, rows[i].first, rows[i].second), &head), ==,
			  rows[i].rc);
	sou_buf_clear(&buf);
	sou_buf_put(&buf, "soukatsu-backup 1\n", 18);
	while (buf.n <= SOUD_BACKUP_MANIFEST_BYTES_MAX)
		sou_buf_put_u8(&buf, ' ');
	CHECK_INT("R17 a line without an end", read_rc(sou_buf_span(&buf), &head), ==, SOU_EFORMAT);
	buf.n = SOUD_BACKUP_MANIFEST_BYTES_MAX;
	CHECK_INT("R17 at its limit", read_rc(sou_buf_span(&buf), &head), ==, SOU_EAGAIN);
	/* The longest settings, all of them escaped. */
	fill(&facts);
	memset(facts.conf, '\x01', SOUD_OPTIONS_FILE_BYTES_MAX);
	facts.conf[SOUD_OPTIONS_FILE_BYTES_MAX] = '\0';
	sou_buf_clear(&buf);
	REQUIRE("pack", manifest_pack(&buf, &facts) == SOU_OK);
	CHECK_INT("R17 the longest", read_rc(sou_buf_span(&buf), &head), ==, SOU_OK);
	CHECK_STR("R17 the longest", got.conf, facts.conf);
	sou_buf_fini(&buf);
}
