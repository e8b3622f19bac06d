/* test_tls.c - who gets in and who does not, told by a peer that is OpenSSL's plain client or
 * server or no TLS at all (R17, R18, P12.1). */
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>

#include "proto/limits.h"
#include "tests/daemon/net/rig.h"

/* ---- The own key ---- */

TEST(tls, own_key)
{
	const char *name = "R4 own key";
	static const uint8_t seed[SOU_SEED_BYTES] = {9};
	struct soud_tls *a = NULL, *b = NULL;
	struct sou_err err = {0};
	REQUIRE(name, soud_tls_new(&a, seed, &err) == SOU_OK);

	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
	BIO *bio = BIO_new(BIO_s_mem());
	PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	char *pem;
	long pem_bytes = BIO_get_mem_data(bio, &pem);
	REQUIRE(name, soud_tls_new_pem(&b, pem, (size_t)pem_bytes, &err) == SOU_OK);
	struct sou_hash spki_a = soud_tls_spki(a), spki_b = soud_tls_spki(b);
	CHECK("seed and PEM give one key", sou_hash_eq(&spki_a, &spki_b));

	struct sou_hash raw, spki_c;
	size_t n = sizeof raw.b;
	EVP_PKEY_get_raw_public_key(key, raw.b, &n);
	spki_c = soud_tls_spki_of(&raw);
	CHECK("P12.1 hash of a public key alone", sou_hash_eq(&spki_a, &spki_c));

	/* And that is SHA-256 of what the library calls the SPKI. */
	uint8_t *der = NULL;
	int der_bytes = i2d_PUBKEY(key, &der);
	struct sou_hash spki_d = sou_sha256(der, (size_t)der_bytes);
	CHECK("P12.1 DER", sou_hash_eq(&spki_a, &spki_d));
	OPENSSL_free(der);
	BIO_free(bio);
	EVP_PKEY_free(key);
	soud_tls_free(a);
	soud_tls_free(b);
	soud_tls_free(NULL);
}

static struct test_bytes pem_of(const char *kind, const char *passphrase)
{
	EVP_PKEY *key =
		strcmp(kind, "P-256") == 0 ? EVP_EC_gen(kind) : EVP_PKEY_Q_keygen(NULL, NULL, kind);
	BIO *bio = BIO_new(BIO_s_mem());
	if (passphrase != NULL)
		PEM_write_bio_PKCS8PrivateKey(bio, key, EVP_aes_128_cbc(), passphrase,
					      (int)strlen(passphrase), NULL, NULL);
	else
		PEM_write_bio_PrivateKey(bio, key, NULL, NULL, 0, NULL, NULL);
	char *pem;
	long n = BIO_get_mem_data(bio, &pem);
	struct test_bytes out = test_copy(pem, (size_t)n);
	BIO_free(bio);
	EVP_PKEY_free(key);
	return out;
}

TEST(tls, own_key_refused)
{
	struct test_bytes good = pem_of("ED25519", NULL);
	const struct {
		const char *name;
		struct test_bytes pem;
	} cases[] = {
		{"nothing", {good.b, 0}},
		{"not PEM", test_hex("ff 00 01")},
		{"cut short", {good.b, good.n / 2}},
		{"P-256", pem_of("P-256", NULL)},
		{"X25519", pem_of("X25519", NULL)},
		{"R20 needs a passphrase, and nobody is asked", pem_of("ED25519", "secret")},
		{"longer than any key", {test_alloc(100000), SOU_STR_BYTES_MAX + 1}},
	};
	memset(cases[ARRAY_LEN(cases) - 1].pem.b, 'A', 100000);
	for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
		struct soud_tls *tls = NULL;
		struct sou_err err = {0};
		CHECK_INT(cases[i].name,
			  soud_tls_new_pem(&tls, cases[i].pem.b, cases[i].pem.n, &err), ==,
			  SOU_EKEY);
		CHECK(cases[i].name, tls == NULL && err.text[0] != '\0');
	}
}

/* ---- Facts of a live connection ---- */

static void check_facts(const char *name, struct soud_link *link)
{
	struct soud_tls_facts facts;
	soud_link_facts(link, &facts);
	CHECK_STR(name, facts.version, "TLSv1.3");
	CHECK_STR(name, facts.group, "X25519");
	CHECK_STR(name, facts.suite, "TLS_AES_256_GCM_SHA384");
	CHECK_STR(name, facts.alpn, "soukatsu/1");
	CHECK(name, !facts.resumed);
}

