/* test_invite.c - invites written and read, against the vectors, and what a person is told about a
 * text that is none (P12.5). */
#include "proto/invite.h"

#include "tests/lib/vector.h"

static struct sou_span text_span(const char *text)
{
	struct test_bytes b =
		test_copy(text, strlen(text)); /* without the 0: a sanitizer sees past it */
	return (struct sou_span){b.b, b.n};
}

TEST(invite, vectors)
{
	json_t *file = vector_load("invites"), *rows = vector_array(file, "accept");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		const char *name = vector_str(row, "name"), *text = vector_str(row, "text");
		struct sou_invite invite;
		enum sou_invite_fault fault = SOU_INVITE_OTHER;
		CHECK_INT(name, sou_invite_read(&invite, text_span(text), &fault), ==, SOU_OK);
		CHECK_INT(name, fault, ==, SOU_INVITE_GOOD);
		uint8_t want[32], seed[SOU_SEED_BYTES];
		CHECK_STR(name, invite.address, vector_str(row, "address"));
		vector_hex_into(row, "tls_hash", want, 32);
		CHECK_MEM(name, invite.tls.b, 32, want, 32);
		vector_hex_into(row, "genesis", want, 32);
		CHECK_MEM(name, invite.genesis.b, 32, want, 32);
		vector_hex_into(row, "net", want, 16);
		CHECK_MEM(name, invite.net.b, 16, want, 16);
		vector_hex_into(row, "secret", want, 16);
		CHECK_MEM(name, invite.secret, 16, want, 16);
		sou_invite_seed(invite.secret, seed);
		vector_hex_into(row, "seed", want, 32);
		CHECK_MEM("P12.4 seed", seed, 32, want, 32);
		char out[SOU_INVITE_TEXT_BYTES_MAX];
		size_t n = 0;
		CHECK_INT(name, sou_invite_write(&invite, out, &n), ==, SOU_OK);
		CHECK_STR(name, out, text);
		CHECK_INT(name, n, ==, strlen(text));
		for (size_t cut = 0; cut < n; cut++) {
			struct sou_span part = text_span(test_printf("%.*s", (int)cut, text));
			CHECK_INT(name, sou_invite_read(&invite, part, &fault), ==, SOU_EINPUT);
			CHECK_INT(test_printf("%s, cut at %zu", name, cut), fault, ==,
				  cut < strlen("soukatsu1-") ? SOU_INVITE_OTHER : SOU_INVITE_SHORT);
		}
	}
	rows = vector_array(file, "refuse");
	for (size_t i = 0; i < json_array_size(rows); i++) {
		json_t *row = json_array_get(rows, i);
		struct sou_invite invite, untouched;
		memset(&invite, 0x5a, sizeof invite);
		memcpy(&untouched, &invite, sizeof invite);
		int rc = sou_invite_read(&invite, text_span(vector_str(row, "text")), NULL);
		CHECK(vector_str(row, "name"), rc == SOU_EINPUT || rc == SOU_ETOONEW);
		CHECK_MEM("nothing is set", &invite, sizeof invite, &untouched, sizeof untouched);
	}
}

#define GOOD                                                                                       \
	"lgCwaHViLmV4YW1wbGU6NDk4MMQg6aZ2QTrBiSOfl35n8OisIaVeRHirTmeY87RXP53LBC3EIBGmiwqpdjxlPjGN" \
	"M8OJfUn6ZCD4cd30M5J854dPP7uAxBCqguIiEEql8h6Zyf6bNECJxBByRxG15OEuEd_CDFzAxIx3ytkt5w"

