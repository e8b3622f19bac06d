/* messages.h - the catalogue of all sentences shown to people (messages.def), for daemon and
 * client. Pure: no locale of the process, no allocation. Every text is valid UTF-8 and lives for
 * ever. */
#ifndef SOU_MESSAGES_H
#define SOU_MESSAGES_H

#include <stdbool.h>
#include <stddef.h>

enum sou_lang {
	SOU_LANG_JA,
	SOU_LANG_EN,
};

enum sou_msg {
#define M(symbol, id, exit, rule, arguments, ja, ja_safe, ja_next, en, en_safe, en_next)           \
	SOU_MSG_##symbol,
#define L(symbol, id, ja, en) SOU_MSG_##symbol,
#include "config/messages.def"
#undef M
#undef L
	SOU_MSG_COUNT
};

enum sou_msg_part {
	SOU_MSG_TEXT, /* what happened */
	SOU_MSG_SAFE, /* what is safe; "" for a label */
	SOU_MSG_NEXT, /* what to do next; "" for a label */
};

#define SOU_MSG_ARGUMENTS_MAX 4u
#define SOU_MSG_BYTES_MAX     2048u /* a part with its arguments put in; longer is cut */

/* Id ("item.conflict"), exit status (sysexits.h; 0 for a label), rule ("R9" or ""). */
const char *sou_msg_id(enum sou_msg msg);
int sou_msg_exit(enum sou_msg msg);
const char *sou_msg_rule(enum sou_msg msg);

/* One part as it stands, with its {names}. */
const char *sou_msg_raw(enum sou_msg msg, enum sou_lang lang, enum sou_msg_part part);

/* How many arguments the message takes, 0..SOU_MSG_ARGUMENTS_MAX, and the name of each. */
size_t sou_msg_argument_count(enum sou_msg msg);
/* Writes the name of argument i, cut at out_bytes. */
void sou_msg_argument_name(enum sou_msg msg, size_t i, char *out, size_t out_bytes);

/* One part with arguments put in: `arguments` holds sou_msg_argument_count(msg) texts in the order
 * of the catalogue; a NULL is shown as "-". Always ends with 0; what does not fit is cut at a
 * character. Returns the bytes written, without the 0. */
size_t sou_msg_format(enum sou_msg msg, enum sou_lang lang, enum sou_msg_part part,
		      const char *const *arguments, char *out, size_t out_bytes);

/* By id, for what comes as text over the API: false when there is none. */
bool sou_msg_find(const char *id, enum sou_msg *out);

/* The message that says in general what a code of proto/error.h means, where nothing better is
 * known. Takes one argument (a reason) or none, as its count says. */
enum sou_msg sou_msg_of_rc(int rc);

/* The words for what the system said (an errno), as a reason inside another message. */
enum sou_msg sou_msg_of_errno(int err);

/* The language of a person from LC_ALL, LC_MESSAGES, LANG, each NULL or "" when unset: Japanese
 * when the first one set begins with "ja", else English. */
enum sou_lang sou_lang_of(const char *lc_all, const char *lc_messages, const char *lang);

#endif
