/* tls.c - OpenSSL behind a BIO of our own: ciphertext comes straight out of the loop's read buffer
 * and goes straight into the loop's stage, so that an idle connection holds no buffer at all. Must
 * never trust a verify result alone, nor a name, nor a date. */
#include "daemon/net/tls.h"

#include <openssl/bio.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/objects.h>
#include <openssl/pem.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdlib.h>
#include <string.h>

#include "proto/limits.h"

static const char GROUPS[] = "X25519:P-256";
static const char SUITES[] = "TLS_AES_256_GCM_SHA384:TLS_CHACHA20_POLY1305_SHA256";
static const char SIGNATURES[] = "ed25519:ECDSA+SHA256";
static const char EXPORTER[] = "EXPORTER-soukatsu-join"; /* P12.3 */
static const uint8_t ALPN[] = {
	sizeof SOU_ALPN - 1, 's', 'o', 'u', 'k', 'a', 't', 's', 'u', '/', '1'};
_Static_assert(sizeof ALPN == sizeof SOU_ALPN, "the list holds the one name");

struct soud_tls {
	uint32_t refs; /* the maker's and one for each connection */
	SSL_CTX *ctx;
	BIO_METHOD *bio;
	struct sou_hash spki;
};

/* ---- The BIO ---- */

static int bio_read(BIO *bio, char *to, int to_bytes)
{
	struct soud_tls_conn *conn = BIO_get_data(bio);
	BIO_clear_retry_flags(bio);
	if (to_bytes <= 0 || conn->over)
		return -1;
	if (conn->in_left == 0) {
		BIO_set_retry_read(bio);
		return -1;
	}
	size_t n = conn->in_left < (size_t)to_bytes ? conn->in_left : (size_t)to_bytes;
	if (!conn->done) {
		if (n > conn->handshake_bytes_left)
			n = conn->handshake_bytes_left;
		if (n == 0) {
			conn->over = true;
			return -1;
		}
		conn->handshake_bytes_left -= (uint32_t)n;
	}
	memcpy(to, conn->in, n);
	conn->in += n;
	conn->in_left -= n;
	return (int)n;
}

static int bio_write(BIO *bio, const char *from, int from_bytes)
{
	struct soud_tls_stage *stage = ((struct soud_tls_conn *)BIO_get_data(bio))->stage;
	BIO_clear_retry_flags(bio);
	if (from_bytes <= 0 || (size_t)from_bytes > sizeof stage->b - stage->n)
		return -1;
	memcpy(stage->b + stage->n, from, (size_t)from_bytes);
	stage->n += (size_t)from_bytes;
	return from_bytes;
}

static long bio_ctrl(BIO *bio, int command, long number, void *pointer)
{
	(void)bio;
	(void)number;
	(void)pointer;
	return command == BIO_CTRL_FLUSH;
}

static int bio_create(BIO *bio)
{
	BIO_set_init(bio, 1);
	return 1;
}

static BIO_METHOD *bio_method(void)
{
	BIO_METHOD *method =
		BIO_meth_new(BIO_get_new_index() | BIO_TYPE_SOURCE_SINK, "soukatsu link");
	if (method == NULL)
		return NULL;
	if (BIO_meth_set_read(method, bio_read) == 1 &&
	    BIO_meth_set_write(method, bio_write) == 1 &&
	    BIO_meth_set_ctrl(method, bio_ctrl) == 1 &&
	    BIO_meth_set_create(method, bio_create) == 1)
		return method;
	BIO_meth_free(method);
	return NULL;
}

static struct soud_tls_conn *conn_of(const SSL *ssl)
{
	return BIO_get_data(SSL_get_rbio(ssl));
}

/* ---- What both sides insist on ---- */

static int spki_hash(X509 *cert, struct sou_hash *out)
{
	uint8_t *der = NULL;
	int n = i2d_X509_PUBKEY(X509_get_X509_PUBKEY(cert), &der);
	if (n <= 0)
		return SOU_ECRYPTO;
	*out = sou_sha256(der, (size_t)n);
	OPENSSL_free(der);
	return SOU_OK;
}