TEST(invite, faults)
{
	static const struct {
		const char *name, *text;
		enum sou_invite_fault fault;
	} cases[] = {
		{"P12.5 good", "soukatsu1-" GOOD, SOU_INVITE_GOOD},
		{"P12.5 newer prefix", "soukatsu2-" GOOD, SOU_INVITE_NEWER},
		{"P12.5 newer prefix, two digits", "soukatsu10-xyz", SOU_INVITE_NEWER},
		{"P12.5 number 0", "soukatsu0-" GOOD, SOU_INVITE_OTHER},
		{"P12.5 number 01", "soukatsu01-" GOOD, SOU_INVITE_OTHER},
		{"P12.5 no number", "soukatsu-" GOOD, SOU_INVITE_OTHER},
		{"P12.5 an address", "https://hub.example/", SOU_INVITE_OTHER},
		{"P12.5 nothing", "", SOU_INVITE_OTHER},
		{"P12.5 only the stem", "soukatsu", SOU_INVITE_OTHER},
		{"P12.5 only the prefix", "soukatsu1-", SOU_INVITE_SHORT},
		{"P12.5 one letter more", "soukatsu1-" GOOD "A", SOU_INVITE_MISTYPED},
		{"P12.5 four letters more", "soukatsu1-" GOOD "AAAA", SOU_INVITE_MISTYPED},
		{"P12.5 a line end behind it",
		 "soukatsu1-lgCwaHViLmV4YW1wbGU6NDk4MMQg6aZ2QTrBiSOfl35n8OisIa"
		 "VeRHirTmeY87RXP53LBC3EIBGmiwqpdjxlPjGNM8OJfUn6ZCD4cd30M5J854dP"
		 "P7uAxBCqguIiEEql8h6Zyf6bNECJxBByRxG15OEuEd_CDFzAxIx3ytkt5w"
		 "\n",
		 SOU_INVITE_OTHER},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct sou_invite invite;
		enum sou_invite_fault fault;
		int rc = sou_invite_read(&invite, text_span(cases[i].text), &fault);
		CHECK_INT(cases[i].name, fault, ==, cases[i].fault);
		CHECK_INT(cases[i].name, rc, ==,
			  fault == SOU_INVITE_GOOD    ? SOU_OK
			  : fault == SOU_INVITE_NEWER ? SOU_ETOONEW
						      : SOU_EINPUT);
	}
	/* Any one letter other: never taken for good. */
	const char *good = "soukatsu1-" GOOD;
	for (size_t i = strlen("soukatsu1-"); i < strlen(good); i++) {
		char *text = test_printf("%s", good);
		text[i] = text[i] == 'Q' ? 'R' : 'Q';
		struct sou_invite invite;
		enum sou_invite_fault fault;
		CHECK_INT(text, sou_invite_read(&invite, text_span(text), &fault), ==, SOU_EINPUT);
		CHECK(text, fault == SOU_INVITE_MISTYPED || fault == SOU_INVITE_SHORT);
	}
	uint8_t *long_text = test_alloc(600);
	for (size_t i = 0; i < 600; i++)
		long_text[i] = (uint8_t)(i < 10 ? "soukatsu1-"[i] : 'A');
	enum sou_invite_fault fault;
	struct sou_invite invite;
	CHECK_INT("P12.5 512", sou_invite_read(&invite, (struct sou_span){long_text, 512}, &fault),
		  ==, SOU_EINPUT);
	CHECK_INT("P12.5 512", fault, ==, SOU_INVITE_MISTYPED);
	CHECK_INT("P12.5 513", sou_invite_read(&invite, (struct sou_span){long_text, 513}, &fault),
		  ==, SOU_EINPUT);
	CHECK_INT("P12.5 513", fault, ==, SOU_INVITE_OTHER);
}

TEST(invite, address)
{
	static const struct {
		const char *address;
		bool fits;
	} cases[] = {
		{"hub.example:4980", true},
		{"[2001:db8::1]:4980", true},
		{"a:1", true},
		{"a:65535", true},
		{"a:65536", false},
		{"a:99999", false},
		{"a:0", false},
		{"a:01", false},
		{"a:", false},
		{":1", false},
		{"1", false},
		{"a", false},
		{"", false},
		{"a b:1", false},
		{"a\n:1", false},
		{"a1", false},
		{"a:123456", false},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(cases[i].address, sou_address_fits(text_span(cases[i].address)), ==,
			  cases[i].fits);
	char *longest = test_alloc(300);
	memset(longest, 'h', 299);
	memcpy(longest + 250, ":4980", 6);
	CHECK("P12.5 255", sou_address_fits(text_span(longest)));
	memcpy(longest + 250, "h:4980", 7);
	CHECK("P12.5 256", !sou_address_fits(text_span(longest)));
	struct sou_invite invite = {.address = "no port"};
	char out[SOU_INVITE_TEXT_BYTES_MAX];
	size_t n = 0;
	CHECK_INT("P12.5 no port", sou_invite_write(&invite, out, &n), ==, SOU_EINPUT);
}
