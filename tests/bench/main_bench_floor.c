/* main_bench_floor.c - what the machine itself gives, for the figures of W3, W4, W5 and W6: one
 * fsync and a bare fan-out over loopback, Ed25519, and OpenSSL alone.
 *
 * usage: bench_floor FILE [LINKS=500]      FILE: on the disk that is measured; removed
 * Figures: fsync_ms (4 KiB appended and synced), fanout_ms (one message to a relay that appends,
 * syncs and passes it to 62 sockets: until the last has it), verify_per_s and sign_per_s (one
 * core), handshakes_per_s (TLS 1.3, both sides show an Ed25519 key; client and server on one core),
 * tls_kib (memory of a server's idle connection, as lean as the library gives it). */
#include <arpa/inet.h>
#include <fcntl.h>
#include <malloc.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <openssl/ssl.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/socket.h>
#include <unistd.h>

#include "proto/crypto.h"
#include "tests/bench/crowd.h"
#include "tests/bench/meter.h"

#define FANOUT    62
#define ROUNDS    200
#define PAGE      4096
#define MESSAGE   1024
#define CHECKS    2000
#define LINKS_MAX 10000

static void need(bool good, const char *what)
{
	if (!good)
		crowd_die("floor", what);
}

/* Over what is there, as a WAL is written that was reset. */
static void append(int fd)
{
	static const char page[PAGE];
	static off_t at;
	need(pwrite(fd, page, sizeof page, at) == sizeof page && fdatasync(fd) == 0, "fsync");
	at = (at + PAGE) % (ROUNDS * PAGE);
}

static void bench_fsync(int fd)
{
	double ms[ROUNDS];
	for (int i = 0; i < ROUNDS; i++)
		append(fd); /* the file is there from here on */
	for (int i = 0; i < ROUNDS; i++) {
		double start = crowd_now_s();
		append(fd);
		ms[i] = (crowd_now_s() - start) * 1e3;
	}
	meter_spread("fsync_ms", ms, ROUNDS);
}

/* --- Fan-out: a relay in a process of its own, 62 sockets here --- */

static void read_all(int fd, char *to, size_t n)
{
	for (size_t got = 0; got < n;) {
		ssize_t more = read(fd, to + got, n - got);
		need(more > 0, "read");
		got += (size_t)more;
	}
}

static void relay(int listener, int disk)
{
	int v[FANOUT];
	char message[MESSAGE];
	for (int i = 0; i < FANOUT; i++)
		need((v[i] = accept(listener, NULL, NULL)) >= 0, "accept");
	for (int round = 0; round < ROUNDS; round++) {
		read_all(v[0], message, sizeof message);
		append(disk);
		for (int i = 0; i < FANOUT; i++)
			need(write(v[i], message, sizeof message) == sizeof message, "write");
	}
	_exit(0);
}

static void fan_out_once(int poll, const int v[FANOUT])
{
	static const char message[MESSAGE];
	size_t got[FANOUT] = {0};
	int whole = 0;
	need(write(v[0], message, sizeof message) == sizeof message, "write");
	while (whole < FANOUT) {
		struct epoll_event ready[FANOUT];
		int n = epoll_wait(poll, ready, FANOUT, 10000);
		need(n > 0, "nothing came");
		for (int i = 0; i < n; i++) {
			char into[MESSAGE];
			uint32_t k = ready[i].data.u32;
			if (got[k] == MESSAGE) /* the end of the relay, after the last round */
				continue;
			ssize_t more = read(v[k], into, sizeof into - got[k]);
			need(more > 0, "read");
			got[k] += (size_t)more;
			whole += got[k] == MESSAGE;
		}
	}
}

static void bench_fan_out(int disk)
{
	struct sockaddr_in at = {.sin_family = AF_INET, .sin_addr = {htonl(INADDR_LOOPBACK)}};
	socklen_t n = sizeof at;
	int listener = socket(AF_INET, SOCK_STREAM, 0), poll = epoll_create1(0), on = 1, v[FANOUT];
	need(bind(listener, (struct sockaddr *)&at, sizeof at) == 0 && listen(listener, 128) == 0 &&
		     getsockname(listener, (struct sockaddr *)&at, &n) == 0,
	     "listen");
	fflush(stdout);
	pid_t child = fork();
	need(child >= 0, "fork");
	if (child == 0)
		relay(listener, disk);
	for (int i = 0; i < FANOUT; i++) {
		struct epoll_event event = {.events = EPOLLIN, .data = {.u32 = (uint32_t)i}};
		v[i] = socket(AF_INET, SOCK_STREAM, 0);
		need(connect(v[i], (struct sockaddr *)&at, sizeof at) == 0 &&
			     setsockopt(v[i], IPPROTO_TCP, TCP_NODELAY, &on, sizeof on) == 0 &&
			     epoll_ctl(poll, EPOLL_CTL_ADD, v[i], &event) == 0,
		     "connect");
	}
	double ms[ROUNDS];
	for (int round = 0; round < ROUNDS; round++) {
		double start = crowd_now_s();
		fan_out_once(poll, v);
		ms[round] = (crowd_now_s() - start) * 1e3;
	}
	for (int i = 0; i < FANOUT; i++)
		close(v[i]);
	close(poll);
	close(listener);
	meter_spread("fanout_ms", ms, ROUNDS);
}

/* --- Ed25519 --- */