TEST(tls, read_back)
{
	const char *name = "R18 read back from a live handshake";
	struct rig rig;
	rig_begin(&rig, NULL);
	rig_open(&rig, name);
	check_facts(name, rig.hub.link);
	check_facts(name, rig.site.link);
	struct sou_hash hub = soud_tls_spki(rig.hub_tls), site = soud_tls_spki(rig.site_tls);
	CHECK(name, sou_hash_eq(soud_link_spki(rig.site.link), &hub));
	CHECK(name, sou_hash_eq(soud_link_spki(rig.hub.link), &site));
	CHECK(name, soud_link_is_outgoing(rig.site.link) && !soud_link_is_outgoing(rig.hub.link));

	uint8_t a[SOUD_TLS_EXPORTER_BYTES], b[SOUD_TLS_EXPORTER_BYTES], c[SOUD_TLS_EXPORTER_BYTES];
	CHECK_INT("P12.3", soud_link_exporter(rig.hub.link, a), ==, SOU_OK);
	CHECK_INT("P12.3", soud_link_exporter(rig.site.link, b), ==, SOU_OK);
	CHECK_MEM("P12.3 both sides have one exporter", a, sizeof a, b, sizeof b);
	rig_open(&rig, name);
	CHECK_INT("P12.3", soud_link_exporter(rig.hub.link, c), ==, SOU_OK);
	CHECK("P12.3 each connection has its own", memcmp(a, c, sizeof a) != 0);
	rig_end(&rig, name);
}

TEST(tls, exporter_of_another_library_call)
{
	const char *name = "P12.3 label and empty context";
	struct rig rig;
	rig_begin(&rig, NULL);
	struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
	uint8_t a[SOUD_TLS_EXPORTER_BYTES], b[SOUD_TLS_EXPORTER_BYTES];
	CHECK_INT(name, soud_link_exporter(rig.hub.link, a), ==, SOU_OK);
	CHECK_INT(name,
		  SSL_export_keying_material(raw->ssl, b, sizeof b, "EXPORTER-soukatsu-join", 22,
					     (const uint8_t *)"", 0, 1),
		  ==, 1);
	CHECK_MEM(name, a, sizeof a, b, sizeof b);
	raw_close(raw);
	rig_end(&rig, name);
}

/* ---- Clients at the hub's door ---- */

static void no_change(SSL_CTX *ctx)
{
	(void)ctx;
}

static void old_version(SSL_CTX *ctx)
{
	SSL_CTX_set_max_proto_version(ctx, TLS1_2_VERSION);
}

static void other_alpn(SSL_CTX *ctx)
{
	SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\x02h2\x0asoukatsu/2", 14);
}

static void later_alpn(SSL_CTX *ctx)
{
	SSL_CTX_set_alpn_protos(ctx, (const uint8_t *)"\x02h2\x0asoukatsu/1", 14);
}

static void no_alpn(SSL_CTX *ctx)
{
	SSL_CTX_set_alpn_protos(ctx, NULL, 0);
}

static void p256_group(SSL_CTX *ctx)
{
	SSL_CTX_set1_groups_list(ctx, "P-256");
}

static void p521_group(SSL_CTX *ctx)
{
	SSL_CTX_set1_groups_list(ctx, "P-521:X448");
}

static void chacha(SSL_CTX *ctx)
{
	SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256");
}

static void aes128(SSL_CTX *ctx)
{
	SSL_CTX_set_ciphersuites(ctx, "TLS_AES_128_GCM_SHA256:TLS_AES_128_CCM_SHA256");
}

