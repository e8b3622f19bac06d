/* input.c - reading texts, files and passphrases. */
#define _GNU_SOURCE /* ppoll */
#include "client/cli/input.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>
#include <sysexits.h>
#include <termios.h>
#include <unistd.h>
#include <utf8proc.h>

#include "client/cli/command.h"
#include "client/cli/say.h"
#include "proto/limits.h"

/* UTF-8 without a zero byte, or which character is not (T-1). */
static int check_utf8(struct souc_context *cx, const char *what, const char *text, size_t bytes)
{
	int32_t code;
	size_t place = 1;
	for (size_t at = 0, n; at < bytes; at += n, place++) {
		char number[24];
		n = souc_text_next(text + at, bytes - at, &code);
		snprintf(number, sizeof number, "%zu", place);
		if (text[at] == '\0')
			return souc_fail(cx, SOU_MSG_TEXT_CONTROL, number, "U+0000");
		if (code == 0xFFFD && n == 1)
			return souc_fail(cx, SOU_MSG_TEXT_UTF8, what, number);
	}
	return 0;
}

int souc_input_utf8(struct souc_context *cx, const char *what, const char *text)
{
	return check_utf8(cx, what, text, strlen(text));
}

const char *souc_reason(const struct souc_context *cx, int err)
{
	return souc_word(cx, sou_msg_of_errno(err));
}

/* To the end of the descriptor; one byte more than bytes_max is read, to tell. errno on -1. */
static int read_all(int fd, size_t bytes_max, struct souc_buffer *out)
{
	char piece[16384];
	while (out->len <= bytes_max) {
		ssize_t n = read(fd, piece, sizeof piece);
		if (n < 0 && errno == EINTR)
			continue;
		if (n < 0)
			return -1;
		if (n == 0)
			break;
		souc_buffer_add(out, piece, (size_t)n);
	}
	souc_buffer_puts(out, ""); /* an empty file is a string too */
	return 0;
}

int souc_input_file(struct souc_context *cx, const char *path, size_t bytes_max,
		    struct souc_buffer *out)
{
	int fd = cx->in_fd;
	bool own = strcmp(path, "-") != 0;
	const char *name = own ? path : souc_word(cx, SOU_MSG_CLI_INPUT);
	if (own)
		fd = open(path, O_RDONLY | O_CLOEXEC);
	if (fd < 0)
		return souc_fail(cx, SOU_MSG_FILE_READ, name, souc_reason(cx, errno));
	int failed = read_all(fd, bytes_max, out);
	int why = errno;
	if (own)
		close(fd);
	if (failed != 0)
		return souc_fail(cx, SOU_MSG_FILE_READ, name, souc_reason(cx, why));
	if (out->len > bytes_max) {
		char limit[24];
		snprintf(limit, sizeof limit, "%zu", bytes_max);
		return souc_fail(cx, SOU_MSG_REQUEST_LIMIT, name, limit,
				 souc_word(cx, SOU_MSG_UNIT_BYTES));
	}
	return check_utf8(cx, name, out->text, out->len);
}

/* How long it is and how long it may be, in what a person counts and in what is stored (T-5). */
static int check_length(struct souc_context *cx, const struct souc_buffer *text)
{
	char characters[24], bytes[24], limit[24];
	size_t count = 0;
	if (text->len <= SOU_STR_BYTES_MAX)
		return 0;
	for (size_t i = 0; i < text->len; i++)
		count += ((unsigned char)text->text[i] & 0xC0) != 0x80;
	snprintf(characters, sizeof characters, "%zu", count);
	snprintf(bytes, sizeof bytes, "%zu", text->len);
	snprintf(limit, sizeof limit, "%u", SOU_STR_BYTES_MAX);
	return souc_fail(cx, SOU_MSG_TEXT_LONG, characters, bytes, limit);
}

int souc_input_text(struct souc_context *cx, bool optional, struct souc_buffer *out, bool *given)
{
	const char *text = souc_value(cx, SOUC_O_TEXT), *file = souc_value(cx, SOUC_O_FILE);
	*given = text != NULL || file != NULL;
	if (text != NULL && file != NULL)
		return souc_fail(cx, SOU_MSG_USAGE_EXCLUSIVE, "--text", "--file");
	bool resolving = strstr(cx->command->options, "use ") != NULL;
	int rc = 0;
	if (file != NULL) /* read further than its limit, so that its length can be told */
		rc = souc_input_file(cx, file, SOU_HTTP_BODY_BYTES_MAX, out);
	else if (text == NULL && !optional)
		return souc_fail(
			cx, SOU_MSG_USAGE_MISSING,
			souc_word(cx, resolving ? SOU_MSG_WANT_TEXT_OR_USE : SOU_MSG_WANT_TEXT),
			cx->command->name);
	else if (text == NULL)
		return 0;
	else
		rc = souc_input_utf8(cx, "--text", text);
	if (rc == 0 && text != NULL)
		souc_buffer_puts(out, text);
	return rc == 0 ? check_length(cx, out) : rc;
}

int souc_input_keep(struct souc_context *cx, const struct souc_buffer *text, int rc)
{
	const char *file = souc_value(cx, SOUC_O_FILE);
	char path[] = "soukatsu-text-XXXXXX";
	if (rc == 0 || cx->json || file == NULL || strcmp(file, "-") != 0 || text->len == 0)
		return rc;
	int fd = mkstemp(path);
	bool kept =
		fd >= 0 && write(fd, text->text, text->len) == (ssize_t)text->len && fsync(fd) == 0;
	if (fd >= 0)
		close(fd);
	if (kept)
		fprintf(cx->err, "  %s: %s\n", souc_word(cx, SOU_MSG_TEXT_KEPT), path);
	return rc;
}

