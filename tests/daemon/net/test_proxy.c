/* Through a proxy: what is asked, and which answers are believed (R17, R18). */
#include "daemon/net/proxy.h"

#include <string.h>

#include "tests/lib/check.h"

static struct sou_span span_of(const char *text)
{
	return (struct sou_span){(const uint8_t *)text, strlen(text)};
}

TEST(proxy, request)
{
	static const struct {
		const char *name, *to, *auth, *want;
	} rows[] = {
		{"plain", "hub.example.jp:7443", "",
		 "CONNECT hub.example.jp:7443 HTTP/1.1\r\nHost: hub.example.jp:7443\r\n\r\n"},
		{"IPv6", "[2001:db8::1]:7443", "",
		 "CONNECT [2001:db8::1]:7443 HTTP/1.1\r\nHost: [2001:db8::1]:7443\r\n\r\n"},
		{"with a name", "h:1", "user:pass word",
		 "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\n"
		 "Proxy-Authorization: Basic dXNlcjpwYXNzIHdvcmQ=\r\n\r\n"},
		{"a colon in the password", "h:1", "u:a:b",
		 "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nProxy-Authorization: Basic "
		 "dTphOmI=\r\n\r\n"},
		{"an empty password", "h:1", "u:",
		 "CONNECT h:1 HTTP/1.1\r\nHost: h:1\r\nProxy-Authorization: Basic dTo=\r\n\r\n"},
		{"no colon", "h:1", "user", NULL},
		{"no user", "h:1", ":x", NULL},
		{"a line end", "h:1", "u:x\r\nX: y", NULL},
		{"a control character", "h:1", "u:\x7f", NULL},
	};
	for (size_t i = 0; i < ARRAY_LEN(rows); i++) {
		struct soud_hostport to;
		struct sou_buf buf = {0};
		REQUIRE(rows[i].name, soud_hostport_parse(&to, rows[i].to, NULL) == SOU_OK);
		int rc = soud_proxy_request(&buf, &to, span_of(rows[i].auth));
		CHECK_INT(rows[i].name, rc, ==, rows[i].want != NULL ? SOU_OK : SOU_EINPUT);
		if (rc == SOU_OK)
			CHECK_MEM(rows[i].name, buf.p, buf.n, rows[i].want, strlen(rows[i].want));
		sou_buf_fini(&buf);
	}
	uint8_t longest[SOUD_PROXY_AUTH_BYTES_MAX + 1];
	struct soud_hostport to = {"h", 1};
	memset(longest, 'x', sizeof longest);
	longest[1] = ':';
	for (size_t over = 0; over < 2; over++) {
		struct sou_buf buf = {0};
		CHECK_INT("R17 the longest and one more",
			  soud_proxy_request(&buf, &to,
					     (struct sou_span){longest, sizeof longest - 1 + over}),
			  ==, over == 0 ? SOU_OK : SOU_EINPUT);
		sou_buf_fini(&buf);
	}
}

static const struct {
	const char *name, *bytes;
	int rc;
	unsigned status;
	size_t left; /* behind the head */
} answers[] = {
	{"R18 the shortest", "HTTP/1.1 200\r\n\r\n", SOU_OK, 200, 0},
	{"R18 with words", "HTTP/1.0 200 Connection established\r\n\r\n", SOU_OK, 200, 0},
	{"R18 with headers", "HTTP/1.1 200 OK\r\nVia: x\r\nA-b!:\t\xe7\xb7\x8f\r\n\r\n", SOU_OK,
	 200, 0},
	{"R18 bytes behind it", "HTTP/1.1 200 OK\r\n\r\n\x16\x03", SOU_OK, 200, 2},
	{"R18 credentials", "HTTP/1.1 407 Proxy Authentication Required\r\nA: b\r\n\r\n<html>",
	 SOU_OK, 407, 6},
	{"R18 the last", "HTTP/1.1 599 x\r\n\r\n", SOU_OK, 599, 0},
	{"R18 interim", "HTTP/1.1 100 Continue\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 interim", "HTTP/1.1 199 x\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 past the last", "HTTP/1.1 600 x\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 another version", "HTTP/2.0 200 OK\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 another version", "HTTP/1.2 200 OK\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 lower case", "http/1.1 200 OK\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 two blanks", "HTTP/1.1  200 OK\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 four digits", "HTTP/1.1 2000 OK\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 two digits", "HTTP/1.1 20 OK\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 a sign", "HTTP/1.1 +20 OK\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 a bare LF", "HTTP/1.1 200 OK\n\n", SOU_EPROTO, 0, 0},
	{"R18 a bare LF in a header", "HTTP/1.1 200 OK\r\nA: b\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 a bare CR", "HTTP/1.1 200 O\rK\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 a control character", "HTTP/1.1 200 \x01\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 a header without a name", "HTTP/1.1 200 OK\r\n: b\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 a header without a colon", "HTTP/1.1 200 OK\r\nab\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 a blank before the colon", "HTTP/1.1 200 OK\r\na : b\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 a line that goes on", "HTTP/1.1 200 OK\r\nA: b\r\n c\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 an empty line first", "\r\nHTTP/1.1 200 OK\r\n\r\n", SOU_EPROTO, 0, 0},
	{"R18 TLS", "\x16\x03\x03", SOU_EPROTO, 0, 0},
	{"R18 the hub's own port", "\x15\x03\x03\x01", SOU_EPROTO, 0, 0},
	{"R18 nothing yet", "", SOU_EAGAIN, 0, 0},
};

TEST(proxy, answers)
{
	for (size_t i = 0; i < ARRAY_LEN(answers); i++) {
		struct sou_span all = span_of(answers[i].bytes);
		struct soud_proxy_answer got = {.status = 7};
		CHECK_INT(answers[i].name, soud_proxy_answer(all, &got), ==, answers[i].rc);
		if (answers[i].rc != SOU_OK) {
			CHECK_U64(answers[i].name, got.status, ==, 7);
			continue;
		}
		CHECK_U64(answers[i].name, got.status, ==, answers[i].status);
		CHECK_U64(answers[i].name, all.n - got.bytes, ==, answers[i].left);
		for (size_t n = 0; n < got.bytes; n++) {
			struct soud_proxy_answer none;
			CHECK_INT("R18 cut short",
				  soud_proxy_answer((struct sou_span){all.p, n}, &none), ==,
				  SOU_EAGAIN);
		}
		CHECK("a few words", soud_proxy_status_text(got.status)[0] != '\0');
	}
}

TEST(proxy, bounded)
{
	static const char head[] = "HTTP/1.1 200 OK\r\nX: ", end[] = "\r\n\r\n";
	static uint8_t bytes[SOUD_PROXY_ANSWER_BYTES_MAX + 64];
	for (size_t over = 0; over < 2; over++) {
		struct soud_proxy_answer got;
		size_t n = SOUD_PROXY_ANSWER_BYTES_MAX + over;
		memset(bytes, 'x', sizeof bytes);
		memcpy(bytes, head, sizeof head - 1);
		memcpy(bytes + n - (sizeof end - 1), end, sizeof end - 1);
		CHECK_INT("R17 the longest and one more",
			  soud_proxy_answer((struct sou_span){bytes, n}, &got), ==,
			  over == 0 ? SOU_OK : SOU_ELIMIT);
		CHECK_INT("R17 without an end",
			  soud_proxy_answer((struct sou_span){bytes, n - 4 - over}, &got), ==,
			  SOU_EAGAIN);
	}
}