static const struct {
	const char *name, *key; /* NULL: shows no certificate */
	int certs;
	void (*spoil)(SSL_CTX *ctx);
	bool opens;
	int alert; /* what the client is told, RFC 8446 section 6; -1: nothing */
	const char *end;
} client_cases[] = {
	{"R18 as it should be, dates long over", "ED25519", 1, no_change, true, -1, ""},
	{"R18 P-256 key", "P-256", 1, no_change, true, -1, ""},
	{"R18 ours among other ALPN names", "ED25519", 1, later_alpn, true, -1, ""},
	{"R18 group P-256", "ED25519", 1, p256_group, true, -1, ""},
	{"R18 suite ChaCha20", "ED25519", 1, chacha, true, -1, ""},
	{"R18 TLS 1.2", "ED25519", 1, old_version, false, SSL_AD_PROTOCOL_VERSION, "TLS"},
	{"R18 other ALPN", "ED25519", 1, other_alpn, false, SSL_AD_NO_APPLICATION_PROTOCOL, "TLS"},
	{"R18 no ALPN", "ED25519", 1, no_alpn, false, SSL_AD_NO_APPLICATION_PROTOCOL, "TLS"},
	{"R18 no certificate", NULL, 0, no_change, false, SSL_AD_CERTIFICATE_REQUIRED, "TLS"},
	{"R18 RSA key", "RSA", 1, no_change, false, SSL_AD_CERTIFICATE_REQUIRED, "TLS"},
	{"R18 P-384 key", "P-384", 1, no_change, false, SSL_AD_CERTIFICATE_REQUIRED, "TLS"},
	{"R18 Ed448 key", "ED448", 1, no_change, false, SSL_AD_CERTIFICATE_REQUIRED, "TLS"},
	{"R18 a chain of two", "ED25519", 2, no_change, false, SSL_AD_BAD_CERTIFICATE, "TLS"},
	{"R17 a huge chain", "ED25519", 100, no_change, false, -1, "LIMIT"},
	{"R18 other groups", "ED25519", 1, p521_group, false, SSL_AD_HANDSHAKE_FAILURE, "TLS"},
	{"R18 other suites", "ED25519", 1, aes128, false, SSL_AD_HANDSHAKE_FAILURE, "TLS"},
};

TEST(tls, clients)
{
	for (size_t i = 0; i < ARRAY_LEN(client_cases); i++) {
		const char *name = client_cases[i].name;
		struct rig rig;
		rig_begin(&rig, NULL);
		SSL_CTX *ctx = raw_ctx(client_cases[i].key, client_cases[i].certs);
		client_cases[i].spoil(ctx);
		struct raw *raw = raw_connect(&rig, ctx);
		if (client_cases[i].opens) {
			RIG_UNTIL(&rig, name, raw->shaken && rig.hub.opened + rig.hub.refused > 0);
			CHECK_INT(name, rig.hub.opened, ==, 1);
			uint8_t frame[SOU_FRAME_HEAD_BYTES];
			sou_frame_head(frame, 14, 0);
			raw_write(raw, frame, sizeof frame);
			RIG_UNTIL(&rig, name, rig.hub.frames == 1);
			CHECK_INT("no ticket", SSL_SESSION_has_ticket(SSL_get0_session(raw->ssl)),
				  ==, 0);
		} else {
			RIG_UNTIL(&rig, name, raw->ended && rig.hub.refused == 1);
			CHECK_INT(name, rig.hub.opened, ==, 0);
			CHECK_STR(name, soud_link_end_name(rig.hub.end), client_cases[i].end);
			CHECK(name, rig.hub.detail[0] != '\0');
			CHECK_INT(name, raw->alert, ==, client_cases[i].alert);
		}
		raw_close(raw);
		rig_end(&rig, name);
	}
}

static const struct {
	const char *name, *text; /* sent as it is */
	uint32_t fill;           /* and so many more bytes 0x16 */
	const char *end;
} noise_cases[] = {
	{"R18 HTTP", "GET / HTTP/1.1\r\nHost: hub\r\n\r\n", 0, "TLS"},
	{"R18 SSH", "SSH-2.0-OpenSSH_9.2\r\n", 0, "TLS"},
	{"R18 noise", "\x9c\x03\xe1\xaa\x01\x55\xfe\x12\x80\x7f", 300, "TLS"},
	{"R18 our frames without TLS", "\x01\x01\x01\x01\x01\x01", 0, "TLS"},
	/* A record of 16 KiB that holds the beginning of a hello of 16 MiB. */
	{"R17 4 KiB and one of a hello without end", "\x16\x03\x01\x40\x00\x01\xff\xff\xff\x03\x03",
	 4086, "LIMIT"},
	{"R17 a hello that says too much at once", "\x16\x03\x01\x01\x00\x01\xff\xff\xff\x03\x03",
	 300, "TLS"},
};