/* A signal while the echo is off ends the reading, so that the terminal is set right before it
 * acts.
 */
static volatile sig_atomic_t stopped_by;

static void stop_cb(int signal_number)
{
	stopped_by = signal_number;
}

static const int stop_signals[] = {SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};
#define STOP_COUNT (sizeof stop_signals / sizeof *stop_signals)

/* Wait for input with the stop signals let through only here, so that none falls between looking
 * and waiting. Bytes read, or -1. */
static ssize_t read_stoppable(int tty, char *line, size_t cap, const sigset_t *open_mask)
{
	struct pollfd ready = {.fd = tty, .events = POLLIN};
	while (stopped_by == 0) {
		int n = ppoll(&ready, 1, NULL, open_mask);
		if (n > 0)
			return read(tty, line, cap);
		if (n < 0 && errno != EINTR)
			return -1;
	}
	return -1;
}

/* One line from the terminal without echo: bytes read, or -1. The echo is off before the prompt is
 * seen: what is typed early is neither shown nor lost. */
static ssize_t read_hidden(int tty, const char *prompt, char *line, size_t cap)
{
	struct sigaction before[STOP_COUNT], act = {.sa_handler = stop_cb};
	struct termios shown, hidden;
	sigset_t stops, mask;
	if (tcgetattr(tty, &shown) != 0)
		return -1;
	hidden = shown;
	hidden.c_lflag &= ~(tcflag_t)(ECHO | ECHOE | ECHOK);
	stopped_by = 0;
	sigemptyset(&stops);
	for (size_t i = 0; i < STOP_COUNT; i++) {
		sigaddset(&stops, stop_signals[i]);
		sigaction(stop_signals[i], &act, &before[i]);
	}
	sigprocmask(SIG_BLOCK, &stops, &mask);
	tcsetattr(tty, TCSAFLUSH, &hidden);
	(void)!write(tty, prompt, strlen(prompt));
	ssize_t n = read_stoppable(tty, line, cap, &mask);
	tcsetattr(tty, TCSAFLUSH, &shown);
	(void)!write(tty, "\n", 1);
	for (size_t i = 0; i < STOP_COUNT; i++)
		sigaction(stop_signals[i], &before[i], NULL);
	sigprocmask(SIG_SETMASK, &mask, NULL);
	if (stopped_by != 0)
		raise(stopped_by);
	return n;
}

static int from_terminal(struct souc_context *cx, enum sou_msg prompt, struct souc_buffer *out)
{
	int tty = open("/dev/tty", O_RDWR | O_CLOEXEC | O_NOCTTY);
	if (tty < 0)
		return souc_fail(cx, SOU_MSG_PASSPHRASE_MISSING);
	char line[SOU_PASSPHRASE_BYTES_MAX + 2], text[256];
	snprintf(text, sizeof text, "%s: ", souc_word(cx, prompt));
	ssize_t n = read_hidden(tty, text, line, sizeof line);
	close(tty);
	if (n > 0)
		souc_buffer_add(out, line, (size_t)n);
	explicit_bzero(line, sizeof line);
	return n > 0 ? 0 : souc_fail(cx, SOU_MSG_PASSPHRASE_MISSING);
}

static int from_descriptor(struct souc_context *cx, const char *text, struct souc_buffer *out)
{
	char *end = NULL;
	errno = 0;
	long fd = strtol(text, &end, 10);
	bool number = end != text && *end == '\0' && errno == 0 && fd >= 0 && fd <= 1 << 20;
	if (!number || fcntl((int)fd, F_GETFD) < 0)
		return souc_fail(cx, SOU_MSG_USAGE_VALUE, "--passphrase-fd", text,
				 souc_word(cx, SOU_MSG_WANT_DESCRIPTOR));
	if (read_all((int)fd, SOU_PASSPHRASE_BYTES_MAX + 1, out) != 0)
		return souc_fail(cx, SOU_MSG_FILE_READ, "--passphrase-fd", souc_reason(cx, errno));
	return 0;
}

int souc_input_passphrase(struct souc_context *cx, enum sou_msg prompt, struct souc_buffer *out)
{
	const char *fd = souc_value(cx, SOUC_O_PASSPHRASE_FD);
	int rc = fd != NULL ? from_descriptor(cx, fd, out) : from_terminal(cx, prompt, out);
	if (rc != 0)
		return rc;
	size_t bytes = strcspn(out->text, "\n");
	explicit_bzero(out->text + bytes, out->len - bytes);
	out->len = bytes;
	if (bytes == 0)
		return souc_fail(cx, SOU_MSG_PASSPHRASE_MISSING);
	if (bytes > SOU_PASSPHRASE_BYTES_MAX) {
		char limit[24];
		snprintf(limit, sizeof limit, "%u", SOU_PASSPHRASE_BYTES_MAX);
		return souc_fail(cx, SOU_MSG_REQUEST_LIMIT, "--passphrase-fd", limit,
				 souc_word(cx, SOU_MSG_UNIT_BYTES));
	}
	return check_utf8(cx, "--passphrase-fd", out->text, bytes);
}
