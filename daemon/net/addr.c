/* addr.c - the text form is strict, so that one address has one meaning in a configuration. */
#include "daemon/net/addr.h"

#include <arpa/inet.h>
#include <netinet/in.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static const char WANTED[] = "an address is HOST:PORT or [IPv6]:PORT";

static bool is_digit(char c)
{
	return c >= '0' && c <= '9';
}

static bool is_name_char(char c)
{
	return is_digit(c) || (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '-' ||
	       c == '.' || c == '_';
}

static int parse_port(const char *text, uint16_t *out)
{
	uint32_t port = 0;
	size_t n = strlen(text);
	if (n < 1 || n > 5 || (n > 1 && text[0] == '0'))
		return SOU_EINPUT;
	for (size_t i = 0; i < n; i++) {
		if (!is_digit(text[i]))
			return SOU_EINPUT;
		port = port * 10 + (uint32_t)(text[i] - '0');
	}
	if (port > UINT16_MAX)
		return SOU_EINPUT;
	*out = (uint16_t)port;
	return SOU_OK;
}

/* "fe80::1%eth0": the address must be one, the zone a plain name. */
static bool is_ipv6(const char *host)
{
	char bare[INET6_ADDRSTRLEN];
	size_t n = strcspn(host, "%");
	if (n >= sizeof bare)
		return false;
	memcpy(bare, host, n);
	bare[n] = '\0';
	if (host[n] == '%') {
		if (host[n + 1] == '\0')
			return false;
		for (const char *c = host + n + 1; *c != '\0'; c++) {
			if (!is_name_char(*c))
				return false;
		}
	}
	struct in6_addr ignored;
	return inet_pton(AF_INET6, bare, &ignored) == 1;
}

static bool is_name(const char *host)
{
	for (const char *c = host; *c != '\0'; c++) {
		if (!is_name_char(*c))
			return false;
	}
	return host[0] != '-' && host[0] != '.';
}

int soud_hostport_parse(struct soud_hostport *out, const char *text, struct sou_err *err)
{
	SOU_ASSERT(out != NULL);
	SOU_ASSERT(text != NULL);
	struct soud_hostport hp;
	bool bracket = text[0] == '[';
	const char *host = bracket ? text + 1 : text;
	size_t n = strcspn(host, bracket ? "]" : ":");
	if (n == 0 || n > SOUD_HOST_BYTES_MAX)
		return sou_err_set(err, SOU_EINPUT, "%s: the host is empty or too long", WANTED);
	memcpy(hp.host, host, n);
	hp.host[n] = '\0';
	const char *rest = host + n;
	if (bracket && *rest == ']')
		rest++;
	else if (bracket)
		return sou_err_set(err, SOU_EINPUT, "%s: ']' is missing", WANTED);
	if (*rest != ':' || parse_port(rest + 1, &hp.port) != SOU_OK)
		return sou_err_set(err, SOU_EINPUT, "%s: the port is a number of 0 to 65535",
				   WANTED);
	if (!(bracket ? is_ipv6(hp.host) : is_name(hp.host)))
		return sou_err_set(err, SOU_EINPUT,
				   "%s: this host is neither a name nor an address", WANTED);
	*out = hp;
	return SOU_OK;
}

void soud_hostport_text(const struct soud_hostport *hp, char out[SOUD_ADDR_TEXT_BYTES_MAX])
{
	bool bracket = strchr(hp->host, ':') != NULL;
	snprintf(out, SOUD_ADDR_TEXT_BYTES_MAX, "%s%s%s:%u", bracket ? "[" : "", hp->host,
		 bracket ? "]" : "", hp->port);
}

void soud_addr_from(struct soud_addr *out, const struct sockaddr *sa)
{
	static const uint8_t mapped[12] = {[10] = 0xff, [11] = 0xff};
	char host[INET6_ADDRSTRLEN] = "?";
	*out = (struct soud_addr){0};
	if (sa->sa_family == AF_INET) {
		const struct sockaddr_in *in = (const void *)sa;
		memcpy(out->key, mapped, sizeof mapped);
		memcpy(out->key + 12, &in->sin_addr, 4);
		inet_ntop(AF_INET, &in->sin_addr, host, sizeof host);
		snprintf(out->text, sizeof out->text, "%s:%u", host, ntohs(in->sin_port));
		return;
	}
	if (sa->sa_family != AF_INET6) {
		snprintf(out->text, sizeof out->text, "?");
		return;
	}
	const struct sockaddr_in6 *in = (const void *)sa;
	const uint8_t *b = in->sin6_addr.s6_addr;
	if (memcmp(b, mapped, sizeof mapped) == 0) {
		memcpy(out->key, b, 16);
		inet_ntop(AF_INET, b + 12, host, sizeof host);
		snprintf(out->text, sizeof out->text, "%s:%u", host, ntohs(in->sin6_port));
		return;
	}
	memcpy(out->key, b, 8);
	inet_ntop(AF_INET6, b, host, sizeof host);
	snprintf(out->text, sizeof out->text, "[%s]:%u", host, ntohs(in->sin6_port));
}
