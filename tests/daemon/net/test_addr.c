/* test_addr.c - the one way to write an address, and the keys under which R17 counts. */
#include "daemon/net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>

#include "tests/lib/check.h"

static const struct {
	const char *name, *text;
	int rc;
	const char *host;
	int port;
} parse_cases[] = {
	{"name", "hub.example.jp:8443", SOU_OK, "hub.example.jp", 8443},
	{"IPv4", "192.0.2.1:443", SOU_OK, "192.0.2.1", 443},
	{"IPv6", "[::1]:8443", SOU_OK, "::1", 8443},
	{"IPv6 any, port 0", "[::]:0", SOU_OK, "::", 0},
	{"IPv6 zone", "[fe80::1%eth0]:1", SOU_OK, "fe80::1%eth0", 1},
	{"port largest", "a:65535", SOU_OK, "a", 65535},
	{"port largest plus one", "a:65536", SOU_EINPUT, NULL, 0},
	{"port of six digits", "a:100000", SOU_EINPUT, NULL, 0},
	{"port empty", "a:", SOU_EINPUT, NULL, 0},
	{"port missing", "a", SOU_EINPUT, NULL, 0},
	{"port with a sign", "a:+1", SOU_EINPUT, NULL, 0},
	{"port with a blank", "a: 1", SOU_EINPUT, NULL, 0},
	{"port with a zero before", "a:01", SOU_EINPUT, NULL, 0},
	{"port of words", "a:https", SOU_EINPUT, NULL, 0},
	{"nothing", "", SOU_EINPUT, NULL, 0},
	{"host empty", ":1", SOU_EINPUT, NULL, 0},
	{"host empty in brackets", "[]:1", SOU_EINPUT, NULL, 0},
	{"IPv6 without brackets", "::1:8443", SOU_EINPUT, NULL, 0},
	{"bracket left open", "[::1:8443", SOU_EINPUT, NULL, 0},
	{"nothing after the bracket", "[::1]", SOU_EINPUT, NULL, 0},
	{"letters after the bracket", "[::1]x:1", SOU_EINPUT, NULL, 0},
	{"name in brackets", "[hub]:1", SOU_EINPUT, NULL, 0},
	{"IPv4 in brackets", "[192.0.2.1]:1", SOU_EINPUT, NULL, 0},
	{"zone empty", "[fe80::1%]:1", SOU_EINPUT, NULL, 0},
	{"name with a blank", "a b:1", SOU_EINPUT, NULL, 0},
	{"name with a slash", "http//a:1", SOU_EINPUT, NULL, 0},
	{"name of Japanese", "\xe6\x9d\xb1:1", SOU_EINPUT, NULL, 0},
	{"name like an option", "-v:1", SOU_EINPUT, NULL, 0},
};

TEST(addr, parse)
{
	for (size_t i = 0; i < ARRAY_LEN(parse_cases); i++) {
		const char *name = parse_cases[i].name;
		struct soud_hostport hp = {.host = "untouched", .port = 7};
		struct sou_err err = {0};
		CHECK_INT(name, soud_hostport_parse(&hp, parse_cases[i].text, &err), ==,
			  parse_cases[i].rc);
		if (parse_cases[i].rc != SOU_OK) {
			CHECK_STR(name, hp.host, "untouched");
			CHECK(name, err.text[0] != '\0');
			continue;
		}
		CHECK_STR(name, hp.host, parse_cases[i].host);
		CHECK_INT(name, hp.port, ==, parse_cases[i].port);
		char text[SOUD_ADDR_TEXT_BYTES_MAX];
		soud_hostport_text(&hp, text);
		CHECK_STR(name, text, parse_cases[i].text);
	}
}

TEST(addr, host_bounds)
{
	for (size_t n = SOUD_HOST_BYTES_MAX - 1; n <= SOUD_HOST_BYTES_MAX + 1; n++) {
		char *text = test_alloc(n + 3);
		memset(text, 'a', n);
		memcpy(text + n, ":1", 3);
		struct soud_hostport hp;
		CHECK_INT(test_printf("host of %zu bytes", n), soud_hostport_parse(&hp, text, NULL),
			  ==, n > SOUD_HOST_BYTES_MAX ? SOU_EINPUT : SOU_OK);
	}
}

static const struct {
	const char *name, *ip, *text, *key;
} key_cases[] = {
	{"R17 IPv4 is itself", "192.0.2.1", "192.0.2.1:443",
	 "00 00 00 00 00 00 00 00 00 00 ff ff c0 00 02 01"},
	{"R17 IPv4 in IPv6 is the same", "::ffff:192.0.2.1", "192.0.2.1:443",
	 "00 00 00 00 00 00 00 00 00 00 ff ff c0 00 02 01"},
	{"R17 IPv6 is its /64", "2001:db8:1:2:3:4:5:6", "[2001:db8:1:2:3:4:5:6]:443",
	 "20 01 0d b8 00 01 00 02 00 00 00 00 00 00 00 00"},
};

TEST(addr, key)
{
	for (size_t i = 0; i < ARRAY_LEN(key_cases); i++) {
		const char *name = key_cases[i].name;
		struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(443)};
		struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(443)};
		bool is_four = inet_pton(AF_INET, key_cases[i].ip, &four.sin_addr) == 1;
		inet_pton(AF_INET6, key_cases[i].ip, &six.sin6_addr);
		struct soud_addr got;
		soud_addr_from(&got, is_four ? (struct sockaddr *)&four : (struct sockaddr *)&six);
		struct test_bytes key = test_hex(key_cases[i].key);
		CHECK_STR(name, got.text, key_cases[i].text);
		CHECK_MEM(name, got.key, sizeof got.key, key.b, key.n);
	}
}
