/* test_messages.c - the catalogue as a whole: each message has its three parts in both languages
 * (U-6), uses the arguments it declares and no other, and a right exit status. */
#include "config/messages.h"

#include <ctype.h>
#include <stdio.h>
#include <sysexits.h>

#include "proto/error.h"
#include "tests/lib/check.h"

static bool is_label(enum sou_msg msg)
{
	return sou_msg_exit(msg) == 0;
}

TEST(messages, ids)
{
	for (int i = 0; i < SOU_MSG_COUNT; i++) {
		const char *id = sou_msg_id((enum sou_msg)i);
		enum sou_msg found = SOU_MSG_COUNT;
		CHECK(id, sou_msg_find(id, &found));
		CHECK_INT(id, found, ==, i); /* fails where two share an id */
		CHECK(id, strspn(id, "abcdefghijklmnopqrstuvwxyz0123456789._-") == strlen(id));
	}
	enum sou_msg untouched = SOU_MSG_INTERNAL;
	CHECK("no such id", !sou_msg_find("item.conflic", &untouched));
	CHECK_INT("no such id", untouched, ==, SOU_MSG_INTERNAL);
}

TEST(messages, parts)
{
	for (int i = 0; i < SOU_MSG_COUNT; i++) {
		enum sou_msg msg = (enum sou_msg)i;
		for (int lang = SOU_LANG_JA; lang <= SOU_LANG_EN; lang++) {
			for (int part = SOU_MSG_TEXT; part <= SOU_MSG_NEXT; part++) {
				const char *text = sou_msg_raw(msg, (enum sou_lang)lang,
							       (enum sou_msg_part)part);
				bool wanted = !is_label(msg) || part == SOU_MSG_TEXT;
				CHECK_INT(sou_msg_id(msg), text[0] != '\0', ==, wanted);
				if (is_label(msg) || text[0] == '\0')
					continue;
				const char *end = lang == SOU_LANG_JA ? "。" : ".";
				size_t n = strlen(text), end_n = strlen(end);
				CHECK(sou_msg_id(msg),
				      n > end_n && strcmp(text + n - end_n, end) == 0);
			}
		}
		const char *ja = sou_msg_raw(msg, SOU_LANG_JA, SOU_MSG_TEXT);
		bool beyond_ascii = false;
		for (const char *p = ja; *p != '\0'; p++)
			beyond_ascii = beyond_ascii || (unsigned char)*p >= 0xE3;
		CHECK(sou_msg_id(msg), beyond_ascii);
	}
}

TEST(messages, exit_and_rule)
{
	for (int i = 0; i < SOU_MSG_COUNT; i++) {
		enum sou_msg msg = (enum sou_msg)i;
		const char *rule = sou_msg_rule(msg), *id = sou_msg_id(msg);
		if (!is_label(msg)) {
			CHECK_INT(id, sou_msg_exit(msg), >=, EX__BASE);
			CHECK_INT(id, sou_msg_exit(msg), <=, EX__MAX);
		}
		if (rule[0] != '\0') {
			CHECK(id, rule[0] == 'R' && isdigit((unsigned char)rule[1]));
			CHECK(id, strspn(rule + 1, "0123456789") == strlen(rule + 1));
			CHECK_INT(id, strtol(rule + 1, NULL, 10), <=, 24);
		}
	}
}

/* Each name that stands in braces is declared, and each declared one stands in both languages. */
TEST(messages, arguments)
{
	for (int i = 0; i < SOU_MSG_COUNT; i++) {
		enum sou_msg msg = (enum sou_msg)i;
		for (int lang = SOU_LANG_JA; lang <= SOU_LANG_EN; lang++) {
			char all[3 * SOU_MSG_BYTES_MAX] = "";
			for (int part = SOU_MSG_TEXT; part <= SOU_MSG_NEXT; part++)
				strncat(all,
					sou_msg_raw(msg, (enum sou_lang)lang,
						    (enum sou_msg_part)part),
					SOU_MSG_BYTES_MAX);
			size_t count = sou_msg_argument_count(msg), braces = 0, used = 0;
			for (const char *p = strchr(all, '{'); p != NULL; p = strchr(p + 1, '{'))
				braces++;
			for (size_t a = 0; a < count; a++) {
				char name[32], braced[40];
				sou_msg_argument_name(msg, a, name, sizeof name);
				snprintf(braced, sizeof braced, "{%s}", name);
				CHECK(sou_msg_id(msg), strstr(all, braced) != NULL);
				for (const char *p = strstr(all, braced); p != NULL;
				     p = strstr(p + 1, braced))
					used++;
			}
			CHECK_INT(sou_msg_id(msg), used, ==, braces);
		}
	}
}

