/* memvfs.c - files with two contents: what a reader sees, and what the disk has for certain. */
#include "tests/lib/memvfs.h"

#include <sqlite3.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/error.h"

#define NAME_BYTES 128u
#define SHM_SLOTS  8

struct node { /* a file */
	char name[NAME_BYTES];
	uint8_t *now, *disk; /* both of `cap` bytes */
	uint8_t *dirty;      /* one byte a sector: 1 written since the sync, or CUT_OFF */
	size_t size, disk_size, cap;
	unsigned refs;
	bool gone; /* deleted while open */
	/* locks of rollback mode */
	unsigned shared;
	bool reserved, pending, exclusive;
	/* shared memory of WAL mode */
	uint8_t **regions;
	int region_count;
	unsigned shm_shared[SHM_SLOTS];
	bool shm_exclusive[SHM_SLOTS];
	unsigned shm_users;
	struct node *next;
};

struct memvfs {
	sqlite3_vfs vfs;
	char name[NAME_BYTES];
	struct node *files;
	bool off;
	unsigned fail_calls;
	uint64_t fail_at, calls;
	bool fail_forever, failed;
};

#define CUT_OFF 2u /* since the sync, by a truncation */

struct handle { /* an open file: SQLite allocates it */
	sqlite3_file base;
	struct memvfs *vfs;
	struct node *node;
	int lock;
	uint16_t shm_shared, shm_exclusive; /* slots that this handle holds */
	bool shm, delete_on_close;
};

struct memvfs_image {
	struct node *files; /* only name, now, size */
};

/* --- files --- */

static struct node *find(const struct memvfs *v, const char *name)
{
	for (struct node *n = v->files; n != NULL; n = n->next)
		if (!n->gone && strcmp(n->name, name) == 0)
			return n;
	return NULL;
}

static bool grow(struct node *n, size_t size)
{
	if (size <= n->cap)
		return true;
	size_t cap = n->cap == 0 ? 65536 : n->cap;
	while (cap < size)
		cap *= 2;
	uint8_t *now = realloc(n->now, cap);
	if (now != NULL)
		n->now = now;
	uint8_t *disk = realloc(n->disk, cap);
	if (disk != NULL)
		n->disk = disk;
	uint8_t *dirty = realloc(n->dirty, cap / MEMVFS_SECTOR_BYTES);
	if (dirty != NULL)
		n->dirty = dirty;
	if (now == NULL || disk == NULL || dirty == NULL)
		return false;
	memset(n->now + n->cap, 0, cap - n->cap);
	memset(n->disk + n->cap, 0, cap - n->cap);
	memset(n->dirty + n->cap / MEMVFS_SECTOR_BYTES, 0, (cap - n->cap) / MEMVFS_SECTOR_BYTES);
	n->cap = cap;
	return true;
}

static struct node *make(struct memvfs *v, const char *name)
{
	struct node *n = calloc(1, sizeof *n);
	if (n == NULL)
		return NULL;
	(void)snprintf(n->name, sizeof n->name, "%s", name);
	n->next = v->files;
	v->files = n;
	return n;
}

static void drop_shm(struct node *n)
{
	for (int i = 0; i < n->region_count; i++)
		free(n->regions[i]);
	free(n->regions);
	n->regions = NULL;
	n->region_count = 0;
}

static void node_free(struct node *n)
{
	drop_shm(n);
	free(n->now);
	free(n->disk);
	free(n->dirty);
	free(n);
}

static void sweep(struct memvfs *v)
{
	for (struct node **at = &v->files; *at != NULL;) {
		struct node *n = *at;
		if (n->gone && n->refs == 0) {
			*at = n->next;
			node_free(n);
		} else {
			at = &n->next;
		}
	}
}

/* --- faults --- */

static bool fails(struct memvfs *v, unsigned call)
{
	if ((v->fail_calls & call) == 0)
		return false;
	v->calls++;
	bool hit = v->fail_at != 0 &&
		   (v->calls == v->fail_at || (v->fail_forever && v->calls > v->fail_at));
	v->failed |= hit;
	return hit;
}

/* --- methods of a file --- */

static int file_close(sqlite3_file *f)
{
	struct handle *h = (struct handle *)f;
	h->node->refs--;
	if (h->delete_on_close)
		h->node->gone = true;
	sweep(h->vfs);
	return SQLITE_OK;
}

