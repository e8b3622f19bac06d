/* options.c - libconfuse cuts the file into names and values and counts lines; what a value may be
 * is decided here, in one function for file and command line. libconfuse itself would let a
 * repeated scalar win silently and read 010 as eight, so every option is a string to it and each is
 * seen once. */
#include "daemon/options.h"

#include <confuse.h>
#include <ctype.h>
#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

enum type {
	INT,
	ADDRESS,
	PATH,
	CHOICE,
};

struct option {
	const char *name;
	enum type type;
	const char *unit, *standard;
	int64_t min, max;
	const char *ja, *en;
	size_t offset; /* in struct soud_options */
};

static const struct option options[] = {
#define X(name, type, unit, standard, min, max, ja, en)                                            \
	{#name, type, unit, standard, min, max, ja, en, offsetof(struct soud_options, name)},
#include "config/options.def"
#undef X
};

#define OPTION_COUNT (sizeof options / sizeof *options)
_Static_assert(OPTION_COUNT <= 64, "seen is one 64-bit word");

static int find_option(const char *name)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		if (strcmp(options[i].name, name) == 0)
			return (int)i;
	}
	return -1;
}

/* Decimal digits and nothing else: no sign, no blanks, no base but ten. */
static bool read_number(const char *text, int64_t max, int64_t *out)
{
	if (text[0] == '\0' || strspn(text, "0123456789") != strlen(text))
		return false;
	errno = 0;
	long long number = strtoll(text, NULL, 10);
	if (errno != 0 || number > max)
		return false;
	*out = number;
	return true;
}

