/* input.h - what a person hands in beside the words of the command: texts, files, a passphrase.
 * Texts are taken byte for byte (D-4). A passphrase never stands in an argument (R20). */
#ifndef SOUC_INPUT_H
#define SOUC_INPUT_H

#include "client/cli/context.h"
#include "client/cli/text.h"

/* Read a file ("-": standard input) of at most `bytes_max` bytes of UTF-8 without NUL. 0, or the
 * exit status after the error was told. */
int souc_input_file(struct souc_context *cx, const char *path, size_t bytes_max,
		    struct souc_buffer *out);

/* The text of --text or --file, exactly one of which must be there. With `optional`, none may be:
 * then `*given` is false. */
int souc_input_text(struct souc_context *cx, bool optional, struct souc_buffer *out, bool *given);

/* After a text that was read from standard input could not be saved (rc not 0; without --json), it
 * is kept in a new file of the working directory and the person is told where: nothing typed is
 * lost. Returns rc. */
int souc_input_keep(struct souc_context *cx, const struct souc_buffer *text, int rc);

/* What the system said (an errno), in the person's language. */
const char *souc_reason(const struct souc_context *cx, int err);

/* Is every text that goes out as JSON UTF-8? Else the error is told, naming `what`. */
int souc_input_utf8(struct souc_context *cx, const char *what, const char *text);

/* A passphrase: from --passphrase-fd (up to its first line end), else from the terminal without
 * echo after `prompt`. The caller wipes it by souc_buffer_fini. */
int souc_input_passphrase(struct souc_context *cx, enum sou_msg prompt, struct souc_buffer *out);

#endif