static int file_read(sqlite3_file *f, void *out, int amount, sqlite3_int64 offset)
{
	struct handle *h = (struct handle *)f;
	if (h->vfs->off || fails(h->vfs, MEMVFS_READ))
		return SQLITE_IOERR_READ;
	size_t at = (size_t)offset, want = (size_t)amount, size = h->node->size;
	size_t have = at < size ? size - at : 0;
	if (have > want)
		have = want;
	if (have > 0)
		memcpy(out, h->node->now + at, have);
	if (have == want)
		return SQLITE_OK;
	memset((uint8_t *)out + have, 0, want - have);
	return SQLITE_IOERR_SHORT_READ;
}

static int put(struct node *n, const void *bytes, size_t amount, size_t at)
{
	if (!grow(n, at + amount + MEMVFS_SECTOR_BYTES))
		return SQLITE_FULL;
	memcpy(n->now + at, bytes, amount);
	for (size_t s = at / MEMVFS_SECTOR_BYTES; s <= (at + amount - 1) / MEMVFS_SECTOR_BYTES; s++)
		n->dirty[s] = 1;
	if (at + amount > n->size)
		n->size = at + amount;
	return SQLITE_OK;
}

static int file_write(sqlite3_file *f, const void *bytes, int amount, sqlite3_int64 offset)
{
	struct handle *h = (struct handle *)f;
	if (h->vfs->off || fails(h->vfs, MEMVFS_WRITE))
		return SQLITE_IOERR_WRITE;
	if (fails(h->vfs, MEMVFS_FULL))
		return SQLITE_FULL;
	if (fails(h->vfs, MEMVFS_SHORT_WRITE)) {
		if (amount > 1)
			(void)put(h->node, bytes, (size_t)amount / 2, (size_t)offset);
		return SQLITE_IOERR_WRITE;
	}
	return amount == 0 ? SQLITE_OK : put(h->node, bytes, (size_t)amount, (size_t)offset);
}

static int file_truncate(sqlite3_file *f, sqlite3_int64 size)
{
	struct handle *h = (struct handle *)f;
	struct node *n = h->node;
	if (h->vfs->off || fails(h->vfs, MEMVFS_TRUNCATE))
		return SQLITE_IOERR_TRUNCATE;
	if ((size_t)size < n->size) {
		memset(n->now + size, 0, n->size - (size_t)size);
		size_t first = (size_t)size / MEMVFS_SECTOR_BYTES;
		for (size_t s = first; s <= (n->size - 1) / MEMVFS_SECTOR_BYTES; s++)
			if (s > first || (size_t)size % MEMVFS_SECTOR_BYTES == 0 ||
			    n->dirty[s] == 0)
				n->dirty[s] = CUT_OFF;
	} else if (!grow(n, (size_t)size + MEMVFS_SECTOR_BYTES)) {
		return SQLITE_FULL;
	}
	n->size = (size_t)size;
	return SQLITE_OK;
}

static void settle(struct node *n)
{
	for (size_t s = 0; s < n->cap / MEMVFS_SECTOR_BYTES; s++) {
		if (n->dirty[s] == 0)
			continue;
		memcpy(n->disk + s * MEMVFS_SECTOR_BYTES, n->now + s * MEMVFS_SECTOR_BYTES,
		       MEMVFS_SECTOR_BYTES);
		n->dirty[s] = 0;
	}
	n->disk_size = n->size;
}

static int file_sync(sqlite3_file *f, int flags)
{
	(void)flags;
	struct handle *h = (struct handle *)f;
	if (h->vfs->off || fails(h->vfs, MEMVFS_SYNC))
		return SQLITE_IOERR_FSYNC;
	settle(h->node);
	return SQLITE_OK;
}

static int file_size(sqlite3_file *f, sqlite3_int64 *size)
{
	struct handle *h = (struct handle *)f;
	if (h->vfs->off)
		return SQLITE_IOERR_FSTAT;
	*size = (sqlite3_int64)h->node->size;
	return SQLITE_OK;
}

static int file_lock(sqlite3_file *f, int want)
{
	struct handle *h = (struct handle *)f;
	struct node *n = h->node;
	if (h->lock >= want)
		return SQLITE_OK;
	if (want == SQLITE_LOCK_SHARED) {
		if (n->pending || n->exclusive)
			return SQLITE_BUSY;
		n->shared++;
	} else if (want == SQLITE_LOCK_RESERVED) {
		if (n->reserved || n->pending || n->exclusive)
			return SQLITE_BUSY;
		n->reserved = true;
	} else {
		if ((n->pending || n->exclusive) && h->lock < SQLITE_LOCK_PENDING)
			return SQLITE_BUSY;
		n->pending = true;
		h->lock = SQLITE_LOCK_PENDING;
		if (n->shared > 1)
			return SQLITE_BUSY;
		n->exclusive = true;
	}
	h->lock = want;
	return SQLITE_OK;
}