TEST(messages, format)
{
	static const char *const args[] = {"1f3a", NULL, "3", "4"};
	static const struct {
		const char *name;
		enum sou_msg msg;
		enum sou_lang lang;
		enum sou_msg_part part;
		size_t cap;
		const char *want;
	} cases[] = {
		{"in the middle", SOU_MSG_CONFLICT_NONE, SOU_LANG_EN, SOU_MSG_TEXT, 99,
		 "There is no conflict in 1f3a."},
		{"at the start", SOU_MSG_CONFLICT_NONE, SOU_LANG_JA, SOU_MSG_TEXT, 99,
		 "1f3a に内容の食い違いはありません。"},
		{"none", SOU_MSG_SYNC_PAUSED, SOU_LANG_EN, SOU_MSG_NEXT, 99,
		 "Go on with soukatsu sync resume."},
		{"a NULL", SOU_MSG_ITEM_PLACE, SOU_LANG_EN, SOU_MSG_TEXT, 99,
		 "The place 1f3a does not exist; there are -."},
		{"label", SOU_MSG_STATE_QUEUED, SOU_LANG_JA, SOU_MSG_TEXT, 99, "送信待ち"},
		{"label has no next", SOU_MSG_STATE_QUEUED, SOU_LANG_JA, SOU_MSG_NEXT, 99, ""},
		{"just fits", SOU_MSG_STATE_QUEUED, SOU_LANG_JA, SOU_MSG_TEXT, 13, "送信待ち"},
		{"one byte short", SOU_MSG_STATE_QUEUED, SOU_LANG_JA, SOU_MSG_TEXT, 12, "送信待"},
		{"half a character", SOU_MSG_STATE_QUEUED, SOU_LANG_JA, SOU_MSG_TEXT, 9, "送信"},
		{"argument cut", SOU_MSG_CONFLICT_NONE, SOU_LANG_JA, SOU_MSG_TEXT, 4, "1f3"},
		{"nothing fits", SOU_MSG_STATE_QUEUED, SOU_LANG_JA, SOU_MSG_TEXT, 1, ""},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		char *out = test_alloc(cases[i].cap);
		size_t n = sou_msg_format(cases[i].msg, cases[i].lang, cases[i].part, args, out,
					  cases[i].cap);
		CHECK_STR(cases[i].name, out, cases[i].want);
		CHECK_INT(cases[i].name, n, ==, strlen(cases[i].want));
	}
}

TEST(messages, whole_table_formats)
{
	static const char *const args[] = {"東", "京", "都", "社"};
	for (int i = 0; i < SOU_MSG_COUNT; i++) {
		for (int part = SOU_MSG_TEXT; part <= SOU_MSG_NEXT; part++) {
			char out[SOU_MSG_BYTES_MAX];
			sou_msg_format((enum sou_msg)i, SOU_LANG_JA, (enum sou_msg_part)part, args,
				       out, sizeof out);
			CHECK(sou_msg_id((enum sou_msg)i), strpbrk(out, "{}") == NULL);
		}
	}
}

TEST(messages, of_rc)
{
	static const struct {
		int rc;
		enum sou_msg msg;
	} cases[] = {
		{SOU_ENOMEM, SOU_MSG_NO_MEMORY},
		{SOU_ESTORE, SOU_MSG_REPLICA_FAILED},
		{SOU_ECORRUPT, SOU_MSG_REPLICA_DAMAGED},
		{SOU_EFORMAT, SOU_MSG_REQUEST_MALFORMED},
		{SOU_ETOONEW, SOU_MSG_AUTHORITY_NEWER},
		{SOU_EPROTO, SOU_MSG_INTERNAL},
		{-12345, SOU_MSG_INTERNAL},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		CHECK_INT(sou_err_name(cases[i].rc), sou_msg_of_rc(cases[i].rc), ==, cases[i].msg);
		CHECK_INT(sou_err_name(cases[i].rc), sou_msg_argument_count(cases[i].msg), <=, 1);
	}
}

TEST(messages, language)
{
	static const struct {
		const char *all, *messages, *lang;
		enum sou_lang want;
	} cases[] = {
		{NULL, NULL, NULL, SOU_LANG_EN},
		{NULL, NULL, "ja_JP.UTF-8", SOU_LANG_JA},
		{"", "", "ja", SOU_LANG_JA},
		{"C", NULL, "ja_JP.UTF-8", SOU_LANG_EN},
		{NULL, "ja.utf8", "en_US.UTF-8", SOU_LANG_JA},
		{"ja_JP@era", "C", "C", SOU_LANG_JA},
		{NULL, NULL, "jam_JM", SOU_LANG_EN},
		{NULL, NULL, "j", SOU_LANG_EN},
	};
	for (size_t i = 0; i < ARRAY_LEN(cases); i++)
		CHECK_INT(test_printf("row %zu", i),
			  sou_lang_of(cases[i].all, cases[i].messages, cases[i].lang), ==,
			  cases[i].want);
}
