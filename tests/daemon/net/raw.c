/* raw.c - a peer that does not play by the rules: plain TCP, or OpenSSL's own TLS over memory,
 * shares no code with daemon/net/tls.c. */
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>

#include "tests/daemon/net/rig.h"

struct write {
	uv_write_t request;
	uint8_t b[];
};

static void on_written(uv_write_t *request, int status)
{
	(void)status; /* the other side may have left: that is often the point */
	free(request->data);
}

void raw_send(struct raw *raw, const void *bytes, size_t n)
{
	if (raw->closed || n == 0)
		return;
	struct write *write = malloc(sizeof *write + n);
	REQUIRE("raw", write != NULL);
	memcpy(write->b, bytes, n);
	write->request.data = write;
	uv_buf_t buf = uv_buf_init((char *)write->b, (unsigned int)n);
	if (uv_write(&write->request, (uv_stream_t *)&raw->tcp, &buf, 1, on_written) != 0)
		free(write);
}

static struct test_bytes take_sealed(struct raw *raw)
{
	char *p;
	long n = BIO_get_mem_data(SSL_get_wbio(raw->ssl), &p);
	struct test_bytes out = test_copy(p, (size_t)n);
	(void)BIO_reset(SSL_get_wbio(raw->ssl));
	return out;
}

static void flush(struct raw *raw)
{
	struct test_bytes out = take_sealed(raw);
	raw_send(raw, out.b, out.n);
}

static void on_info(const SSL *ssl, int where, int value)
{
	struct raw *raw = SSL_get_app_data(ssl);
	if ((where & SSL_CB_ALERT) != 0 && (where & SSL_CB_READ) != 0)
		raw->alert = value & 0xff;
}

static void go_on(struct raw *raw)
{
	ERR_clear_error();
	if (!raw->shaken && SSL_do_handshake(raw->ssl) == 1)
		raw->shaken = true;
	uint8_t more[16384];
	int n;
	while (raw->shaken && (n = SSL_read(raw->ssl, more, sizeof more)) > 0) {
		size_t room = sizeof raw->plain - raw->plain_bytes;
		size_t keep = (size_t)n < room ? (size_t)n : room;
		memcpy(raw->plain + raw->plain_bytes, more, keep);
		raw->plain_bytes += keep;
	}
	flush(raw);
}

static void on_closed(uv_handle_t *handle)
{
	struct raw *raw = handle->data;
	if (--raw->handles > 0)
		return;
	SSL_free(raw->ssl);
	free(raw);
}

void raw_close(struct raw *raw)
{
	if (raw->closed)
		return;
	raw->closed = true;
	uv_close((uv_handle_t *)&raw->tcp, on_closed);
	if (raw->has_server)
		uv_close((uv_handle_t *)&raw->server, on_closed);
}

static void on_alloc(uv_handle_t *handle, size_t suggested, uv_buf_t *buf)
{
	(void)handle;
	static char shared[65536];
	(void)suggested;
	*buf = uv_buf_init(shared, sizeof shared);
}

static void on_read(uv_stream_t *stream, ssize_t n, const uv_buf_t *buf)
{
	struct raw *raw = stream->data;
	if (n < 0) {
		raw->ended = true;
		uv_read_stop(stream);
		return;
	}
	raw->got += (uint64_t)n;
	if (raw->ssl == NULL)
		return;
	BIO_write(SSL_get_rbio(raw->ssl), buf->base, (int)n);
	go_on(raw);
}

static void begin(struct raw *raw)
{
	raw->connected = true;
	uv_tcp_nodelay(&raw->tcp, 1);
	uv_read_start((uv_stream_t *)&raw->tcp, on_alloc, on_read);
	if (raw->ssl != NULL)
		go_on(raw);
}

static void on_connect(uv_connect_t *request, int status)
{
	struct raw *raw = request->data;
	free(request);
	if (status == 0 && !raw->closed)
		begin(raw);
	else
		raw->ended = true;
}

static struct raw *raw_new(struct rig *rig, SSL_CTX *ctx, bool outgoing)
{
	struct raw *raw = calloc(1, sizeof *raw);
	REQUIRE("raw", raw != NULL);
	raw->rig = rig;
	raw->alert = -1;
	uv_tcp_init(&rig->loop, &raw->tcp);
	raw->tcp.data = raw;
	raw->handles = 1;
	if (ctx == NULL)
		return raw;
	raw->ssl = SSL_new(ctx);
	SSL_CTX_free(ctx);
	REQUIRE("raw", raw->ssl != NULL);
	SSL_set_bio(raw->ssl, BIO_new(BIO_s_mem()), BIO_new(BIO_s_mem()));
	BIO_set_mem_eof_return(SSL_get_rbio(raw->ssl), -1);
	SSL_set_app_data(raw->ssl, raw);
	SSL_set_info_callback(raw->ssl, on_info);
	if (outgoing)
		SSL_set_connect_state(raw->ssl);
	else
		SSL_set_accept_state(raw->ssl);
	return raw;
}

struct raw *raw_connect(struct rig *rig, SSL_CTX *ctx)
{
	struct raw *raw = raw_new(rig, ctx, true);
	uv_connect_t *request = malloc(sizeof *request);
	REQUIRE("raw", request != NULL);
	request->data = raw;
	const struct sockaddr *to = (const struct sockaddr *)&rig->hub_at;
	REQUIRE("raw", uv_tcp_connect(request, &raw->tcp, to, on_connect) == 0);
	return raw;
}

