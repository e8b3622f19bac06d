/* keys.c - key files through OpenSSL: PKCS#8, encrypted ones with PBES2 and scrypt (R4, R20).
 * Whatever held a secret is wiped before it is given back. */
#include "daemon/keys/keys.h"

#include <errno.h>
#include <openssl/err.h>
#include <openssl/evp.h>
#include <openssl/pem.h>
#include <openssl/pkcs12.h>
#include <openssl/rand.h>
#include <openssl/x509.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/keys/guard.h"
#include "daemon/net/tls.h"

#define KEY_FILE_BYTES_MAX 8192u
#define PATH_BYTES_MAX     4096u

/* scrypt: 16 MiB and some 0.2 s for each guess; the file says so itself, so it may be raised. */
#define SCRYPT_N 16384u
#define SCRYPT_R 8u
#define SCRYPT_P 5u

static const struct {
	const char *path;
	bool encrypted;
} files[] = {
	[SOUD_KEY_SITE] = {"keys/site.pem", false},
	[SOUD_KEY_TLS] = {"keys/tls.pem", false},
	[SOUD_KEY_CHECKPOINT] = {"keys/checkpoint.pem", false},
	[SOUD_KEY_OPERATIONAL] = {"keys/operational.pem", true},
	[SOUD_KEY_ROOT] = {"root-keys/root-%u.pem", true},
};

int soud_key_path(const char *data_dir, enum soud_key which, unsigned index, char *out,
		  size_t bytes)
{
	int n = which == SOUD_KEY_ROOT
			? snprintf(out, bytes, "%s/root-keys/root-%u.pem", data_dir, index)
			: snprintf(out, bytes, "%s/%s", data_dir, files[which].path);
	return n < 0 || (size_t)n >= bytes ? SOU_ELIMIT : SOU_OK;
}

/* Under systemd the site's and the TLS key may be credentials, which only this service can read. */
static bool credential_path(enum soud_key which, char *out, size_t bytes)
{
	const char *dir = getenv("CREDENTIALS_DIRECTORY");
	if (dir == NULL || files[which].encrypted)
		return false;
	int n = snprintf(out, bytes, "%s/%s", dir, files[which].path + sizeof "keys/" - 1);
	struct stat st;
	return n > 0 && (size_t)n < bytes && stat(out, &st) == 0;
}

int soud_key_place(const char *data_dir, enum soud_key which, unsigned index, char *out,
		   size_t bytes)
{
	char path[PATH_BYTES_MAX];
	if (!credential_path(which, path, sizeof path))
		return soud_key_path(data_dir, which, index, out, bytes);
	int n = snprintf(out, bytes, "%s", path);
	return n < 0 || (size_t)n >= bytes ? SOU_ELIMIT : SOU_OK;
}

static int make_folder(const char *data_dir, enum soud_key which, struct sou_err *err)
{
	char path[PATH_BYTES_MAX];
	int n = snprintf(path, sizeof path, "%s/%s", data_dir,
			 which == SOUD_KEY_ROOT ? "root-keys" : "keys");
	if (n < 0 || (size_t)n >= sizeof path)
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", data_dir);
	return soud_guard_dir(path, err);
}

/* The key as PBES2 under scrypt; OpenSSL's own default would be PBKDF2. */
static int encode_encrypted(BIO *bio, PKCS8_PRIV_KEY_INFO *info, struct sou_span passphrase)
{
	uint8_t salt[16];
	if (RAND_bytes(salt, sizeof salt) != 1)
		return SOU_ECRYPTO;
	X509_ALGOR *pbe = PKCS5_pbe2_set_scrypt(EVP_aes_256_cbc(), salt, sizeof salt, NULL,
						SCRYPT_N, SCRYPT_R, SCRYPT_P);
	if (pbe == NULL)
		return SOU_ECRYPTO;
	X509_SIG *sealed = PKCS8_set0_pbe((const char *)passphrase.p, (int)passphrase.n, info, pbe);
	if (sealed == NULL) {
		X509_ALGOR_free(pbe); /* taken over on success alone */
		return SOU_ECRYPTO;
	}
	int good = PEM_write_bio_PKCS8(bio, sealed);
	X509_SIG_free(sealed);
	return good == 1 ? SOU_OK : SOU_ECRYPTO;
}

static int encode(BIO *bio, EVP_PKEY *pkey, struct sou_span passphrase)
{
	PKCS8_PRIV_KEY_INFO *info = EVP_PKEY2PKCS8(pkey);
	if (info == NULL)
		return SOU_ECRYPTO;
	int rc;
	if (passphrase.n > 0)
		rc = encode_encrypted(bio, info, passphrase);
	else
		rc = PEM_write_bio_PKCS8_PRIV_KEY_INFO(bio, info) == 1 ? SOU_OK : SOU_ECRYPTO;
	PKCS8_PRIV_KEY_INFO_free(info);
	return rc;
}

static int check_passphrase(enum soud_key which, struct sou_span passphrase, struct sou_err *err)
{
	if (!files[which].encrypted)
		return passphrase.n == 0
			       ? SOU_OK
			       : sou_err_set(err, SOU_EINPUT, "this key has no passphrase");
	if (passphrase.n < SOUD_PASSPHRASE_BYTES_MIN)
		return sou_err_set(err, SOU_EINPUT, "the passphrase has fewer than %u bytes",
				   SOUD_PASSPHRASE_BYTES_MIN);
	if (passphrase.n > SOUD_PASSPHRASE_BYTES_MAX)
		return sou_err_set(err, SOU_EINPUT, "the passphrase has more than %u bytes",
				   SOUD_PASSPHRASE_BYTES_MAX);
	return SOU_OK;
}

