/* options.c - libconfuse cuts a line into name and value; what a value may be is decided here, in
 * one function for file and command line. libconfuse stops at its first error, lets a repeated
 * scalar win silently and reads 010 as eight: so it is given one line at a time, every option is a
 * string to it, and each is seen once. */
#include "daemon/options.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "config/duration.h"
#include "daemon/net/addr.h"

#define TIME                SOUD_OPTION_TIME
#define ADDRESS             SOUD_OPTION_ADDRESS
#define PATH                SOUD_OPTION_PATH
#define CHOICE              SOUD_OPTION_CHOICE
#define LIVE                true
#define START               false
#define FIELD_TIME(name)    offsetof(struct soud_options, name##_ms), sizeof(int64_t)
#define FIELD_ADDRESS(name) FIELD_TEXT(name)
#define FIELD_PATH(name)    FIELD_TEXT(name)
#define FIELD_CHOICE(name)  FIELD_TEXT(name)
#define FIELD_TEXT(name)                                                                           \
	offsetof(struct soud_options, name), sizeof(((struct soud_options *)NULL)->name)

const struct soud_option soud_option_table[] = {
#define X(name, type, unit, standard, min, max, when, ja, en)                                      \
	{#name, type, unit, standard, min, max, when, ja, en, FIELD_##type(name)},
#include "config/options.def"
#undef X
};

#define OPTION_COUNT (sizeof soud_option_table / sizeof *soud_option_table)
_Static_assert(OPTION_COUNT <= 64, "seen is one 64-bit word");
const size_t soud_option_count = OPTION_COUNT;

static int find_option(const char *name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (strcmp(soud_option_table[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

static bool is_address(const char *text)
{
	struct soud_hostport ignored;
	return soud_hostport_parse(&ignored, text, NULL) == SOU_OK;
}

/* Place of a word in a list with blanks between, or -1. */
static int find_choice(const char *list, const char *word)
{
	size_t bytes = strlen(word);
	for (int i = 0; *list != '\0'; i++) {
		size_t n = strcspn(list, " ");
		if (n == bytes && memcmp(list, word, n) == 0)
			return i;
		list += n;
		list += strspn(list, " ");
	}
	return -1;
}

static int set_text(struct soud_options *self, const struct soud_option *o, const char *value,
		    struct sou_err *err)
{
	size_t bytes = strlen(value);
	if (bytes > (size_t)o->max)
		return sou_err_set(err, SOU_EINPUT, "%s: %zu > %lld bytes", o->name, bytes,
				   (long long)o->max);
	if (bytes > 0 && o->type == ADDRESS && !is_address(value))
		return sou_err_set(err, SOU_EINPUT, "%s = '%s' (HOST:PORT)", o->name, value);
	if (bytes > 0 && o->type == PATH && value[0] != '/')
		return sou_err_set(err, SOU_EINPUT, "%s = '%s' (/PATH)", o->name, value);
	memcpy((char *)self + o->offset, value, bytes + 1);
	return SOU_OK;
}

static int set_time(struct soud_options *self, const struct soud_option *o, const char *value,
		    struct sou_err *err)
{
	char min[SOU_DURATION_TEXT_BYTES], max[SOU_DURATION_TEXT_BYTES];
	int64_t ms;
	if (!sou_duration_read(value, &ms) || ms < o->min || ms > o->max) {
		sou_duration_text(o->min, min);
		sou_duration_text(o->max, max);
		return sou_err_set(err, SOU_EINPUT, "%s = '%s' (%s..%s)", o->name, value, min, max);
	}
	memcpy((char *)self + o->offset, &ms, sizeof ms);
	return SOU_OK;
}

static int set_option(struct soud_options *self, const struct soud_option *o, const char *value,
		      struct sou_err *err)
{
	int choice;
	switch (o->type) {
	case TIME:
		return set_time(self, o, value, err);
	case CHOICE:
		choice = find_choice(o->unit, value);
		if (choice < 0)
			return sou_err_set(err, SOU_EINPUT, "%s = '%s' (%s)", o->name, value,
					   o->unit);
		memcpy((char *)self + o->offset, &choice, sizeof choice);
		return SOU_OK;
	case ADDRESS:
	case PATH:
		return set_text(self, o, value, err);
	}
	return sou_err_set(err, SOU_EUNKNOWN, "%s: no such type", o->name);
}

void soud_options_default(struct soud_options *out)
{
	memset(out, 0, sizeof *out);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		int rc =
			set_option(out, &soud_option_table[i], soud_option_table[i].standard, NULL);
		SOU_ASSERT(rc == SOU_OK); /* the table is ours */
	}
}

int soud_options_set(struct soud_options *self, const char *name, const char *value,
		     struct sou_err *err)
{
	int at = find_option(name);
	if (at < 0)
		return sou_err_set(err, SOU_EUNKNOWN, "no such option '%s'", name);
	return set_option(self, &soud_option_table[at], value, err);
}

/* The line being read; libconfuse passes no context to its callbacks. */
static struct {
	struct soud_options values;
	uint64_t seen;                   /* bit i: option i was set */
	struct soud_options_fault fault; /* of this line */
} reading;

/* The first word on a fault is the exact one; what libconfuse adds on the way out is not kept. */
__attribute__((format(printf, 2, 0))) static void fault_cb(cfg_t *cfg, const char *format,
							   va_list args)
{
	(void)cfg;
	struct soud_options_fault *fault = &reading.fault;
	if (fault->err.rc != SOU_OK)
		return;
	if (strncmp(format, "no such option", 14) == 0) {
		fault->reason = SOU_MSG_REASON_EXTRA;
		sou_err_set(&fault->err, SOU_EINPUT, "%s", va_arg(args, const char *));
	} else {
		fault->reason = SOU_MSG_REASON_FORM;
		sou_err_set(&fault->err, SOU_EINPUT, "%d", fault->line);
	}
}

static int value_cb(cfg_t *cfg, cfg_opt_t *opt)
{
	(void)cfg;
	struct soud_options_fault *fault = &reading.fault;
	int at = find_option(cfg_opt_name(opt));
	const char *value = cfg_opt_getnstr(opt, 0);
	if (at < 0 || value == NULL)
		return -1;
	int rc = SOU_OK;
	if ((reading.seen >> at & 1) != 0) {
		rc = sou_err_set(&fault->err, SOU_EINPUT, "%s", soud_option_table[at].name);
		fault->reason = SOU_MSG_REASON_TWICE;
	} else {
		rc = set_option(&reading.values, &soud_option_table[at], value, &fault->err);
	}
	reading.seen |= (uint64_t)1 << at;
	return rc == SOU_OK ? 0 : -1;
}

static int parse_line(const char *line)
{
	cfg_opt_t opts[OPTION_COUNT + 1];
	for (size_t i = 0; i < OPTION_COUNT; i++)
		opts[i] = (cfg_opt_t)CFG_STR(soud_option_table[i].name, NULL, CFGF_NODEFAULT);
	opts[OPTION_COUNT] = (cfg_opt_t)CFG_END();

	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return SOU_ENOMEM;
	cfg_set_error_function(cfg, fault_cb);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		cfg_set_validate_func(cfg, soud_option_table[i].name, value_cb);
	int parsed = cfg_parse_buf(cfg, line);
	cfg_free(cfg);
	return parsed == CFG_SUCCESS ? SOU_OK : SOU_EINPUT;
}

static int fault_add(struct soud_options_faults *faults, const struct soud_options_fault *fault)
{
	if (faults->count < SOUD_OPTIONS_FAULTS_MAX)
		faults->v[faults->count] = *fault;
	faults->count++;
	return fault->err.rc;
}

/* A fault of the whole text. */
__attribute__((format(printf, 4, 5))) static int fault_whole(struct soud_options_faults *faults,
							     int rc, enum sou_msg reason,
							     const char *format, ...)
{
	struct soud_options_fault fault = {.reason = reason};
	char words[SOU_ERR_TEXT_BYTES_MAX];
	va_list args;
	va_start(args, format);
	(void)vsnprintf(words, sizeof words, format, args);
	va_end(args);
	(void)sou_err_set(&fault.err, rc, "%s", words);
	return fault_add(faults, &fault);
}

/* `text` is ours and is cut to lines. */
static void parse_lines(char *text, struct soud_options_faults *faults)
{
	int number = 1;
	for (char *line = text; line != NULL; number++) {
		char *next = strchr(line, '\n');
		if (next != NULL)
			*next++ = '\0';
		size_t blank = strspn(line, " \t\r");
		if (line[blank] != '\0' && line[blank] != '#') {
			reading.fault = (struct soud_options_fault){number, {0}, SOU_MSG_COUNT};
			int rc = parse_line(line);
			if (rc != SOU_OK && reading.fault.err.rc == SOU_OK)
				(void)sou_err_set(&reading.fault.err, rc, "name = \"value\"");
			if (reading.fault.err.rc != SOU_OK)
				(void)fault_add(faults, &reading.fault);
		}
		line = next;
	}
}

int soud_options_parse(struct soud_options *self, const char *text, size_t bytes,
		       struct soud_options_faults *faults)
{
	faults->count = 0;
	if (bytes > SOUD_OPTIONS_FILE_BYTES_MAX)
		return fault_whole(faults, SOU_ELIMIT, SOU_MSG_COUNT, "%zu > %u bytes", bytes,
				   SOUD_OPTIONS_FILE_BYTES_MAX);
	if (bytes > 0 && memchr(text, '\0', bytes) != NULL)
		return fault_whole(faults, SOU_EINPUT, SOU_MSG_COUNT, "U+0000");
	char *copy = bytes > 0 ? strndup(text, bytes) : strdup("");
	if (copy == NULL)
		return fault_whole(faults, SOU_ENOMEM, SOU_MSG_COUNT, "no memory");
	reading.values = *self;
	reading.seen = 0;
	parse_lines(copy, faults);
	free(copy);
	if (faults->count > 0)
		return faults->v[0].err.rc;
	*self = reading.values;
	return SOU_OK;
}

int soud_options_read(struct soud_options *self, const char *path,
		      struct soud_options_faults *faults)
{
	faults->count = 0;
	FILE *file = fopen(path, "rb");
	if (file == NULL)
		return fault_whole(faults, SOU_EIO, sou_msg_of_errno(errno), "%s", path);
	char *text = malloc(SOUD_OPTIONS_FILE_BYTES_MAX + 1);
	int rc;
	if (text == NULL) {
		rc = fault_whole(faults, SOU_ENOMEM, SOU_MSG_COUNT, "no memory");
		goto out;
	}
	size_t bytes = fread(text, 1, SOUD_OPTIONS_FILE_BYTES_MAX + 1, file);
	if (ferror(file) != 0)
		rc = fault_whole(faults, SOU_EIO, sou_msg_of_errno(errno), "%s", path);
	else
		rc = soud_options_parse(self, text, bytes, faults);
out:
	free(text);
	fclose(file);
	return rc;
}

int soud_options_argument(struct soud_options *self, int argc, char *const *argv, int *at,
			  struct sou_err *err)
{
	const char *argument = argv[*at];
	char name[64];
	size_t bytes = strncmp(argument, "--", 2) == 0 ? strcspn(argument + 2, "=") : 0;
	if (bytes == 0 || bytes >= sizeof name)
		return SOU_EUNKNOWN;
	for (size_t i = 0; i < bytes; i++)
		name[i] = (char)(argument[2 + i] == '-' ? '_' : argument[2 + i]);
	name[bytes] = '\0';
	int option = find_option(name);
	if (option < 0)
		return SOU_EUNKNOWN;

	bool joined = argument[2 + bytes] == '=';
	if (!joined && *at + 1 >= argc)
		return sou_err_set(err, SOU_EINPUT, "%s ?", argument);
	const char *value = joined ? argument + 2 + bytes + 1 : argv[*at + 1];
	int rc = set_option(self, &soud_option_table[option], value, err);
	if (rc == SOU_OK)
		*at += joined ? 1 : 2;
	return rc;
}

int soud_options_check(const struct soud_options *self, struct sou_err *err)
{
	if (self->backoff_min_ms > self->backoff_max_ms)
		return sou_err_set(err, SOU_EINPUT, "backoff_min > backoff_max");
	return SOU_OK;
}

bool soud_options_differ(const struct soud_options *a, const struct soud_options *b,
			 const struct soud_option *option)
{
	const char *x = (const char *)a + option->offset, *y = (const char *)b + option->offset;
	bool text = option->type == ADDRESS || option->type == PATH;
	return text ? strcmp(x, y) != 0 : memcmp(x, y, option->bytes) != 0;
}
