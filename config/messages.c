/* messages.c - the table behind messages.h, and putting arguments in. Names, not positions, stand
 * in the texts, so that each language can order them its own way and no text is ever a printf
 * format. */
#include "config/messages.h"

#include <errno.h>
#include <string.h>
#include <sysexits.h>

#include "proto/error.h"

struct message {
	const char *id, *rule, *arguments;
	int exit;
	const char *text[2][3]; /* [language][part] */
};

static const struct message messages[SOU_MSG_COUNT] = {
#define M(symbol, id, exit, rule, arguments, ja, ja_safe, ja_next, en, en_safe, en_next)           \
	{id, rule, arguments, exit, {{ja, ja_safe, ja_next}, {en, en_safe, en_next}}},
#define L(symbol, id, ja, en) {id, "", "", 0, {{ja, "", ""}, {en, "", ""}}},
#include "config/messages.def"
#undef M
#undef L
};

static const struct message *message(enum sou_msg msg)
{
	SOU_ASSERT((unsigned)msg < SOU_MSG_COUNT);
	return &messages[msg];
}

const char *sou_msg_id(enum sou_msg msg)
{
	return message(msg)->id;
}

int sou_msg_exit(enum sou_msg msg)
{
	return message(msg)->exit;
}

const char *sou_msg_rule(enum sou_msg msg)
{
	return message(msg)->rule;
}

const char *sou_msg_raw(enum sou_msg msg, enum sou_lang lang, enum sou_msg_part part)
{
	return message(msg)->text[lang == SOU_LANG_JA ? 0 : 1][part];
}

/* The i-th word of a list with blanks between; *bytes 0 when there is none. */
static const char *word_at(const char *list, size_t i, size_t *bytes)
{
	for (; i > 0 && *list != '\0'; i--) {
		list += strcspn(list, " ");
		list += strspn(list, " ");
	}
	*bytes = strcspn(list, " ");
	return list;
}

size_t sou_msg_argument_count(enum sou_msg msg)
{
	size_t count = 0, bytes;
	while (word_at(message(msg)->arguments, count, &bytes)[0] != '\0')
		count++;
	SOU_ASSERT(count <= SOU_MSG_ARGUMENTS_MAX);
	return count;
}

struct writer {
	char *out;
	size_t cap, used; /* used < cap: the last byte is the 0 */
	bool cut;
};

/* Cut at a character: once something did not fit nothing more is written. */
static void put(struct writer *w, const char *text, size_t bytes)
{
	if (w->cut)
		return;
	size_t room = w->cap - 1 - w->used;
	if (bytes > room) {
		bytes = room;
		while (bytes > 0 && ((unsigned char)text[bytes] & 0xC0) == 0x80)
			bytes--;
		w->cut = true;
	}
	memcpy(w->out + w->used, text, bytes);
	w->used += bytes;
	w->out[w->used] = '\0';
}

void sou_msg_argument_name(enum sou_msg msg, size_t i, char *out, size_t out_bytes)
{
	SOU_ASSERT(out_bytes > 0);
	struct writer w = {.out = out, .cap = out_bytes};
	size_t bytes;
	const char *name = word_at(message(msg)->arguments, i, &bytes);
	out[0] = '\0';
	put(&w, name, bytes);
}

/* The argument that {name} stands for; false when the message has none of that name. */
static bool find_argument(const struct message *m, const char *name, size_t bytes, size_t *index)
{
	for (size_t i = 0; i < SOU_MSG_ARGUMENTS_MAX; i++) {
		size_t word_bytes;
		const char *word = word_at(m->arguments, i, &word_bytes);
		if (word_bytes == bytes && bytes > 0 && memcmp(word, name, bytes) == 0) {
			*index = i;
			return true;
		}
	}
	return false;
}

size_t sou_msg_format(enum sou_msg msg, enum sou_lang lang, enum sou_msg_part part,
		      const char *const *arguments, char *out, size_t out_bytes)
{
	SOU_ASSERT(out_bytes > 0);
	const struct message *m = message(msg);
	struct writer w = {.out = out, .cap = out_bytes};
	out[0] = '\0';
	for (const char *p = sou_msg_raw(msg, lang, part); *p != '\0';) {
		size_t plain = strcspn(p, "{"), index = 0;
		put(&w, p, plain);
		p += plain;
		if (*p == '\0')
			break;
		size_t name_bytes = strcspn(p + 1, "}");
		bool known = find_argument(m, p + 1, name_bytes, &index);
		SOU_ASSERT(known); /* held by tests/config/test_messages.c for the whole table */
		SOU_ASSERT(arguments != NULL);
		const char *value = arguments[index] != NULL ? arguments[index] : "-";
		put(&w, value, strlen(value));
		p += 1 + name_bytes + 1;
	}
	return w.used;
}

bool sou_msg_find(const char *id, enum sou_msg *out)
{
	for (size_t i = 0; i < SOU_MSG_COUNT; i++) {
		if (strcmp(messages[i].id, id) == 0) {
			*out = (enum sou_msg)i;
			return true;
		}
	}
	return false;
}

enum sou_msg sou_msg_of_rc(int rc)
{
	switch (rc) {
	case SOU_ENOMEM:
		return SOU_MSG_NO_MEMORY;
	case SOU_ESTORE:
	case SOU_EIO:
		return SOU_MSG_REPLICA_FAILED;
	case SOU_EFULL:
		return SOU_MSG_REPLICA_FULL;
	case SOU_ECORRUPT:
		return SOU_MSG_REPLICA_DAMAGED;
	case SOU_EFORMAT:
	case SOU_EINPUT:
		return SOU_MSG_REQUEST_MALFORMED;
	case SOU_ETOONEW:
		return SOU_MSG_AUTHORITY_NEWER;
	default:
		return SOU_MSG_INTERNAL;
	}
}

enum sou_msg sou_msg_of_errno(int err)
{
	static const struct {
		int err;
		enum sou_msg msg;
	} reasons[] = {
		{ENOENT, SOU_MSG_REASON_ABSENT},          {EACCES, SOU_MSG_REASON_DENIED},
		{EPERM, SOU_MSG_REASON_DENIED},           {EISDIR, SOU_MSG_REASON_IS_FOLDER},
		{ENOTDIR, SOU_MSG_REASON_NO_FOLDER},      {ENOSPC, SOU_MSG_REASON_SPACE},
		{EDQUOT, SOU_MSG_REASON_SPACE},           {EROFS, SOU_MSG_REASON_READ_ONLY},
		{ENAMETOOLONG, SOU_MSG_REASON_NAME_LONG}, {EEXIST, SOU_MSG_REASON_STANDS},
	};
	for (size_t i = 0; i < sizeof reasons / sizeof *reasons; i++) {
		if (reasons[i].err == err)
			return reasons[i].msg;
	}
	return SOU_MSG_REASON_SYSTEM;
}

enum sou_lang sou_lang_of(const char *lc_all, const char *lc_messages, const char *lang)
{
	const char *const names[] = {lc_all, lc_messages, lang};
	for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
		if (names[i] == NULL || names[i][0] == '\0')
			continue;
		bool ja = strncmp(names[i], "ja", 2) == 0 && strchr("_.@", names[i][2]) != NULL;
		return ja ? SOU_LANG_JA : SOU_LANG_EN;
	}
	return SOU_LANG_EN;
}
