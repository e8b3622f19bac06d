/* say.h - what a person is told: errors in their three parts, words for the API's states, and other
 * people's text made harmless on its way out. */
#ifndef SOUC_SAY_H
#define SOUC_SAY_H

#include <jansson.h>

#include "client/cli/context.h"
#include "client/cli/text.h"
#include "proto/error.h"

/* Tell an error of the catalogue (the variable arguments are const char *, as many as it takes):
 * what happened, what is safe, what to do next; with --json as the API's error object. Returns its
 * exit status. */
int souc_fail(struct souc_context *cx, enum sou_msg msg, ...);

/* The same for the error object that the daemon sent (checked: `error` is an object). */
int souc_fail_reply(struct souc_context *cx, const json_t *error);

/* The same for a code of proto/error.h with its sentence, where nothing better is known. */
int souc_fail_rc(struct souc_context *cx, const struct sou_err *err);

/* A label of the catalogue in the person's language. */
const char *souc_word(const struct souc_context *cx, enum sou_msg label);

/* The label with id PREFIX.VALUE ("standing", "submitted"), or VALUE itself where there is none. */
const char *souc_label(const struct souc_context *cx, const char *prefix, const char *value);

/* Print a line of our own words and partners' values: %s arguments are made harmless. */
void souc_line(struct souc_context *cx, const char *format, ...)
	__attribute__((format(printf, 2, 3)));

/* Print the buffer as it is. */
void souc_print(struct souc_context *cx, const struct souc_buffer *b);

/* Print a reply for a program: one line of JSON, whose control characters are escaped. */
int souc_print_json(struct souc_context *cx, const json_t *value);

/* "2023-09-01T10:05:00.123+09:00" as people read it: "2023-09-01 10:05"; "-" for null. Uses `room`
 * (24 bytes). */
const char *souc_time(const json_t *time, char *room);

/* Member of an object as text: "" where it is missing or null. */
const char *souc_get(const json_t *object, const char *member);
long long souc_get_int(const json_t *object, const char *member);

#endif
