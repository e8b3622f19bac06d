/* proxy_auth.c - never on a command line, never in the settings themselves, never in a log. */
#include "daemon/keys/proxy_auth.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "daemon/keys/guard.h"
#include "daemon/net/proxy.h"

#define PATH_BYTES_MAX 4096u

int soud_proxy_auth_read(const char *path, struct sou_buf *buf, struct sou_err *err)
{
	char credential[PATH_BYTES_MAX];
	struct stat st;
	bool given = path != NULL && path[0] != '\0';
	if (!given) {
		const char *dir = getenv("CREDENTIALS_DIRECTORY");
		if (dir == NULL ||
		    (size_t)snprintf(credential, sizeof credential, "%s/proxy-auth", dir) >=
			    sizeof credential ||
		    stat(credential, &st) != 0)
			return SOU_OK;
		path = credential;
	}
	if (stat(path, &st) != 0)
		return sou_err_set(err, errno == ENOENT ? SOU_EUNKNOWN : SOU_EIO, "%s: %s", path,
				   strerror(errno));
	if (given && (st.st_mode & (S_IRWXG | S_IRWXO)) != 0)
		return sou_err_set(err, SOU_EINPUT, "%s: mode %04o is open to others", path,
				   (unsigned)(st.st_mode & 07777));
	int rc = soud_guard_read(path, SOUD_PROXY_AUTH_BYTES_MAX + 2, buf, err);
	if (rc != SOU_OK)
		return rc;
	if (buf->n > 0 && buf->p[buf->n - 1] == '\n')
		buf->n--;
	if (buf->n == 0 || memchr(buf->p, '\n', buf->n) != NULL ||
	    memchr(buf->p, ':', buf->n) == NULL)
		return sou_err_set(err, SOU_EINPUT, "%s: holds no single line USER:PASSWORD", path);
	return SOU_OK;
}