/* A small-order Ed25519 key would let anyone be this peer (R4). */
static bool key_is_fit(EVP_PKEY *key)
{
	if (key == NULL)
		return false;
	if (EVP_PKEY_is_a(key, "ED25519") == 1) {
		struct sou_hash raw;
		size_t n = sizeof raw.b;
		return EVP_PKEY_get_raw_public_key(key, raw.b, &n) == 1 && n == sizeof raw.b &&
		       sou_key_admit(&raw) == SOU_OK;
	}
	char group[32];
	size_t n = 0;
	return EVP_PKEY_is_a(key, "EC") == 1 &&
	       EVP_PKEY_get_group_name(key, group, sizeof group, &n) == 1 &&
	       strcmp(group, SN_X9_62_prime256v1) == 0;
}

/* In place of the library's chain building: one certificate, a fit key, the pinned one if a pin was
 * given. The handshake itself proves that the peer holds the key. */
static int on_verify(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	SSL *ssl = X509_STORE_CTX_get_ex_data(store, SSL_get_ex_data_X509_STORE_CTX_idx());
	struct soud_tls_conn *conn = conn_of(ssl);
	STACK_OF(X509) *chain = X509_STORE_CTX_get0_untrusted(store);
	X509 *cert = X509_STORE_CTX_get0_cert(store);
	struct sou_hash spki;
	if (cert == NULL || chain == NULL || sk_X509_num(chain) != 1 ||
	    !key_is_fit(X509_get0_pubkey(cert)) || spki_hash(cert, &spki) != SOU_OK) {
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
		return 0;
	}
	if (!sou_hash_is_zero(&conn->pin) && !sou_hash_eq(&conn->pin, &spki)) {
		conn->pin_wrong = true;
		X509_STORE_CTX_set_error(store, X509_V_ERR_CERT_REJECTED);
		return 0;
	}
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

/* Without the extension the library would not ask on_alpn at all. */
static int on_hello(SSL *ssl, int *alert, void *arg)
{
	(void)arg;
	const unsigned char *ext;
	size_t n;
	if (SSL_client_hello_get0_ext(ssl, TLSEXT_TYPE_application_layer_protocol_negotiation, &ext,
				      &n) == 1)
		return SSL_CLIENT_HELLO_SUCCESS;
	*alert = SSL_AD_NO_APPLICATION_PROTOCOL;
	return SSL_CLIENT_HELLO_ERROR;
}

static int on_alpn(SSL *ssl, const unsigned char **out, unsigned char *out_bytes,
		   const unsigned char *in, unsigned int in_bytes, void *arg)
{
	(void)ssl;
	(void)arg;
	for (unsigned int i = 0; i < in_bytes; i += 1u + in[i]) {
		if (in[i] != ALPN[0] || i + sizeof ALPN > in_bytes ||
		    memcmp(in + i, ALPN, sizeof ALPN) != 0)
			continue;
		*out = in + i + 1;
		*out_bytes = in[i];
		return SSL_TLSEXT_ERR_OK;
	}
	return SSL_TLSEXT_ERR_ALERT_FATAL;
}

/* After the handshake a peer has no business with TLS itself but a rare KeyUpdate. */
static void on_message(int sent, int version, int type, const void *bytes, size_t n, SSL *ssl,
		       void *arg)
{
	(void)version;
	(void)bytes;
	(void)n;
	(void)arg;
	if (sent || type != SSL3_RT_HANDSHAKE)
		return;
	struct soud_tls_conn *conn = conn_of(ssl);
	if (!conn->done)
		return;
	if (conn->post_handshake_left == 0)
		conn->over = true;
	else
		conn->post_handshake_left--;
}

static SSL_CTX *context(void)
{
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	if (ctx == NULL)
		return NULL;
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_ENABLE_PARTIAL_WRITE |
				      SSL_MODE_ACCEPT_MOVING_WRITE_BUFFER | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_options(ctx, SSL_OP_NO_TICKET | SSL_OP_NO_RENEGOTIATION |
					 SSL_OP_CIPHER_SERVER_PREFERENCE);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, on_verify, NULL);
	SSL_CTX_set_client_hello_cb(ctx, on_hello, NULL);
	SSL_CTX_set_alpn_select_cb(ctx, on_alpn, NULL);
	SSL_CTX_set_msg_callback(ctx, on_message);
	SSL_CTX_set_max_cert_list(ctx, SOU_HANDSHAKE_BYTES_MAX);
	SSL_CTX_set_max_early_data(ctx, 0);
	if (SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	    SSL_CTX_set_max_proto_version(ctx, TLS1_3_VERSION) == 1 &&
	    SSL_CTX_set_num_tickets(ctx, 0) == 1 && SSL_CTX_set1_groups_list(ctx, GROUPS) == 1 &&
	    SSL_CTX_set_ciphersuites(ctx, SUITES) == 1 &&
	    SSL_CTX_set1_sigalgs_list(ctx, SIGNATURES) == 1 &&
	    SSL_CTX_set_alpn_protos(ctx, ALPN, sizeof ALPN) == 0)
		return ctx;
	SSL_CTX_free(ctx);
	return NULL;
}