static int file_unlock(sqlite3_file *f, int to)
{
	struct handle *h = (struct handle *)f;
	struct node *n = h->node;
	if (h->lock <= to)
		return SQLITE_OK;
	if (h->lock >= SQLITE_LOCK_EXCLUSIVE)
		n->exclusive = false;
	if (h->lock >= SQLITE_LOCK_PENDING)
		n->pending = false;
	if (h->lock >= SQLITE_LOCK_RESERVED)
		n->reserved = false;
	if (to == SQLITE_LOCK_NONE && n->shared > 0)
		n->shared--;
	h->lock = to;
	return SQLITE_OK;
}

static int file_check_reserved(sqlite3_file *f, int *out)
{
	struct handle *h = (struct handle *)f;
	*out = h->node->reserved || h->node->pending || h->node->exclusive;
	return SQLITE_OK;
}

static int file_control(sqlite3_file *f, int op, void *arg)
{
	(void)f;
	(void)op;
	(void)arg;
	return SQLITE_NOTFOUND;
}

static int file_sector_size(sqlite3_file *f)
{
	(void)f;
	return (int)MEMVFS_SECTOR_BYTES;
}

static int file_characteristics(sqlite3_file *f)
{
	(void)f;
	return 0;
}

/* --- shared memory --- */

static int shm_map(sqlite3_file *f, int region, int bytes, int extend, void volatile **out)
{
	struct handle *h = (struct handle *)f;
	struct node *n = h->node;
	*out = NULL;
	if (h->vfs->off)
		return SQLITE_IOERR_SHMMAP;
	if (!h->shm) {
		h->shm = true;
		n->shm_users++;
	}
	while (n->region_count <= region) {
		if (!extend)
			return SQLITE_OK;
		uint8_t **v = realloc(n->regions, (size_t)(n->region_count + 1) * sizeof *v);
		if (v == NULL)
			return SQLITE_NOMEM;
		n->regions = v;
		n->regions[n->region_count] = calloc(1, (size_t)bytes);
		if (n->regions[n->region_count] == NULL)
			return SQLITE_NOMEM;
		n->region_count++;
	}
	*out = n->regions[region];
	return SQLITE_OK;
}

static int shm_unlock(struct handle *h, int first, int count)
{
	for (int i = first; i < first + count; i++) {
		uint16_t bit = (uint16_t)(1u << i);
		if ((h->shm_exclusive & bit) != 0)
			h->node->shm_exclusive[i] = false;
		if ((h->shm_shared & bit) != 0)
			h->node->shm_shared[i]--;
		h->shm_exclusive &= (uint16_t)~bit;
		h->shm_shared &= (uint16_t)~bit;
	}
	return SQLITE_OK;
}

static int shm_lock(sqlite3_file *f, int first, int count, int flags)
{
	struct handle *h = (struct handle *)f;
	struct node *n = h->node;
	if ((flags & SQLITE_SHM_UNLOCK) != 0)
		return shm_unlock(h, first, count);
	bool exclusive = (flags & SQLITE_SHM_EXCLUSIVE) != 0;
	for (int i = first; i < first + count; i++) {
		bool mine = (h->shm_shared & (1u << i)) != 0;
		if (n->shm_exclusive[i] || (exclusive && n->shm_shared[i] > (mine ? 1u : 0u)))
			return SQLITE_BUSY;
	}
	for (int i = first; i < first + count; i++) {
		uint16_t bit = (uint16_t)(1u << i);
		if (exclusive) {
			n->shm_exclusive[i] = true;
			h->shm_exclusive |= bit;
		} else if ((h->shm_shared & bit) == 0) {
			n->shm_shared[i]++;
			h->shm_shared |= bit;
		}
	}
	return SQLITE_OK;
}

static void shm_barrier(sqlite3_file *f)
{
	(void)f;
}

static int shm_unmap(sqlite3_file *f, int delete_it)
{
	struct handle *h = (struct handle *)f;
	(void)delete_it;
	if (!h->shm)
		return SQLITE_OK;
	(void)shm_unlock(h, 0, SHM_SLOTS);
	h->shm = false;
	if (--h->node->shm_users == 0)
		drop_shm(h->node);
	return SQLITE_OK;
}

