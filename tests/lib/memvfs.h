/* memvfs.h - an SQLite VFS in memory that can lose power (R6, R21, bars.md 3).
 *
 * What was not synced when the power goes may be kept, lost or torn, sector by sector, by a seeded
 * draw; so may the growth of a file. Files, locks and shared memory belong to one VFS object; a
 * world has one a node. One thread. Names of files are taken as they are. */
#ifndef SOU_TESTS_MEMVFS_H
#define SOU_TESTS_MEMVFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#define MEMVFS_SECTOR_BYTES 512u

struct memvfs;
struct memvfs_image; /* a copy of all files at one time */

/* Registered with SQLite under `name` (copied), not as the default. SOU_ENOMEM, SOU_EEXIST. */
int memvfs_new(struct memvfs **out, const char *name);
/* All connections must be closed. NULL is fine. */
void memvfs_free(struct memvfs *vfs);

/* The power goes: every call on open files fails from here on, and of each sector that was written
 * after its file's last sync, damage_per_thousand are lost or torn. damage 0: the process alone
 * dies, the machine keeps what was written. Close the connections, then memvfs_power_on. */
void memvfs_crash(struct memvfs *vfs, uint64_t seed, uint32_t damage_per_thousand);
void memvfs_power_on(struct memvfs *vfs);

/* All files as they are now, synced or not; put back while the power is off. NULL image: frees
 * nothing. */
struct memvfs_image *memvfs_image(const struct memvfs *vfs);
void memvfs_restore(struct memvfs *vfs, const struct memvfs_image *image);
void memvfs_image_free(struct memvfs_image *image);

enum memvfs_call { /* bits */
		   MEMVFS_READ = 1,
		   MEMVFS_WRITE = 2,
		   MEMVFS_SHORT_WRITE = 4, /* half of the bytes are written, then the error */
		   MEMVFS_SYNC = 8,
		   MEMVFS_TRUNCATE = 16,
		   MEMVFS_OPEN = 32,
		   MEMVFS_FULL = 64, /* a write finds no room: SQLITE_FULL */
};
/* Of the calls of these kinds, the nth from now (1: the next) fails; forever: and each one after
 * it. nth 0: none fails. */
void memvfs_fail(struct memvfs *vfs, unsigned calls, uint64_t nth, bool forever);
/* How many calls of these kinds there were since memvfs_fail; and whether one failed. */
uint64_t memvfs_calls(const struct memvfs *vfs);
bool memvfs_failed(const struct memvfs *vfs);

/* Bytes of a file as they are now; NULL: no such file. For tests that turn bits: changes are
 * synced. */
uint8_t *memvfs_bytes(struct memvfs *vfs, const char *name, size_t *n);

#endif