/* ---- The own key ---- */

/* The certificate is the same for the same key: fixed dates, Ed25519's fixed signature. */
static X509 *self_signed(EVP_PKEY *key)
{
	X509 *cert = X509_new();
	if (cert == NULL)
		return NULL;
	X509_NAME *name = X509_get_subject_name(cert);
	if (X509_set_version(cert, X509_VERSION_3) == 1 &&
	    ASN1_INTEGER_set(X509_get_serialNumber(cert), 1) == 1 &&
	    ASN1_TIME_set_string(X509_getm_notBefore(cert), "20000101000000Z") == 1 &&
	    ASN1_TIME_set_string(X509_getm_notAfter(cert), "99991231235959Z") == 1 &&
	    X509_NAME_add_entry_by_txt(name, "CN", MBSTRING_ASC, (const uint8_t *)"soukatsu", -1,
				       -1, 0) == 1 &&
	    X509_set_issuer_name(cert, name) == 1 && X509_set_pubkey(cert, key) == 1 &&
	    X509_sign(cert, key, NULL) > 0)
		return cert;
	X509_free(cert);
	return NULL;
}

/* Takes `key`, whatever comes of it. */
static int new_of(struct soud_tls **out, EVP_PKEY *key, struct sou_err *err)
{
	int rc = SOU_OK;
	X509 *cert = NULL;
	struct soud_tls *tls = calloc(1, sizeof *tls);
	if (tls == NULL) {
		rc = sou_err_set(err, SOU_ENOMEM, "tls: no memory");
		goto out;
	}
	tls->refs = 1;
	if (key == NULL || EVP_PKEY_is_a(key, "ED25519") != 1) {
		rc = sou_err_set(err, SOU_EKEY, "tls: the key is not an Ed25519 private key");
		goto out;
	}
	tls->ctx = context();
	tls->bio = bio_method();
	cert = self_signed(key);
	if (tls->ctx == NULL || tls->bio == NULL || cert == NULL ||
	    SSL_CTX_use_certificate(tls->ctx, cert) != 1 ||
	    SSL_CTX_use_PrivateKey(tls->ctx, key) != 1 ||
	    SSL_CTX_check_private_key(tls->ctx) != 1 || spki_hash(cert, &tls->spki) != SOU_OK) {
		rc = sou_err_set(err, SOU_ECRYPTO, "tls: the library gave up");
		goto out;
	}
	*out = tls;
	tls = NULL;
out:
	ERR_clear_error();
	X509_free(cert);
	EVP_PKEY_free(key);
	soud_tls_free(tls);
	return rc;
}

int soud_tls_new(struct soud_tls **out, const uint8_t seed[SOU_SEED_BYTES], struct sou_err *err)
{
	SOU_ASSERT(out != NULL);
	SOU_ASSERT(seed != NULL);
	ERR_clear_error();
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, SOU_SEED_BYTES);
	return new_of(out, key, err);
}

/* The library's own would ask at the terminal. */
static int on_passphrase(char *to, int to_bytes, int writing, void *arg)
{
	(void)to;
	(void)to_bytes;
	(void)writing;
	(void)arg;
	return -1;
}

