/* ref.h - what people write for an id: its first 4 or more digits, or the place of an item as
 * PROJECT/COLUMN/ORG/ORDER. Resolved by asking the daemon, told when it names none or several. */
#ifndef SOUC_REF_H
#define SOUC_REF_H

#include <jansson.h>

#include "client/cli/context.h"

#define SOUC_ID_DIGITS 32u

/* The item that `text` names, an object owned by the caller. Exit status. */
int souc_ref_item(struct souc_context *cx, const char *text, json_t **item);

/* The conflict that `text` names. Exit status. */
int souc_ref_conflict(struct souc_context *cx, const char *text, json_t **conflict);

/* The member of `versions` (objects with `id`) whose id begins with `text`; borrowed. Exit status.
 */
int souc_ref_version(struct souc_context *cx, const json_t *versions, const char *text,
		     const json_t **version);

/* The values of --base as a list of whole ids out of `versions`; `*base` NULL where none were
 * given. Exit status; where `versions` holds others than those named, that of item.changed. */
int souc_ref_base(struct souc_context *cx, const json_t *versions, const char *item, json_t **base);

/* "1f3a2b4c": the beginning of an id as it is shown. Uses `room` (9 bytes). */
const char *souc_short_id(const char *id, char *room);

/* Is this the beginning of an id: 4..32 hexadecimal digits? */
bool souc_ref_is_prefix(const char *text);

#endif