static const sqlite3_io_methods methods = {
	.iVersion = 2,
	.xClose = file_close,
	.xRead = file_read,
	.xWrite = file_write,
	.xTruncate = file_truncate,
	.xSync = file_sync,
	.xFileSize = file_size,
	.xLock = file_lock,
	.xUnlock = file_unlock,
	.xCheckReservedLock = file_check_reserved,
	.xFileControl = file_control,
	.xSectorSize = file_sector_size,
	.xDeviceCharacteristics = file_characteristics,
	.xShmMap = shm_map,
	.xShmLock = shm_lock,
	.xShmBarrier = shm_barrier,
	.xShmUnmap = shm_unmap,
};

/* --- methods of the VFS --- */

static int vfs_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *f, int flags, int *out_flags)
{
	struct memvfs *v = vfs->pAppData;
	struct handle *h = (struct handle *)f;
	memset(h, 0, sizeof *h);
	static unsigned temporary;
	char own[NAME_BYTES];
	if (v->off || fails(v, MEMVFS_OPEN))
		return SQLITE_CANTOPEN;
	if (name == NULL) {
		(void)snprintf(own, sizeof own, "temporary-%u", temporary++);
		name = own;
		h->delete_on_close = true;
	}
	struct node *n = find(v, name);
	if (n == NULL && (flags & SQLITE_OPEN_CREATE) == 0)
		return SQLITE_CANTOPEN;
	if (n == NULL)
		n = make(v, name);
	if (n == NULL)
		return SQLITE_NOMEM;
	n->refs++;
	h->vfs = v;
	h->node = n;
	h->delete_on_close |= (flags & SQLITE_OPEN_DELETEONCLOSE) != 0;
	h->base.pMethods = &methods;
	if (out_flags != NULL)
		*out_flags = flags;
	return SQLITE_OK;
}

static int vfs_delete(sqlite3_vfs *vfs, const char *name, int sync)
{
	(void)sync;
	struct memvfs *v = vfs->pAppData;
	struct node *n = find(v, name);
	if (v->off)
		return SQLITE_IOERR_DELETE;
	if (n == NULL)
		return SQLITE_IOERR_DELETE_NOENT;
	n->gone = true;
	sweep(v);
	return SQLITE_OK;
}

static int vfs_access(sqlite3_vfs *vfs, const char *name, int flags, int *out)
{
	(void)flags;
	struct memvfs *v = vfs->pAppData;
	struct node *n = find(v, name);
	if (v->off)
		return SQLITE_IOERR_ACCESS;
	*out = n != NULL;
	return SQLITE_OK;
}

static int vfs_full_path(sqlite3_vfs *vfs, const char *name, int bytes, char *out)
{
	(void)vfs;
	int n = snprintf(out, (size_t)bytes, "%s", name);
	return n < bytes ? SQLITE_OK : SQLITE_CANTOPEN;
}

static int vfs_randomness(sqlite3_vfs *vfs, int bytes, char *out)
{
	(void)vfs;
	memset(out, 0x2b, (size_t)bytes); /* a run must be the same each time */
	return bytes;
}

static int vfs_sleep(sqlite3_vfs *vfs, int us)
{
	(void)vfs;
	return us;
}

static int vfs_current_time(sqlite3_vfs *vfs, double *out)
{
	(void)vfs;
	*out = 2460189.0;
	return SQLITE_OK;
}

static int vfs_last_error(sqlite3_vfs *vfs, int bytes, char *out)
{
	(void)vfs;
	if (bytes > 0)
		out[0] = '\0';
	return 0;
}

int memvfs_new(struct memvfs **out, const char *name)
{
	if (sqlite3_vfs_find(name) != NULL)
		return SOU_EEXIST;
	struct memvfs *v = calloc(1, sizeof *v);
	if (v == NULL)
		return SOU_ENOMEM;
	(void)snprintf(v->name, sizeof v->name, "%s", name);
	v->vfs = (sqlite3_vfs){.iVersion = 1,
			       .szOsFile = sizeof(struct handle),
			       .mxPathname = NAME_BYTES - 1,
			       .zName = v->name,
			       .pAppData = v,
			       .xOpen = vfs_open,
			       .xDelete = vfs_delete,
			       .xAccess = vfs_access,
			       .xFullPathname = vfs_full_path,
			       .xRandomness = vfs_randomness,
			       .xSleep = vfs_sleep,
			       .xCurrentTime = vfs_current_time,
			       .xGetLastError = vfs_last_error};
	if (sqlite3_vfs_register(&v->vfs, 0) != SQLITE_OK) {
		free(v);
		return SOU_ENOMEM;
	}
	*out = v;
	return SOU_OK;
}

void memvfs_free(struct memvfs *v)
{
	if (v == NULL)
		return;
	(void)sqlite3_vfs_unregister(&v->vfs);
	while (v->files != NULL) {
		struct node *n = v->files;
		SOU_ASSERT(n->refs == 0);
		v->files = n->next;
		node_free(n);
	}
	free(v);
}