int soud_tls_new_pem(struct soud_tls **out, const void *pem, size_t pem_bytes, struct sou_err *err)
{
	SOU_ASSERT(out != NULL);
	SOU_ASSERT(pem != NULL);
	if (pem_bytes > SOU_STR_BYTES_MAX)
		return sou_err_set(err, SOU_EKEY, "tls: the key file is too long");
	ERR_clear_error();
	BIO *bio = BIO_new_mem_buf(pem, (int)pem_bytes);
	if (bio == NULL)
		return sou_err_set(err, SOU_ENOMEM, "tls: no memory");
	EVP_PKEY *key = PEM_read_bio_PrivateKey(bio, NULL, on_passphrase, NULL);
	BIO_free(bio);
	return new_of(out, key, err);
}

void soud_tls_free(struct soud_tls *tls)
{
	if (tls == NULL || --tls->refs > 0)
		return;
	SSL_CTX_free(tls->ctx);
	BIO_meth_free(tls->bio);
	free(tls);
}

struct sou_hash soud_tls_spki(const struct soud_tls *tls)
{
	return tls->spki;
}

struct sou_hash soud_tls_spki_of(const struct sou_hash *public_key)
{
	/* RFC 8410 section 4: SEQUENCE { SEQUENCE { 1.3.101.112 } BIT STRING } */
	uint8_t der[44] = {0x30, 0x2a, 0x30, 0x05, 0x06, 0x03, 0x2b, 0x65, 0x70, 0x03, 0x21, 0x00};
	memcpy(der + 12, public_key->b, sizeof public_key->b);
	return sou_sha256(der, sizeof der);
}

/* ---- One connection ---- */

int soud_tls_conn_new(struct soud_tls_conn *conn, struct soud_tls *tls, bool outgoing,
		      const struct sou_hash *pin, const struct soud_net_limits *limits,
		      struct soud_tls_stage *stage)
{
	SOU_ASSERT(conn->ssl == NULL);
	ERR_clear_error();
	BIO *bio = BIO_new(tls->bio);
	SSL *ssl = SSL_new(tls->ctx);
	if (bio == NULL || ssl == NULL) {
		BIO_free(bio);
		SSL_free(ssl);
		return SOU_ENOMEM;
	}
	*conn = (struct soud_tls_conn){
		.tls = tls,
		.ssl = ssl,
		.stage = stage,
		.handshake_bytes_left = limits->handshake_bytes_max,
		.post_handshake_left = limits->post_handshake_max,
		.rekey_records_left = limits->rekey_records_max,
		.rekey_records_max = limits->rekey_records_max,
	};
	if (pin != NULL)
		conn->pin = *pin;
	tls->refs++;
	BIO_set_data(bio, conn);
	SSL_set_bio(ssl, bio, bio);
	if (outgoing)
		SSL_set_connect_state(ssl);
	else
		SSL_set_accept_state(ssl);
	return SOU_OK;
}

void soud_tls_conn_free(struct soud_tls_conn *conn)
{
	SSL_free(conn->ssl);
	soud_tls_free(conn->tls);
	conn->ssl = NULL;
	conn->tls = NULL;
}

/* The first error of the queue is the cause; its text lives in the library. */
static const char *reason(void)
{
	const char *text = ERR_reason_error_string(ERR_get_error());
	ERR_clear_error();
	return text != NULL ? text : "";
}

static int failed(struct soud_tls_conn *conn, const char **detail)
{
	conn->broken = true;
	*detail = reason();
	if (conn->pin_wrong)
		return SOU_EDENIED;
	if (!conn->over)
		return SOU_EPROTO;
	*detail = conn->done ? "too many messages of TLS itself"
			     : "too many bytes before a key was shown";
	return SOU_ELIMIT;
}

/* The verify result is "good" also where no certificate was shown, and ALPN may be missing in an
 * answer: both are looked at here, and the pin once more. */