TEST(tls, noise)
{
	for (size_t i = 0; i < ARRAY_LEN(noise_cases); i++) {
		const char *name = noise_cases[i].name;
		struct rig rig;
		rig_begin(&rig, NULL);
		size_t n = i == 4 || i == 5 ? 11 : strlen(noise_cases[i].text);
		uint8_t *bytes = test_alloc(n + noise_cases[i].fill);
		memcpy(bytes, noise_cases[i].text, n);
		memset(bytes + n, 0x16, noise_cases[i].fill);
		struct raw *raw = raw_connect(&rig, NULL);
		raw_send(raw, bytes, n + noise_cases[i].fill);
		RIG_UNTIL(&rig, name, raw->ended && rig.hub.refused == 1);
		CHECK_STR(name, soud_link_end_name(rig.hub.end), noise_cases[i].end);
		CHECK_INT(name, rig.hub.opened, ==, 0);
		raw_close(raw);
		rig_end(&rig, name);
	}
}

TEST(tls, handshake_bytes_bound)
{
	const char *name =
		"P16.1 4 KiB before a key is shown: at it nothing happens yet, past it the end";
	struct rig rig;
	rig_begin(&rig, NULL);
	/* The record is announced longer than what comes, so the bytes alone decide. */
	uint8_t bytes[SOU_HANDSHAKE_BYTES_MAX] = {0x16, 0x03, 0x01, 0x40, 0x00,
						  0x01, 0x00, 0x3f, 0xfc};
	struct raw *raw = raw_connect(&rig, NULL);
	raw_send(raw, bytes, sizeof bytes);
	rig_go_on(&rig, name, 50);
	CHECK_INT(name, rig.hub.refused, ==, 0);
	raw_send(raw, bytes + 100, 1);
	RIG_UNTIL(&rig, name, rig.hub.refused == 1);
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "LIMIT");
	raw_close(raw);
	rig_end(&rig, name);
}

/* ---- Servers that our site may meet ---- */

static void no_alpn_answer(SSL_CTX *ctx)
{
	SSL_CTX_set_alpn_select_cb(ctx, NULL, NULL);
}

static void tickets(SSL_CTX *ctx)
{
	SSL_CTX_set_num_tickets(ctx, 2);
}

static const struct {
	const char *name, *key;
	int certs;
	void (*spoil)(SSL_CTX *ctx);
	bool opens;
	const char *end;
} server_cases[] = {
	{"R18 as it should be", "ED25519", 1, no_change, true, ""},
	{"R18 tickets are not taken for frames", "ED25519", 1, tickets, true, ""},
	{"R18 TLS 1.2", "ED25519", 1, old_version, false, "TLS"},
	{"R18 answers without ALPN", "ED25519", 1, no_alpn_answer, false, "TLS"},
	{"R18 RSA key", "RSA", 1, no_change, false, "TLS"},
	{"R18 a chain of two", "ED25519", 2, no_change, false, "TLS"},
	{"R18 suite AES-128", "ED25519", 1, aes128, false, "TLS"},
	{"R18 other groups", "ED25519", 1, p521_group, false, "TLS"},
};

TEST(tls, servers)
{
	for (size_t i = 0; i < ARRAY_LEN(server_cases); i++) {
		const char *name = server_cases[i].name;
		struct rig rig;
		rig_begin(&rig, NULL);
		SSL_CTX *ctx = raw_ctx(server_cases[i].key, server_cases[i].certs);
		server_cases[i].spoil(ctx);
		struct sockaddr_in at;
		struct raw *raw = raw_listen(&rig, ctx, &at);
		rig_link_to(&rig, &at, NULL);
		if (server_cases[i].opens) {
			RIG_UNTIL(&rig, name, rig.site.opened == 1 && raw->shaken);
			uint8_t frame[SOU_FRAME_HEAD_BYTES];
			sou_frame_head(frame, 14, 0);
			raw_write(raw, frame, sizeof frame);
			RIG_UNTIL(&rig, name, rig.site.frames == 1);
		} else {
			RIG_UNTIL(&rig, name, rig.site.refused == 1);
			CHECK_STR(name, soud_link_end_name(rig.site.end), server_cases[i].end);
			CHECK_INT(name, rig.site.opened, ==, 0);
		}
		raw_close(raw);
		rig_end(&rig, name);
	}
}