static void on_connection(uv_stream_t *server, int status)
{
	struct raw *raw = server->data;
	if (status == 0 && uv_accept(server, (uv_stream_t *)&raw->tcp) == 0)
		begin(raw);
}

struct raw *raw_listen(struct rig *rig, SSL_CTX *ctx, struct sockaddr_in *at)
{
	struct raw *raw = raw_new(rig, ctx, false);
	uv_tcp_init(&rig->loop, &raw->server);
	raw->server.data = raw;
	raw->has_server = true;
	raw->handles = 2;
	uv_ip4_addr("127.0.0.1", 0, at);
	REQUIRE("raw", uv_tcp_bind(&raw->server, (struct sockaddr *)at, 0) == 0);
	REQUIRE("raw", uv_listen((uv_stream_t *)&raw->server, 1, on_connection) == 0);
	int n = sizeof *at;
	uv_tcp_getsockname(&raw->server, (struct sockaddr *)at, &n);
	return raw;
}

struct test_bytes raw_seal(struct raw *raw, const void *bytes, size_t n)
{
	ERR_clear_error();
	REQUIRE("raw", SSL_write(raw->ssl, bytes, (int)n) == (int)n);
	return take_sealed(raw);
}

void raw_write(struct raw *raw, const void *bytes, size_t n)
{
	struct test_bytes out = raw_seal(raw, bytes, n);
	raw_send(raw, out.b, out.n);
}

void raw_stop_reading(struct raw *raw)
{
	uv_read_stop((uv_stream_t *)&raw->tcp);
}

static void on_shutdown(uv_shutdown_t *request, int status)
{
	(void)status;
	free(request);
}

void raw_shutdown(struct raw *raw)
{
	uv_shutdown_t *request = malloc(sizeof *request);
	REQUIRE("raw", request != NULL);
	if (uv_shutdown(request, (uv_stream_t *)&raw->tcp, on_shutdown) != 0)
		free(request);
}

void raw_bye(struct raw *raw)
{
	SSL_shutdown(raw->ssl);
	flush(raw);
}

void raw_key_update(struct raw *raw)
{
	REQUIRE("raw", SSL_key_update(raw->ssl, SSL_KEY_UPDATE_REQUESTED) == 1);
	ERR_clear_error();
	SSL_do_handshake(raw->ssl); /* puts the message out without data after it */
	flush(raw);
}

/* ---- Contexts ---- */

static EVP_PKEY *make_key(const char *name)
{
	if (strcmp(name, "RSA") == 0)
		return EVP_RSA_gen(2048);
	if (strncmp(name, "P-", 2) == 0)
		return EVP_EC_gen(name);
	return EVP_PKEY_Q_keygen(NULL, NULL, name);
}

static X509 *make_cert(EVP_PKEY *key, const char *subject, EVP_PKEY *issuer_key, const char *issuer)
{
	X509 *cert = X509_new();
	REQUIRE("raw", cert != NULL);
	X509_set_version(cert, X509_VERSION_3);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 7);
	X509_gmtime_adj(X509_getm_notBefore(cert), -20 * 365 * 86400L); /* long over: R18, B11 */
	X509_gmtime_adj(X509_getm_notAfter(cert), -86400);
	X509_NAME_add_entry_by_txt(X509_get_subject_name(cert), "CN", MBSTRING_ASC,
				   (const uint8_t *)subject, -1, -1, 0);
	X509_NAME_add_entry_by_txt(X509_get_issuer_name(cert), "CN", MBSTRING_ASC,
				   (const uint8_t *)issuer, -1, -1, 0);
	X509_set_pubkey(cert, key);
	int id = EVP_PKEY_get_base_id(issuer_key);
	bool pure = id == EVP_PKEY_ED25519 || id == EVP_PKEY_ED448;
	REQUIRE("raw", X509_sign(cert, issuer_key, pure ? NULL : EVP_sha256()) > 0);
	return cert;
}

static const uint8_t alpn[] = "\x0asoukatsu/1";

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
		   const unsigned char *in, unsigned int in_bytes, void *arg)
{
	(void)ssl;
	(void)in;
	(void)in_bytes;
	(void)arg;
	*out = alpn + 1;
	*out_bytes = alpn[0];
	return SSL_TLSEXT_ERR_OK;
}

static int on_verify(int ok, X509_STORE_CTX *store)
{
	(void)ok;
	(void)store;
	return 1;
}

SSL_CTX *raw_ctx(const char *key_name, int certs)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	REQUIRE("raw", ctx != NULL);
	SSL_CTX_set_security_level(ctx, 0);
	SSL_CTX_set_alpn_protos(ctx, alpn, sizeof alpn - 1);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER, on_verify);
	if (key_name == NULL)
		return ctx;
	EVP_PKEY *key = make_key(key_name), *above = make_key("ED25519");
	REQUIRE("raw", key != NULL && above != NULL);
	X509 *cert = make_cert(key, "peer", certs > 1 ? above : key, certs > 1 ? "above" : "peer");
	REQUIRE("raw", SSL_CTX_use_certificate(ctx, cert) == 1);
	REQUIRE("raw", SSL_CTX_use_PrivateKey(ctx, key) == 1);
	X509_free(cert);
	for (int i = 1; i < certs; i++)
		REQUIRE("raw", SSL_CTX_add_extra_chain_cert(
				       ctx, make_cert(above, "above", above, "above")) == 1);
	EVP_PKEY_free(key);
	EVP_PKEY_free(above);
	return ctx;
}
