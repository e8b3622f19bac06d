/* main_bench_codec.c - what the byte level costs: bench_codec [entries]. Nanoseconds of CPU time
 * for one of each step, and bytes on the wire; prints and decides nothing. An entry is one text of
 * about 270 bytes; 62 sites write turn by turn. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/batch.h"
#include "proto/limits.h"
#include "proto/schema.h"
#include "tests/lib/keyed.h"

#define SITES   62u
#define ROUNDS  5u
#define PHRASES (sizeof phrases / sizeof *phrases)

struct made {
	uint8_t header[512], payload[1024], signature[SOU_SIGNATURE_BYTES];
	size_t header_bytes, payload_bytes;
	struct sou_hash id;
};

static const char *const phrases[] = {
	"例：地域の",     "見守り活動を",     "民生委員と",       "協力して",
	"月に二回",       "実施した。",       "参加者は",         "延べ三十名で、",
	"ボランティア",   "センターの",       "登録者数が",       "前年より",
	"増えた。",       "学習支援の",       "教室を",           "新たに二か所",
	"開き、",         "子どもたちの",     "居場所づくりに",   "取り組んだ。",
	"課題は",         "担い手の",         "確保であり、",     "研修会を",
	"計画している。", "相談窓口では",     "生活困窮に関する", "相談が",
	"多く、",         "関係機関と",       "連携を",           "深めた。",
	"災害時の",       "支援体制について", "町会と",           "話し合い、",
	"名簿の",         "整備を進めた。",   "広報紙を",         "年四回発行し、",
	"ホームページも", "更新した。",       "高齢者の",         "移動支援は",
	"運転者の",       "不足により",       "利用を",           "制限している。",
};

static uint64_t seed = 42;

static uint32_t draw(uint32_t below)
{
	seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
	return (uint32_t)(seed >> 33) % below;
}

static double now_ns(void)
{
	struct timespec t;
	clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
	return (double)t.tv_sec * 1e9 + (double)t.tv_nsec;
}

static size_t draw_text(char *text, size_t room)
{
	size_t n = 0;
	while (n < 255) {
		const char *phrase = phrases[draw(PHRASES)];
		size_t bytes = strlen(phrase);
		if (n + bytes > room)
			break;
		for (size_t i = 0; i < bytes; i++)
			text[n++] = phrase[i];
	}
	return n;
}

static void must(int rc, const char *what)
{
	if (rc == SOU_OK)
		return;
	fprintf(stderr, "%s: %s\n", what, sou_err_text(rc));
	exit(1);
}

static void fill(uint8_t *bytes, size_t n)
{
	for (size_t i = 0; i < n; i++)
		bytes[i] = (uint8_t)draw(256);
}

/* One entry of site i % SITES, as its daemon would make it. */
static void make(struct made *out, struct sou_header *next, const struct sou_signer *signer,
		 struct sou_entry *entry)
{
	char text[400];
	struct sou_buf value = {0}, header = {0}, payload = {0};
	struct sou_id replaces = sou_hash_half(&next->prev);
	sou_mp_put_str(&value, text, draw_text(text, sizeof text));
	struct sou_draft_op op = {.type = SOU_OP_SET,
				  .kind = SOU_KIND_ITEM,
				  .field = SOU_FIELD_ITEM_TEXT,
				  .value = sou_buf_span(&value),
				  .replaces = &replaces,
				  .replace_count = 1};
	fill(op.entity.b, sizeof op.entity.b);
	static const char by[] = "例 花子";
	struct sou_draft draft = {.header = *next,
				  .for_org = next->site,
				  .by = {(const uint8_t *)by, sizeof by - 1},
				  .ops = &op,
				  .op_count = 1};
	fill(draft.salt, sizeof draft.salt);
	must(sou_entry_make(entry, &draft, signer, &header, &payload, out->signature), "make");
	memcpy(out->header, header.p, header.n);
	memcpy(out->payload, payload.p, payload.n);
	out->header_bytes = header.n;
	out->payload_bytes = payload.n;
	out->id = entry->facts.id;
	next->prev = out->id;
	next->seq++;
	next->hlc += (uint64_t)(1000 + draw(600000)) << 16;
	sou_buf_fini(&value);
	sou_buf_fini(&header);
	sou_buf_fini(&payload);
}

static struct made *make_all(size_t count)
{
	struct made *all = calloc(count, sizeof *all);
	struct sou_header next[SITES] = {{0}};
	struct sou_signer signers[SITES];
	struct sou_entry entry = {0};
	if (all == NULL)
		exit(1);
	for (size_t i = 0; i < SITES; i++) {
		uint8_t secret[SOU_SEED_BYTES];
		fill(secret, sizeof secret);
		keyed_signer(&signers[i], secret);
		fill(next[i].site.b, sizeof next[i].site.b);
		fill(next[i].prev.b, sizeof next[i].prev.b);
		next[i].epoch = sou_hash_half(&next[i].prev);
		next[i].seq = 1;
		next[i].hlc = UINT64_C(1700000000000) << 16;
	}
	for (size_t i = 0; i < count; i++)
		make(&all[i], &next[i % SITES], &signers[i % SITES], &entry);
	for (size_t i = 0; i < SITES; i++)
		sou_signer_fini(&signers[i]);
	sou_entry_fini(&entry);
	return all;
}

static struct sou_span header_of(const struct made *m)
{
	return (struct sou_span){m->header, m->header_bytes};
}

static struct sou_span payload_of(const struct made *m)
{
	return (struct sou_span){m->payload, m->payload_bytes};
}

static void report(const char *what, double ns, size_t count)
{
	printf("%-44s %9.0f ns\n", what, ns / (double)count);
}

