/* w4_floor.c - the floor of W4: the same bytes into a plain log and a register, as somebody would
 * write it who trusts everybody: no hash, no signature, no verdict, no merge. */
#include <sqlite3.h>
#include <stdlib.h>

#include "tests/bench/crowd.h"

struct floor {
	sqlite3 *db;
	sqlite3_stmt *begin, *commit, *log, *reg;
};

static void check(struct floor *f, int code, const char *what)
{
	if (code != SQLITE_OK && code != SQLITE_DONE)
		crowd_die(what, sqlite3_errmsg(f->db));
}

static void run(struct floor *f, sqlite3_stmt *statement)
{
	check(f, sqlite3_step(statement), "floor");
	check(f, sqlite3_reset(statement), "floor");
}

static void open_floor(struct floor *f, const char *path)
{
	crowd_remove(path);
	check(f, sqlite3_open(path, &f->db), "floor");
	check(f,
	      sqlite3_exec(f->db,
			   "PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;"
			   "PRAGMA wal_autocheckpoint = 0; PRAGMA cache_size = -65536;"
			   "CREATE TABLE log (key INTEGER PRIMARY KEY, id BLOB, header BLOB,"
			   " payload BLOB, sig BLOB) STRICT;"
			   "CREATE TABLE register (entity BLOB NOT NULL, field INTEGER NOT NULL,"
			   " hlc INTEGER NOT NULL, version BLOB NOT NULL, value BLOB,"
			   " PRIMARY KEY (entity, field)) STRICT;",
			   NULL, NULL, NULL),
	      "floor");
	const struct {
		sqlite3_stmt **statement;
		const char *sql;
	} all[] = {
		{&f->begin, "BEGIN IMMEDIATE"},
		{&f->commit, "COMMIT"},
		{&f->log, "INSERT INTO log (key, id, header, payload, sig)"
			  " VALUES (?1, ?2, ?3, ?4, ?5)"},
		{&f->reg, "INSERT INTO register (entity, field, hlc, version, value)"
			  " VALUES (?1, 1, ?2, ?3, ?4) ON CONFLICT (entity, field) DO UPDATE"
			  " SET hlc = excluded.hlc, version = excluded.version,"
			  " value = excluded.value WHERE excluded.hlc > hlc"},
	};
	for (size_t i = 0; i < sizeof all / sizeof *all; i++)
		check(f, sqlite3_prepare_v2(f->db, all[i].sql, -1, all[i].statement, NULL),
		      "floor");
}

static void put(struct floor *f, const struct crowd_entry *e, uint32_t i)
{
	sqlite3_bind_int64(f->log, 1, (int64_t)(e->author + 1) << 40 | (i + 1));
	sqlite3_bind_blob(f->log, 2, e->id.b, 32, SQLITE_STATIC);
	sqlite3_bind_blob(f->log, 3, e->header.p, (int)e->header.n, SQLITE_STATIC);
	sqlite3_bind_blob(f->log, 4, e->payload.p, (int)e->payload.n, SQLITE_STATIC);
	sqlite3_bind_blob(f->log, 5, e->signature, 64, SQLITE_STATIC);
	run(f, f->log);
	/* The text is nearly all of the payload. */
	sqlite3_bind_blob(f->reg, 1, e->entity.b, 16, SQLITE_STATIC);
	sqlite3_bind_int64(f->reg, 2, i);
	sqlite3_bind_blob(f->reg, 3, e->id.b, 16, SQLITE_STATIC);
	sqlite3_bind_blob(f->reg, 4, e->payload.p, (int)e->payload.n - 80, SQLITE_STATIC);
	run(f, f->reg);
}

struct crowd_cost crowd_floor(const struct crowd *c, const char *path, uint32_t a_commit,
			      uint32_t limit)
{
	struct floor f = {0};
	open_floor(&f, path);
	uint32_t count = c->count < limit ? c->count : limit;
	struct crowd_cost start = {crowd_now_s(), crowd_cpu_s()};
	for (uint32_t i = 0; i < count; i++) {
		if (i % a_commit == 0)
			run(&f, f.begin);
		put(&f, &c->entries[i], i);
		if (i % a_commit == a_commit - 1 || i + 1 == count)
			run(&f, f.commit);
		if (i % 10000 == 9999)
			sqlite3_wal_checkpoint_v2(f.db, NULL, SQLITE_CHECKPOINT_PASSIVE, NULL,
						  NULL);
	}
	struct crowd_cost took = {crowd_now_s() - start.wall_s, crowd_cpu_s() - start.cpu_s};
	sqlite3_finalize(f.begin);
	sqlite3_finalize(f.commit);
	sqlite3_finalize(f.log);
	sqlite3_finalize(f.reg);
	sqlite3_close(f.db);
	crowd_remove(path);
	return took;
}