/* --- power --- */

static uint64_t draw(uint64_t *s)
{
	uint64_t z = (*s += UINT64_C(0x9e3779b97f4a7c15));
	z = (z ^ (z >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
	z = (z ^ (z >> 27)) * UINT64_C(0x94d049bb133111eb);
	return z ^ (z >> 31);
}

static void lose(struct node *n, uint64_t *s, uint32_t damage)
{
	/* A length that was not synced is the old one or the new: what was cut off is never zeros
	 * between old bytes. */
	bool back = n->size != n->disk_size && draw(s) % 1000 < damage;
	for (size_t i = 0; i < n->cap / MEMVFS_SECTOR_BYTES; i++) {
		size_t at = i * MEMVFS_SECTOR_BYTES;
		if (n->dirty[i] == CUT_OFF && back)
			memcpy(n->now + at, n->disk + at, MEMVFS_SECTOR_BYTES);
		if (n->dirty[i] != 1 || draw(s) % 1000 >= damage)
			continue;
		size_t kept =
			draw(s) % 4 == 0 ? draw(s) % MEMVFS_SECTOR_BYTES : 0; /* torn, or lost */
		memcpy(n->now + at + kept, n->disk + at + kept, MEMVFS_SECTOR_BYTES - kept);
	}
	if (back)
		n->size = n->disk_size;
}

void memvfs_crash(struct memvfs *v, uint64_t seed, uint32_t damage)
{
	uint64_t s = seed;
	v->off = true;
	for (struct node *n = v->files; n != NULL; n = n->next)
		if (damage > 0)
			lose(n, &s, damage);
}

void memvfs_power_on(struct memvfs *v)
{
	for (struct node *n = v->files; n != NULL; n = n->next) {
		SOU_ASSERT(n->refs == 0); /* close the connections first */
		n->shared = 0;
		n->reserved = n->pending = n->exclusive = false;
		memset(n->shm_shared, 0, sizeof n->shm_shared);
		memset(n->shm_exclusive, 0, sizeof n->shm_exclusive);
		n->shm_users = 0;
		drop_shm(n);
		if (n->cap > 0)
			settle(n);
	}
	v->off = false;
}

static bool copy_into(struct node *n, const uint8_t *bytes, size_t size)
{
	if (!grow(n, size + MEMVFS_SECTOR_BYTES))
		return false;
	memset(n->now, 0, n->cap);
	if (size > 0)
		memcpy(n->now, bytes, size);
	n->size = size;
	memset(n->dirty, 1, n->cap / MEMVFS_SECTOR_BYTES);
	settle(n);
	return true;
}

struct memvfs_image *memvfs_image(const struct memvfs *v)
{
	struct memvfs_image *image = calloc(1, sizeof *image);
	for (const struct node *n = v->files; n != NULL && image != NULL; n = n->next) {
		struct node *copy = n->gone ? NULL : calloc(1, sizeof *copy);
		if (copy == NULL)
			continue;
		memcpy(copy->name, n->name, sizeof copy->name);
		SOU_ASSERT(copy_into(copy, n->now, n->size));
		copy->next = image->files;
		image->files = copy;
	}
	return image;
}

void memvfs_restore(struct memvfs *v, const struct memvfs_image *image)
{
	for (struct node *n = v->files; n != NULL; n = n->next)
		n->gone = true;
	sweep(v);
	for (const struct node *n = image->files; n != NULL; n = n->next) {
		struct node *copy = make(v, n->name);
		SOU_ASSERT(copy != NULL && copy_into(copy, n->now, n->size));
	}
}

void memvfs_image_free(struct memvfs_image *image)
{
	if (image == NULL)
		return;
	while (image->files != NULL) {
		struct node *n = image->files;
		image->files = n->next;
		node_free(n);
	}
	free(image);
}

void memvfs_fail(struct memvfs *v, unsigned calls, uint64_t nth, bool forever)
{
	v->fail_calls = calls;
	v->fail_at = nth;
	v->fail_forever = forever;
	v->calls = 0;
	v->failed = false;
}

uint64_t memvfs_calls(const struct memvfs *v)
{
	return v->calls;
}

bool memvfs_failed(const struct memvfs *v)
{
	return v->failed;
}

uint8_t *memvfs_bytes(struct memvfs *v, const char *name, size_t *n)
{
	struct node *node = find(v, name);
	if (node == NULL)
		return NULL;
	*n = node->size;
	return node->now;
}
