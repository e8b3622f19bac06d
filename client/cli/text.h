/* text.h - text as a terminal shows it: columns of East Asian characters, lines broken by the rules
 * of Japanese (T-9), and other people's text made harmless. Texts are valid UTF-8; broken bytes are
 * shown as U+FFFD and never read past. Pure.
 *
 * Width: wide and full-width characters take two columns, combining marks none, all else one. What
 * Unicode calls ambiguous (① Ⅳ ○ …) takes one, as terminals do outside legacy code pages. */
#ifndef SOUC_TEXT_H
#define SOUC_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A growing string; zeroed is empty. `text` is NULL or ends with 0. Running out of memory ends the
 * program: a command has nothing to save. */
struct souc_buffer {
	char *text;
	size_t len, cap;
};

void souc_buffer_add(struct souc_buffer *b, const char *bytes, size_t len);
void souc_buffer_puts(struct souc_buffer *b, const char *text);
void souc_buffer_printf(struct souc_buffer *b, const char *format, ...)
	__attribute__((format(printf, 2, 3)));
void souc_buffer_pad(struct souc_buffer *b, size_t blanks);
/* Wipes before it frees; takes NULL and zeroed. */
void souc_buffer_fini(struct souc_buffer *b);

/* The character at `text` (`left` > 0 bytes): its bytes (>= 1) and code point (0xFFFD: broken). */
size_t souc_text_next(const char *text, size_t left, int32_t *code);

/* Columns of a text without line ends. */
size_t souc_text_columns(const char *text, size_t bytes);

/* Append `text` with every control character (C0 but the line end, DEL, C1, line separators) and
 * every character that turns the direction of text replaced by a visible one: a partner's text must
 * not be able to steer the terminal (R19). Each takes one column. */
void souc_text_add_safe(struct souc_buffer *b, const char *text, size_t bytes);

/* The next line of `text` that fits `columns` (>= 2): returns its bytes (0 only at the end of the
 * text), `*skip` = bytes to leave out after it (a line end, blanks between words). Breaks between
 * any two characters but: within a run of letters and digits that fits a line by itself; before
 * what may not begin a line (、。」…); after what may not end one (「（…). */
size_t souc_text_line(const char *text, size_t bytes, size_t columns, size_t *skip);

#endif
