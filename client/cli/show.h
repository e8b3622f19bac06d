/* show.h - how the shapes of docs/api.md section 3 look on a terminal. What is appended to a buffer
 * may hold a partner's text as it is: it goes through souc_text_add_safe, souc_line or a grid. */
#ifndef SOUC_SHOW_H
#define SOUC_SHOW_H

#include <jansson.h>

#include "client/cli/context.h"
#include "client/cli/text.h"

/* "PROJECT/COLUMN/ORG/ORDER" of an item. */
void souc_place_add(const json_t *item, struct souc_buffer *out);

/* Where the words of an item are (U-1), and its marks: conflict, incomplete, redacted. */
void souc_state_add(const struct souc_context *cx, const json_t *item, struct souc_buffer *out);

/* The text of an item or version, or the word for why there is none. */
const char *souc_shown_text(const struct souc_context *cx, const json_t *object);

/* Print versions: who, where, when, how far; then the text, indented. */
void souc_versions_print(struct souc_context *cx, const json_t *versions);

#endif