static bool is_mutual(struct soud_tls_conn *conn)
{
	const unsigned char *alpn;
	unsigned int alpn_bytes;
	SSL_get0_alpn_selected(conn->ssl, &alpn, &alpn_bytes);
	if (alpn_bytes != ALPN[0] || memcmp(alpn, ALPN + 1, alpn_bytes) != 0)
		return false;
	X509 *cert = SSL_get0_peer_certificate(conn->ssl);
	if (cert == NULL || SSL_get_verify_result(conn->ssl) != X509_V_OK ||
	    SSL_session_reused(conn->ssl) || spki_hash(cert, &conn->spki) != SOU_OK)
		return false;
	conn->pin_wrong = !sou_hash_is_zero(&conn->pin) && !sou_hash_eq(&conn->pin, &conn->spki);
	return !conn->pin_wrong;
}

int soud_tls_conn_handshake(struct soud_tls_conn *conn, const char **detail)
{
	SOU_ASSERT(!conn->done);
	*detail = "";
	ERR_clear_error();
	int rc = SSL_do_handshake(conn->ssl);
	if (rc != 1)
		return SSL_get_error(conn->ssl, rc) == SSL_ERROR_WANT_READ ? SOU_EAGAIN
									   : failed(conn, detail);
	if (!is_mutual(conn))
		return failed(conn, detail);
	conn->done = true;
	return SOU_OK;
}

int soud_tls_conn_read(struct soud_tls_conn *conn, uint8_t *to, size_t to_bytes, size_t *got,
		       const char **detail)
{
	SOU_ASSERT(conn->done);
	*detail = "";
	ERR_clear_error();
	int rc = SSL_read_ex(conn->ssl, to, to_bytes, got);
	if (rc == 1)
		return SOU_OK;
	int error = SSL_get_error(conn->ssl, rc);
	if (error == SSL_ERROR_WANT_READ)
		return SOU_EAGAIN;
	if (error == SSL_ERROR_ZERO_RETURN)
		return SOU_ESTATE;
	return failed(conn, detail);
}

int soud_tls_conn_write(struct soud_tls_conn *conn, const uint8_t *from, size_t from_bytes,
			size_t *took, const char **detail)
{
	SOU_ASSERT(conn->done);
	SOU_ASSERT(from_bytes > 0);
	*detail = "";
	ERR_clear_error();
	if (from_bytes > SOUD_TLS_RECORD_BYTES_MAX)
		from_bytes = SOUD_TLS_RECORD_BYTES_MAX;
	if (conn->rekey_records_left == 0) {
		if (SSL_key_update(conn->ssl, SSL_KEY_UPDATE_NOT_REQUESTED) != 1)
			return failed(conn, detail);
		conn->rekey_records_left = conn->rekey_records_max;
	}
	if (SSL_write_ex(conn->ssl, from, from_bytes, took) != 1)
		return failed(conn, detail);
	conn->rekey_records_left--;
	return SOU_OK;
}

void soud_tls_conn_bye(struct soud_tls_conn *conn)
{
	if (conn->ssl == NULL || !conn->done || conn->broken)
		return;
	ERR_clear_error();
	SSL_shutdown(conn->ssl);
	ERR_clear_error();
}

bool soud_tls_conn_in_record(const struct soud_tls_conn *conn)
{
	return conn->ssl != NULL && SSL_has_pending(conn->ssl) == 1;
}

int soud_tls_conn_exporter(const struct soud_tls_conn *conn, uint8_t out[SOUD_TLS_EXPORTER_BYTES])
{
	if (!conn->done)
		return SOU_ESTATE;
	ERR_clear_error();
	if (SSL_export_keying_material(conn->ssl, out, SOUD_TLS_EXPORTER_BYTES, EXPORTER,
				       sizeof EXPORTER - 1, NULL, 0, 0) != 1)
		return SOU_ECRYPTO;
	return SOU_OK;
}

void soud_tls_conn_facts(const struct soud_tls_conn *conn, struct soud_tls_facts *out)
{
	const unsigned char *alpn;
	unsigned int alpn_bytes;
	SSL_get0_alpn_selected(conn->ssl, &alpn, &alpn_bytes);
	*out = (struct soud_tls_facts){
		.version = SSL_get_version(conn->ssl),
		.group = OBJ_nid2sn((int)SSL_get_negotiated_group(conn->ssl)),
		.suite = SSL_get_cipher_name(conn->ssl),
		.alpn = alpn_bytes == ALPN[0] ? SOU_ALPN : "",
		.resumed = SSL_session_reused(conn->ssl) == 1,
	};
}