TEST(tls, wrong_pin)
{
	const char *name = "R18 another key than the pinned one";
	struct rig rig;
	rig_begin(&rig, NULL);
	struct sou_hash pin = soud_tls_spki(rig.hub_tls);
	for (int bit = 0; bit < 256; bit += 85) {
		int refused = rig.site.refused, hub_refused = rig.hub.refused;
		struct sou_hash other = pin;
		other.b[bit / 8] ^= (uint8_t)(1u << bit % 8);
		rig_link_to(&rig, &rig.hub_at, &other);
		RIG_UNTIL(&rig, name,
			  rig.site.refused == refused + 1 && rig.hub.refused == hub_refused + 1);
		CHECK_STR(name, soud_link_end_name(rig.site.end), "PIN");
	}
	CHECK_INT("the hub never saw our certificate", rig.hub.opened, ==, 0);
	CHECK_INT(name, rig.site.opened, ==, 0);
	rig_end(&rig, name);
}

/* ---- Messages of TLS itself ---- */

TEST(tls, rekeys)
{
	const char *name = "RFC 8446 5.5 own KeyUpdate in time";
	struct soud_net_limits limits = rig_limits();
	limits.rekey_records_max = 4;
	limits.post_handshake_max = 20;
	struct rig rig;
	rig_begin(&rig, &limits);
	rig_open(&rig, name);
	for (int i = 0; i < 60; i++) {
		soud_link_send_frame(rig.site.link, 1, &i, sizeof i);
		RIG_UNTIL(&rig, name, rig.hub.frames == (uint64_t)i + 1 || rig.hub.closed > 0);
		CHECK_MEM(name, rig.hub.last, rig.hub.last_bytes, &i, sizeof i);
	}
	CHECK_INT("14 KeyUpdates are below the cap", rig.hub.closed, ==, 0);
	for (int i = 0; i < 60 && rig.site.closed == 0; i++) {
		soud_link_send_frame(rig.site.link, 1, &i, sizeof i);
		rig_go_on(&rig, name, 1);
	}
	RIG_UNTIL(&rig, name, rig.hub.closed == 1);
	CHECK_STR("R18 the 21st is not", soud_link_end_name(rig.hub.end), "LIMIT");
	rig_end(&rig, name);
}

TEST(tls, key_update_cap)
{
	const char *name = "R18 KeyUpdates are capped";
	struct rig rig;
	rig_begin(&rig, NULL);
	struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
	uint8_t frame[SOU_FRAME_HEAD_BYTES];
	sou_frame_head(frame, 14, 0);
	for (uint32_t i = 0; i < SOU_POST_HANDSHAKE_MAX; i++)
		raw_key_update(raw);
	raw_write(raw, frame, sizeof frame);
	RIG_UNTIL(&rig, name, rig.hub.frames == 1 || rig.hub.closed == 1);
	CHECK_INT("at the cap all is well", rig.hub.closed, ==, 0);
	soud_link_send_frame(rig.hub.link, 15, "", 0);
	RIG_UNTIL(&rig, name, raw->plain_bytes == SOU_FRAME_HEAD_BYTES);
	raw_key_update(raw);
	RIG_UNTIL(&rig, name, rig.hub.closed == 1);
	CHECK_STR("one more", soud_link_end_name(rig.hub.end), "LIMIT");
	raw_close(raw);
	rig_end(&rig, name);
}

TEST(tls, damaged_record)
{
	const char *name = "B4 a bit flipped on the way";
	struct rig rig;
	rig_begin(&rig, NULL);
	struct raw *raw = raw_connect(&rig, raw_ctx("ED25519", 1));
	RIG_UNTIL(&rig, name, rig.hub.opened == 1 && raw->shaken);
	uint8_t frame[SOU_FRAME_HEAD_BYTES];
	sou_frame_head(frame, 14, 0);
	struct test_bytes sealed = raw_seal(raw, frame, sizeof frame);
	sealed.b[sealed.n - 1] ^= 1;
	raw_send(raw, sealed.b, sealed.n);
	RIG_UNTIL(&rig, name, rig.hub.closed == 1);
	CHECK_STR(name, soud_link_end_name(rig.hub.end), "TLS");
	CHECK_U64(name, rig.hub.frames, ==, 0);
	raw_close(raw);
	rig_end(&rig, name);
}
