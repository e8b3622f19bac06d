/* port.c - a number in a file. What is there is believed when it is one, and nothing else. */
#include "daemon/port.h"

#include <stdio.h>
#include <string.h>

#include "daemon/keys/guard.h"
#include "daemon/net/addr.h"

#define PATH_BYTES 1100u
#define DIGITS_MAX 5u

static bool is_open(const char *listen, struct soud_hostport *hp)
{
	return listen[0] != '\0' && soud_hostport_parse(hp, listen, NULL) == SOU_OK &&
	       hp->port == 0;
}

void soud_port_recall(const char *data_dir, const char *listen, char out[SOUD_LISTEN_BYTES])
{
	struct soud_hostport hp, kept;
	struct sou_buf text = {0};
	char path[PATH_BYTES], again[SOUD_ADDR_TEXT_BYTES_MAX];
	(void)snprintf(out, SOUD_LISTEN_BYTES, "%s", listen);
	(void)snprintf(path, sizeof path, "%s/port", data_dir);
	if (is_open(listen, &hp) && soud_guard_read(path, DIGITS_MAX + 1, &text, NULL) == SOU_OK) {
		char one[DIGITS_MAX + 8] = "x:";
		size_t n = text.n > 0 && text.p[text.n - 1] == '\n' ? text.n - 1 : text.n;
		memcpy(one + 2, text.p, n);
		if (soud_hostport_parse(&kept, one, NULL) == SOU_OK && kept.port != 0) {
			hp.port = kept.port;
			soud_hostport_text(&hp, again);
			(void)snprintf(out, SOUD_LISTEN_BYTES, "%s", again);
		}
	}
	sou_buf_fini(&text);
}

int soud_port_keep(const char *data_dir, const char *listen, uint16_t port, struct sou_err *err)
{
	struct soud_hostport hp;
	char path[PATH_BYTES], text[DIGITS_MAX + 2];
	if (!is_open(listen, &hp))
		return SOU_OK;
	(void)snprintf(path, sizeof path, "%s/port", data_dir);
	int n = snprintf(text, sizeof text, "%u\n", (unsigned)port);
	return soud_guard_write(path, (struct sou_span){(const uint8_t *)text, (size_t)n}, 0600,
				true, err);
}