static void bench_signatures(void)
{
	static const uint8_t seed[SOU_SEED_BYTES] = {3};
	static const struct sou_id net = {{4}};
	struct sou_signer signer;
	struct sou_hash id = {{5}};
	uint8_t signature[SOU_SIGNATURE_BYTES];
	const struct sou_span message = {id.b, sizeof id.b};
	need(sou_signer_ed25519(&signer, seed) == SOU_OK, "key");
	double start = crowd_cpu_s();
	for (int i = 0; i < CHECKS; i++)
		need(sou_sign(&signer, SOU_CONTEXT_ENTRY, &net, message, signature) == SOU_OK,
		     "sign");
	meter_figure("sign_per_s", CHECKS / (crowd_cpu_s() - start));
	start = crowd_cpu_s();
	for (int i = 0; i < CHECKS; i++)
		need(sou_verify(&sou_verifier_ed25519, SOU_CONTEXT_ENTRY, &net, message,
				&signer.public_key, signature) == SOU_OK,
		     "verify");
	meter_figure("verify_per_s", CHECKS / (crowd_cpu_s() - start));
	sou_signer_fini(&signer);
}

/* --- OpenSSL alone --- */

static int any_certificate(X509_STORE_CTX *store, void *arg)
{
	(void)arg;
	X509_STORE_CTX_set_error(store, X509_V_OK);
	return 1;
}

static SSL_CTX *make_context(uint8_t first)
{
	uint8_t seed[SOU_SEED_BYTES] = {first};
	SSL_CTX *ctx = SSL_CTX_new(TLS_method());
	X509 *cert = X509_new();
	EVP_PKEY *key = EVP_PKEY_new_raw_private_key(EVP_PKEY_ED25519, NULL, seed, sizeof seed);
	need(ctx != NULL && cert != NULL && key != NULL, "context");
	X509_set_version(cert, 2);
	ASN1_INTEGER_set(X509_get_serialNumber(cert), 1);
	X509_gmtime_adj(X509_getm_notBefore(cert), 0);
	X509_gmtime_adj(X509_getm_notAfter(cert), 86400);
	X509_set_pubkey(cert, key);
	need(X509_sign(cert, key, NULL) > 0, "certificate");
	SSL_CTX_set_min_proto_version(ctx, TLS1_3_VERSION);
	SSL_CTX_set_mode(ctx, SSL_MODE_RELEASE_BUFFERS | SSL_MODE_NO_AUTO_CHAIN);
	SSL_CTX_set_num_tickets(ctx, 0);
	SSL_CTX_set_session_cache_mode(ctx, SSL_SESS_CACHE_OFF);
	SSL_CTX_set_ciphersuites(ctx, "TLS_CHACHA20_POLY1305_SHA256");
	SSL_CTX_set_verify(ctx, SSL_VERIFY_PEER | SSL_VERIFY_FAIL_IF_NO_PEER_CERT, NULL);
	SSL_CTX_set_cert_verify_callback(ctx, any_certificate, NULL);
	need(SSL_CTX_use_certificate(ctx, cert) == 1 && SSL_CTX_use_PrivateKey(ctx, key) == 1,
	     "certificate");
	X509_free(cert);
	EVP_PKEY_free(key);
	return ctx;
}

/* Both ends over a pair of memory BIOs; the client's end is freed at once, and so are the BIOs:
 * what stays is what a server holds for an idle link whose bytes somebody else carries. */
static SSL *handshake(SSL_CTX *server_ctx, SSL_CTX *client_ctx)
{
	SSL *server = SSL_new(server_ctx), *client = SSL_new(client_ctx);
	BIO *a = NULL, *b = NULL;
	need(server != NULL && client != NULL && BIO_new_bio_pair(&a, 0, &b, 0) == 1, "ssl");
	SSL_set_bio(server, a, a);
	SSL_set_bio(client, b, b);
	SSL_set_accept_state(server);
	SSL_set_connect_state(client);
	for (int i = 0; i < 16 && !(SSL_is_init_finished(server) && SSL_is_init_finished(client));
	     i++) {
		(void)SSL_do_handshake(client);
		(void)SSL_do_handshake(server);
	}
	char ping[4] = "ping";
	need(SSL_write(client, ping, 4) == 4 && SSL_read(server, ping, 4) == 4, "handshake");
	SSL_set_bio(server, NULL, NULL);
	SSL_free(client);
	return server;
}

static void bench_tls(int links)
{
	SSL_CTX *server_ctx = make_context(6), *client_ctx = make_context(7);
	SSL **v = calloc((size_t)links, sizeof(SSL *));
	need(v != NULL, "memory");
	for (int i = 0; i < links / 10; i++)
		SSL_free(handshake(server_ctx, client_ctx)); /* what is loaded once */
	malloc_trim(0);
	double rss = meter_rss_kib(), start = crowd_cpu_s();
	for (int i = 0; i < links; i++)
		v[i] = handshake(server_ctx, client_ctx);
	double cpu_s = crowd_cpu_s() - start;
	malloc_trim(0);
	meter_figure("tls_kib", (meter_rss_kib() - rss) / links);
	meter_figure("handshakes_per_s", links / cpu_s);
	for (int i = 0; i < links; i++)
		SSL_free(v[i]);
	free(v);
	SSL_CTX_free(server_ctx);
	SSL_CTX_free(client_ctx);
}

int main(int argc, char **argv)
{
	int links = argc > 2 ? (int)strtol(argv[2], NULL, 10) : 500;
	need(argc == 2 || argc == 3, "usage: bench_floor FILE [LINKS]");
	need(links >= 10 && links <= LINKS_MAX, "10 to 10000 links");
	int disk = open(argv[1], O_RDWR | O_CREAT | O_TRUNC, 0600);
	need(disk >= 0, argv[1]);
	bench_fsync(disk);
	bench_fan_out(disk);
	close(disk);
	(void)unlink(argv[1]);
	bench_signatures();
	bench_tls(links);
	return 0;
}
