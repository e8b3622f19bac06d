/* test_plans.c - no statement of the store walks through a table that grows (R17, R24): SQLite says
 * of each how it would run it. */
#include "daemon/store/sqlite/db.h"
#include "tests/daemon/store/pen.h"

static const struct {
	const char *name, *sql;
} statements[] = {
#define X(name, sql) {#name, sql},
	STORE_STATEMENTS(X)
#undef X
};

/* What goes through all of it, and who asks for that: emptying and dumping derived tables; a look
 * whether there is anything; one count by a writer in its lifetime; feeds and logs of
 * one site, few. */
static bool may_scan(const char *name)
{
	static const char *const all[] = {"FEED_ALL", "TOUCH", "GAP_COUNT", "FEED_OF_SITE",
					  "PEER_OLD"};
	for (size_t i = 0; i < ARRAY_LEN(all); i++)
		if (strcmp(name, all[i]) == 0)
			return true;
	/* COUNT_ goes through an index of held entries, and through its own inner query. */
	return strncmp(name, "CLEAR_", 6) == 0 || strncmp(name, "COUNT_", 6) == 0;
}

/* "ORDER BY number LIMIT 1" on a rowid is told as a scan that ends with its first row. */
static bool ends_at_once(const char *sql, const char *detail)
{
	return strstr(sql, "DESC LIMIT 1") != NULL && strstr(detail, "USING") == NULL;
}

TEST(store, no_statement_scans)
{
	struct pen *p = pen_new();
	pen_close(p);
	sqlite3 *db = NULL;
	unsigned seen = 0;
	REQUIRE("raw",
		sqlite3_open_v2("replica.db", &db, SQLITE_OPEN_READWRITE, "pen") == SQLITE_OK);
	for (size_t i = 0; i < ARRAY_LEN(statements); i++) {
		const char *name = statements[i].name, *sql = statements[i].sql;
		sqlite3_stmt *s = NULL;
		if (strncmp(sql, "PRAGMA", 6) == 0 || strstr(sql, "BEGIN") == sql ||
		    strcmp(sql, "COMMIT") == 0 || strcmp(sql, "ROLLBACK") == 0)
			continue;
		char *explain = sqlite3_mprintf("EXPLAIN QUERY PLAN %s", sql);
		CHECK_INT(name, sqlite3_prepare_v2(db, explain, -1, &s, NULL), ==, SQLITE_OK);
		while (sqlite3_step(s) == SQLITE_ROW) {
			const char *detail = (const char *)sqlite3_column_text(s, 3);
			bool scans = strstr(detail, "SCAN") != NULL && !ends_at_once(sql, detail);
			bool sorts = strstr(detail, "TEMP B-TREE") != NULL;
			CHECK(test_printf("%s: %s", name, detail),
			      (!scans && !sorts) || may_scan(name));
			seen++;
		}
		sqlite3_finalize(s);
		sqlite3_free(explain);
	}
	sqlite3_close(db);
	CHECK_INT("statements with a plan", seen, >=, 20);
}