static bool is_address(const char *text)
{
	const char *colon = strrchr(text, ':');
	int64_t port;
	if (colon == NULL || colon == text || !read_number(colon + 1, 65535, &port))
		return false;
	size_t host_bytes = (size_t)(colon - text);
	if (text[0] == '[')
		return host_bytes > 4 && text[host_bytes - 1] == ']' &&
		       strspn(text + 1, "0123456789abcdefABCDEF:.") == host_bytes - 2;
	for (size_t i = 0; i < host_bytes; i++) {
		if (!isalnum((unsigned char)text[i]) && strchr("-._", text[i]) == NULL)
			return false;
	}
	return true;
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

static int set_text(struct soud_options *self, const struct option *o, const char *value,
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

static int set_option(struct soud_options *self, const struct option *o, const char *value,
		      struct sou_err *err)
{
	int64_t number;
	int choice;
	switch (o->type) {
	case INT:
		if (!read_number(value, o->max, &number) || number < o->min)
			return sou_err_set(err, SOU_EINPUT, "%s = '%s' (%lld..%lld%s%s)", o->name,
					   value, (long long)o->min, (long long)o->max,
					   o->unit[0] != '\0' ? " " : "", o->unit);
		memcpy((char *)self + o->offset, &number, sizeof number);
		return SOU_OK;
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
		int rc = set_option(out, &options[i], options[i].standard, NULL);
		SOU_ASSERT(rc == SOU_OK); /* the table is ours */
	}
}

int soud_options_set(struct soud_options *self, const char *name, const char *value,
		     struct sou_err *err)
{
	int at = find_option(name);
	if (at < 0)
		return sou_err_set(err, SOU_EUNKNOWN, "no such option '%s'", name);
	return set_option(self, &options[at], value, err);
}

/* The file being read; libconfuse passes no context to its callbacks. */
static struct {
	struct soud_options values;
	uint64_t seen; /* bit i: options[i] was set */
	struct soud_options_fault *fault;
} reading;

/* The first word on a fault is the exact one; what libconfuse adds on the way out is not kept. */
__attribute__((format(printf, 2, 0))) static void fault_cb(cfg_t *cfg, const char *format,
							   va_list args)
{
	struct soud_options_fault *fault = reading.fault;
	if (fault->err.rc != SOU_OK)
		return;
	fault->line = cfg->line;
	if (strncmp(format, "no such option", 14) == 0) {
		fault->reason = SOU_MSG_REASON_EXTRA;
		sou_err_set(&fault->err, SOU_EINPUT, "%s", va_arg(args, const char *));
	} else {
		fault->reason = SOU_MSG_REASON_FORM;
		sou_err_set(&fault->err, SOU_EINPUT, "%d", cfg->line);
	}
}

static int value_cb(cfg_t *cfg, cfg_opt_t *opt)
{
	struct soud_options_fault *fault = reading.fault;
	int at = find_option(cfg_opt_name(opt));
	const char *value = cfg_opt_getnstr(opt, 0);
	if (at < 0 || value == NULL)
		return -1;
	int rc = SOU_OK;
	if ((reading.seen >> at & 1) != 0) {
		rc = sou_err_set(&fault->err, SOU_EINPUT, "%s", options[at].name);
		fault->reason = SOU_MSG_REASON_TWICE;
	} else {
		rc = set_option(&reading.values, &options[at], value, &fault->err);
	}
	reading.seen |= (uint64_t)1 << at;
	if (rc != SOU_OK)
		fault->line = cfg->line;
	return rc == SOU_OK ? 0 : -1;
}

static int parse_text(char *text)
{
	cfg_opt_t opts[OPTION_COUNT + 1];
	for (size_t i = 0; i < OPTION_COUNT; i++)
		opts[i] = (cfg_opt_t)CFG_STR(options[i].name, NULL, CFGF_NODEFAULT);
	opts[OPTION_COUNT] = (cfg_opt_t)CFG_END();

	cfg_t *cfg = cfg_init(opts, CFGF_NONE);
	if (cfg == NULL)
		return SOU_ENOMEM;
	cfg_set_error_function(cfg, fault_cb);
	for (size_t i = 0; i < OPTION_COUNT; i++)
		cfg_set_validate_func(cfg, options[i].name, value_cb);
	int parsed = cfg_parse_buf(cfg, text);
	cfg_free(cfg);
	return parsed == CFG_SUCCESS ? SOU_OK : SOU_EINPUT;
}

int soud_options_parse(struct soud_options *self, const char *text, size_t bytes,
		       struct soud_options_fault *fault)
{
	*fault = (struct soud_options_fault){.reason = SOU_MSG_COUNT};
	if (bytes > SOUD_OPTIONS_FILE_BYTES_MAX)
		return sou_err_set(&fault->err, SOU_ELIMIT, "%zu > %u bytes", bytes,
				   SOUD_OPTIONS_FILE_BYTES_MAX);
	if (memchr(text, '\0', bytes) != NULL)
		return sou_err_set(&fault->err, SOU_EINPUT, "U+0000");
	if (bytes == 0)
		return SOU_OK;
	char *copy = strndup(text, bytes);
	if (copy == NULL)
		return sou_err_set(&fault->err, SOU_ENOMEM, "no memory");

	reading.values = *self;
	reading.seen = 0;
	reading.fault = fault;
	int rc = parse_text(copy);
	if (rc == SOU_OK && fault->err.rc == SOU_OK)
		*self = reading.values;
	else if (fault->err.rc == SOU_OK)
		sou_err_set(&fault->err, rc, "name = \"value\"");
	reading.fault = NULL;
	free(copy);
	return fault->err.rc;
}

int soud_options_read(struct soud_options *self, const char *path, struct soud_options_fault *fault)
{
	*fault = (struct soud_options_fault){.reason = SOU_MSG_COUNT};
	FILE *file = fopen(path, "rb");
	if (file == NULL) {
		fault->reason = sou_msg_of_errno(errno);
		return sou_err_set(&fault->err, SOU_EIO, "%s", path);
	}
	char *text = malloc(SOUD_OPTIONS_FILE_BYTES_MAX + 1);
	int rc;
	if (text == NULL) {
		rc = sou_err_set(&fault->err, SOU_ENOMEM, "no memory");
		goto out;
	}
	size_t bytes = fread(text, 1, SOUD_OPTIONS_FILE_BYTES_MAX + 1, file);
	if (ferror(file) != 0) {
		fault->reason = sou_msg_of_errno(errno);
		rc = sou_err_set(&fault->err, SOU_EIO, "%s", path);
	} else {
		rc = soud_options_parse(self, text, bytes, fault);
	}
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
	int rc = set_option(self, &options[option], value, err);
	if (rc == SOU_OK)
		*at += joined ? 1 : 2;
	return rc;
}

int soud_options_check(const struct soud_options *self, struct sou_err *err)
{
	if (self->backoff_ms_min > self->backoff_ms_max)
		return sou_err_set(err, SOU_EINPUT, "backoff_ms_min > backoff_ms_max");
	return SOU_OK;
}

static void print_range(FILE *out, const struct option *o)
{
	switch (o->type) {
	case INT:
		fprintf(out, "%lld..%lld %s", (long long)o->min, (long long)o->max, o->unit);
		break;
	case CHOICE:
		fputs(o->unit, out);
		break;
	case ADDRESS:
		fputs("HOST:PORT", out);
		break;
	case PATH:
		fputs("/PATH", out);
		break;
	}
}

void soud_options_help(FILE *out, enum sou_lang lang)
{
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &options[i];
		fputs("  --", out);
		for (const char *p = o->name; *p != '\0'; p++)
			fputc(*p == '_' ? '-' : *p, out);
		fputs(" (", out);
		print_range(out, o);
		fprintf(out, ")\n      %s [%s]\n", lang == SOU_LANG_JA ? o->ja : o->en,
			o->standard);
	}
}

void soud_options_sample(FILE *out)
{
	fputs("# soukatsud.conf - すべての設定と初めからの値。変えるものだけ # を外す。\n"
	      "# All settings with their defaults; remove the # of those you change.\n",
	      out);
	for (size_t i = 0; i < OPTION_COUNT; i++) {
		const struct option *o = &options[i];
		fprintf(out, "\n# %s\n# %s\n# ", o->ja, o->en);
		print_range(out, o);
		fprintf(out, "\n#%s = \"%s\"\n", o->name, o->standard);
	}
}