/* pkey NULL: what was read is no key. */
static int signer_of(const char *path, const EVP_PKEY *pkey, struct sou_signer *out,
		     struct sou_err *err)
{
	uint8_t seed[SOU_SEED_BYTES];
	size_t n = sizeof seed;
	int rc;
	if (pkey == NULL || EVP_PKEY_get_id(pkey) != EVP_PKEY_ED25519 ||
	    EVP_PKEY_get_raw_private_key(pkey, seed, &n) != 1 || n != sizeof seed)
		rc = sou_err_set(err, SOU_ECORRUPT, "%s: no Ed25519 key in PKCS#8", path);
	else
		rc = sou_signer_ed25519(out, seed);
	sou_cleanse(seed, sizeof seed);
	return rc;
}

int soud_key_make(const char *data_dir, enum soud_key which, unsigned index,
		  struct sou_span passphrase, struct sou_hash *public_key,
		  struct sou_signer *signer, struct sou_err *err)
{
	char path[PATH_BYTES_MAX];
	int rc = check_passphrase(which, passphrase, err);
	if (rc != SOU_OK)
		return rc;
	if (soud_key_path(data_dir, which, index, path, sizeof path) != SOU_OK)
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", data_dir);
	rc = make_folder(data_dir, which, err);
	if (rc != SOU_OK)
		return rc;

	ERR_clear_error();
	EVP_PKEY *pkey = EVP_PKEY_Q_keygen(NULL, NULL, "ED25519");
	BIO *bio = BIO_new(BIO_s_secmem());
	struct sou_hash key;
	size_t n = sizeof key.b;
	rc = pkey == NULL || bio == NULL ? SOU_ECRYPTO : encode(bio, pkey, passphrase);
	if (rc == SOU_OK &&
	    (EVP_PKEY_get_raw_public_key(pkey, key.b, &n) != 1 || n != sizeof key.b))
		rc = SOU_ECRYPTO;
	if (rc != SOU_OK) {
		(void)sou_err_set(err, rc, "%s: the crypto library cannot make a key", path);
		goto out;
	}
	char *text = NULL;
	long bytes = BIO_get_mem_data(bio, &text);
	struct sou_span span = {(const uint8_t *)text, bytes > 0 ? (size_t)bytes : 0};
	rc = soud_guard_write(path, span, 0400, false, err);
	if (rc == SOU_OK && signer != NULL)
		rc = signer_of(path, pkey, signer, err);
	if (rc == SOU_OK && public_key != NULL)
		*public_key = key;
out:
	BIO_free(bio);
	EVP_PKEY_free(pkey);
	return rc;
}

static int give_passphrase(char *out, int bytes, int writing, void *arg)
{
	const struct sou_span *passphrase = arg;
	(void)writing;
	if (passphrase->n > (size_t)bytes)
		return -1;
	if (passphrase->n > 0)
		memcpy(out, passphrase->p, passphrase->n);
	return (int)passphrase->n;
}

/* The file's bytes, once it is known to be closed to others. */
static int read_file(const char *path, bool credential, struct sou_buf *buf, struct sou_err *err)
{
	struct stat st;
	if (lstat(path, &st) != 0)
		return sou_err_set(err, errno == ENOENT ? SOU_EUNKNOWN : SOU_EIO, "%s: %s", path,
				   strerror(errno));
	if (!credential && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return sou_err_set(err, SOU_EINPUT, "%s: mode %04o is open to others", path,
				   (unsigned)(st.st_mode & 07777));
	return soud_guard_read(path, KEY_FILE_BYTES_MAX, buf, err);
}

static int decode(const char *path, const struct sou_buf *buf, enum soud_key which,
		  struct sou_span passphrase, struct sou_signer *out, struct sou_err *err)
{
	ERR_clear_error();
	BIO *bio = BIO_new_mem_buf(buf->p, (int)buf->n);
	EVP_PKEY *pkey = bio == NULL
				 ? NULL
				 : PEM_read_bio_PrivateKey(bio, NULL, give_passphrase, &passphrase);
	BIO_free(bio);
	int rc;
	if (pkey == NULL && files[which].encrypted)
		rc = sou_err_set(err, SOU_EKEY, "%s: the passphrase does not open it", path);
	else
		rc = signer_of(path, pkey, out, err);
	EVP_PKEY_free(pkey);
	ERR_clear_error();
	return rc;
}

int soud_key_open(const char *data_dir, enum soud_key which, unsigned index,
		  struct sou_span passphrase, struct sou_signer *out, struct sou_err *err)
{
	char path[PATH_BYTES_MAX];
	bool credential = credential_path(which, path, sizeof path);
	if (!credential && soud_key_path(data_dir, which, index, path, sizeof path) != SOU_OK)
		return sou_err_set(err, SOU_ELIMIT, "%s: path is too long", data_dir);
	struct sou_buf buf = {0};
	int rc = read_file(path, credential, &buf, err);
	if (rc == SOU_OK)
		rc = decode(path, &buf, which, passphrase, out, err);
	if (buf.p != NULL)
		sou_cleanse(buf.p, buf.cap);
	sou_buf_fini(&buf);
	return rc;
}

int soud_key_tls_pin(const char *data_dir, struct sou_hash *out, struct sou_err *err)
{
	struct sou_signer signer = {0};
	int rc = soud_key_open(data_dir, SOUD_KEY_TLS, 0, (struct sou_span){NULL, 0}, &signer, err);
	if (rc == SOU_OK)
		*out = soud_tls_spki_of(&signer.public_key);
	sou_signer_fini(&signer);
	return rc;
}
