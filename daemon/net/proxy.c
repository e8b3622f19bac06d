/* proxy.c - one request, and a reader that takes one form alone. Nothing of what a proxy says is
 * kept but its three digits; nothing of it is logged. */
#include "daemon/net/proxy.h"

#include <openssl/evp.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

#include "proto/crypto.h"

#define BASE64_BYTES(n) (((n) + 2) / 3 * 4 + 1)

static bool auth_fits(struct sou_span auth)
{
	bool colon = false;
	if (auth.n == 0)
		return true;
	if (auth.n > SOUD_PROXY_AUTH_BYTES_MAX || auth.p[0] == ':')
		return false;
	for (size_t i = 0; i < auth.n; i++) {
		if (auth.p[i] < 0x20 || auth.p[i] == 0x7f)
			return false;
		colon |= auth.p[i] == ':';
	}
	return colon;
}

static void put_text(struct sou_buf *buf, const char *text)
{
	sou_buf_put(buf, text, strlen(text));
}

int soud_proxy_request(struct sou_buf *buf, const struct soud_hostport *to, struct sou_span auth)
{
	char at[SOUD_ADDR_TEXT_BYTES_MAX], line[2 * SOUD_ADDR_TEXT_BYTES_MAX + 64];
	uint8_t base64[BASE64_BYTES(SOUD_PROXY_AUTH_BYTES_MAX)];
	if (!auth_fits(auth))
		return SOU_EINPUT;
	soud_hostport_text(to, at);
	(void)snprintf(line, sizeof line, "CONNECT %s HTTP/1.1\r\nHost: %s\r\n", at, at);
	put_text(buf, line);
	if (auth.n > 0) {
		int n = EVP_EncodeBlock(base64, auth.p, (int)auth.n);
		put_text(buf, "Proxy-Authorization: Basic ");
		sou_buf_put(buf, base64, (size_t)n);
		put_text(buf, "\r\n");
		sou_cleanse(base64, sizeof base64);
	}
	put_text(buf, "\r\n");
	return buf->failed ? SOU_ENOMEM : SOU_OK;
}

/* A line without its CR LF. SOU_EAGAIN: its end is not there yet. SOU_EPROTO: a byte that no line
 * has: another control character, or a CR or LF by itself. */
static int line_next(struct sou_span *in, struct sou_span *line)
{
	for (size_t i = 0; i < in->n; i++) {
		uint8_t c = in->p[i];
		if (c == '\r') {
			if (i + 1 == in->n)
				return SOU_EAGAIN;
			if (in->p[i + 1] != '\n')
				return SOU_EPROTO;
			*line = (struct sou_span){in->p, i};
			in->p += i + 2;
			in->n -= i + 2;
			return SOU_OK;
		}
		if ((c < 0x20 && c != '\t') || c == 0x7f)
			return SOU_EPROTO;
	}
	return SOU_EAGAIN;
}

static bool is_digit(uint8_t c)
{
	return c >= '0' && c <= '9';
}

/* "HTTP/1.1 200", "HTTP/1.0 407 words" */
static int status_read(struct sou_span line, unsigned *status)
{
	static const char head[] = "HTTP/1.";
	const uint8_t *p = line.p;
	if (line.n < 12 || memcmp(p, head, sizeof head - 1) != 0 || (p[7] != '0' && p[7] != '1') ||
	    p[8] != ' ' || !is_digit(p[9]) || !is_digit(p[10]) || !is_digit(p[11]) ||
	    (line.n > 12 && p[12] != ' '))
		return SOU_EPROTO;
	unsigned n = (unsigned)(p[9] - '0') * 100 + (unsigned)(p[10] - '0') * 10 +
		     (unsigned)(p[11] - '0');
	if (n < 200 || n > 599)
		return SOU_EPROTO;
	*status = n;
	return SOU_OK;
}

static bool is_token(uint8_t c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') ||
	       (c != '\0' && strchr("!#$%&'*+-.^_`|~", c) != NULL);
}

/* "name: value"; a line that goes on from the one before has no name. */
static bool is_header(struct sou_span line)
{
	size_t n = 0;
	while (n < line.n && is_token(line.p[n]))
		n++;
	return n > 0 && n < line.n && line.p[n] == ':';
}

static int head_read(struct sou_span in, struct soud_proxy_answer *out)
{
	struct sou_span all = in, line;
	unsigned status;
	/* So that a peer that speaks something else is known by its first bytes. */
	static const char head[] = "HTTP/1.";
	size_t n = in.n < sizeof head - 1 ? in.n : sizeof head - 1;
	if (n > 0 && memcmp(in.p, head, n) != 0)
		return SOU_EPROTO;
	int rc = line_next(&in, &line);
	if (rc == SOU_OK)
		rc = status_read(line, &status);
	while (rc == SOU_OK) {
		rc = line_next(&in, &line);
		if (rc == SOU_OK && line.n == 0) {
			*out = (struct soud_proxy_answer){status, all.n - in.n};
			return SOU_OK;
		}
		if (rc == SOU_OK && !is_header(line))
			rc = SOU_EPROTO;
	}
	return rc;
}

int soud_proxy_answer(struct sou_span bytes, struct soud_proxy_answer *out)
{
	struct soud_proxy_answer answer;
	bool most = bytes.n >= SOUD_PROXY_ANSWER_BYTES_MAX;
	if (most)
		bytes.n = SOUD_PROXY_ANSWER_BYTES_MAX;
	int rc = head_read(bytes, &answer);
	if (rc == SOU_EAGAIN && most)
		return SOU_ELIMIT;
	if (rc == SOU_OK)
		*out = answer;
	return rc;
}

const char *soud_proxy_status_text(unsigned status)
{
	static const struct {
		unsigned status;
		const char *text;
	} known[] = {
		{400, "400 it did not understand"},
		{401, "401 credentials are wanted"},
		{403, "403 it does not allow this peer or port"},
		{404, "404 it does not know the peer"},
		{405, "405 it allows no tunnel"},
		{407, "407 credentials are wanted"},
		{429, "429 too many requests"},
		{500, "500 it has a fault"},
		{501, "501 it allows no tunnel"},
		{502, "502 it does not reach the peer"},
		{503, "503 it is overloaded"},
		{504, "504 the peer does not answer it"},
	};
	for (size_t i = 0; i < sizeof known / sizeof *known; i++) {
		if (known[i].status == status)
			return known[i].text;
	}
	return "another status than 200";
}