/* Time of `count` turns of the statement with i = 0.. below count; the best of some rounds. */
#define MEASURE(what, count, statement)                                                            \
	do {                                                                                       \
		double best = 1e18;                                                                \
		for (unsigned round = 0; round < ROUNDS; round++) {                                \
			double start = now_ns();                                                   \
			for (size_t i = 0; i < (count); i++)                                       \
				statement;                                                         \
			double took = now_ns() - start;                                            \
			best = took < best ? took : best;                                          \
		}                                                                                  \
		report(what, best, count);                                                         \
	} while (0)

static void steps(const struct made *all, size_t count)
{
	struct sou_entry e = {0};
	struct sou_header h;
	struct sou_hash hash = {{0}};
	uint8_t salt[SOU_SALT_BYTES];
	unsigned bodies = 0;
	must(sou_entry_read(&e, header_of(&all[0]), payload_of(&all[0]), NULL), "read");
	MEASURE("SHA-256 of 64 bytes", count, hash = sou_sha256(all[i].payload, 64));
	MEASURE("salt of a value (HMAC-SHA256)", count, sou_salt(all[i].payload, 1, salt));
	MEASURE("UTF-8 of a payload's text", count,
		bodies += sou_mp_utf8((struct sou_span){all[i].payload + 110, 200}));
	MEASURE("read a header", count, must(sou_header_read(&h, header_of(&all[i])), "header"));
	MEASURE("entry id", count, hash = sou_entry_id(header_of(&all[i])));
	MEASURE("read a payload", count,
		must(sou_payload_read(&e.payload, payload_of(&all[i])), "payload"));
	MEASURE("payload hash (of one)", count,
		must(sou_payload_hash(&e.payload, &e.scratch, &hash), "hash"));
	MEASURE("judge (one)", count, bodies += sou_payload_judge(&e.payload, SOU_ENTRY_DATA));
	MEASURE("entry from outside: read, hashes, facts", count,
		must(sou_entry_read(&e, header_of(&all[i]), payload_of(&all[i]), NULL), "read"));
	MEASURE("entry from the own store: read, facts", count,
		must(sou_entry_read(&e, header_of(&all[i]), payload_of(&all[i]), &all[i].id),
		     "read"));
	sou_entry_fini(&e);
	if (bodies == 1 && hash.b[0] + salt[0] == 1)
		puts(""); /* so that nothing is left out */
}

static void signatures(const struct made *all, size_t count)
{
	struct sou_signer signer;
	const struct sou_id net = {{1}};
	uint8_t secret[SOU_SEED_BYTES] = {1}, sig[SOU_SIGNATURE_BYTES];
	size_t few = count < 500 ? count : 500;
	must(sou_signer_ed25519(&signer, secret), "signer");
	MEASURE("sign (Ed25519)", few,
		must(sou_sign(&signer, SOU_CONTEXT_ENTRY, &net, (struct sou_span){all[i].id.b, 32},
			      sig),
		     "sign"));
	must(sou_sign(&signer, SOU_CONTEXT_ENTRY, &net, (struct sou_span){all[0].id.b, 32}, sig),
	     "sign");
	MEASURE("verify (Ed25519)", few,
		must(sou_entry_verify(&sou_verifier_ed25519, &net, &all[0].id, &signer.public_key,
				      sig),
		     "verify"));
	sou_signer_fini(&signer);
}

static void batches(const struct made *all, size_t count, bool keep, const char *what)
{
	struct sou_batch *batch = NULL;
	struct sou_buf data = {0};
	const struct sou_id net = {{0}}, scope = {{0}};
	double packing = 0, reading = 0;
	size_t done = 0, wire = 0, raw = 0, text = 0;
	must(sou_batch_new(&batch), "batch");
	while (done < count) {
		struct sou_batch_sent sent;
		double start = now_ns();
		sou_buf_clear(&data);
		sou_batch_begin(batch, 400000);
		size_t added = 0;
		while (done + added < count) {
			const struct made *m = &all[done + added];
			struct sou_batch_item item = {header_of(m), payload_of(m), m->signature,
						      keep, m->id};
			int rc = sou_batch_add(batch, &item);
			if (rc == SOU_EAGAIN)
				break;
			must(rc, "add");
			text += m->header_bytes + m->payload_bytes + SOU_SIGNATURE_BYTES;
			added++;
		}
		must(sou_batch_end(batch, &data, &sent), "end");
		packing += now_ns() - start;
		done += sent.covered;
		wire += data.n;
		raw += sent.raw_bytes;
		start = now_ns();
		const struct sou_batch_entry *e = NULL;
		must(sou_batch_open(batch, sou_buf_span(&data), sent.is_zstd, sent.raw_bytes, &net,
				    &scope),
		     "open");
		do
			must(sou_batch_next(batch, &e), "next");
		while (e != NULL);
		reading += now_ns() - start;
	}
	printf("%s\n", what);
	report("  pack and compress", packing, count);
	report("  decompress, rebuild, hashes, facts", reading, count);
	printf("  bytes an entry: %.0f stored, %.0f raw, %.0f on the wire\n",
	       (double)text / (double)count, (double)raw / (double)count,
	       (double)wire / (double)count);
	sou_buf_fini(&data);
	sou_batch_free(batch);
}

int main(int argc, char **argv)
{
	size_t count = argc > 1 ? strtoul(argv[1], NULL, 10) : 10000;
	if (count < 1000 || count > 1000000)
		return 64;
	struct made *all = make_all(count);
	printf("%zu entries, payload of %zu bytes and header of %zu (the first)\n", count,
	       all[0].payload_bytes, all[0].header_bytes);
	steps(all, count);
	signatures(all, count);
	batches(all, count, false, "batches, signatures of run ends:");
	batches(all, count, true, "batches, every signature:");
	free(all);
	return 0;
}
