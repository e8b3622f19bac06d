/* count.c - counts for metrics: the work goes with what is counted, never with the log. */
#include "daemon/store/sqlite/db.h"

_Static_assert(SOU_VERDICT_NONE < SOUD_VERDICT_KINDS, "each has its place");

int soud_store_verdict_counts(struct soud_store *s, uint64_t held[SOUD_VERDICT_KINDS])
{
	uint64_t counts[SOUD_VERDICT_KINDS] = {0};
	sqlite3_stmt *statement = store_statement(s, STORE_COUNT_HELD);
	if (statement == NULL)
		return store_why(s);
	int rc;
	while ((rc = store_row(s, statement, "log")) == SOU_OK) {
		int64_t verdict = sqlite3_column_int64(statement, 0);
		if (verdict > 0 && verdict < SOUD_VERDICT_KINDS)
			counts[verdict] = (uint64_t)sqlite3_column_int64(statement, 1);
	}
	if (rc != SOU_EUNKNOWN)
		return rc;
	for (size_t i = 0; i < SOUD_VERDICT_KINDS; i++)
		held[i] = counts[i];
	return SOU_OK;
}

int soud_store_later_count(struct soud_store *s, uint32_t scope, uint64_t after, uint64_t peer,
			   uint64_t max, uint64_t *out)
{
	sqlite3_stmt *statement = store_statement(s, STORE_COUNT_LATER);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, store_key(scope, after));
	sqlite3_bind_int64(statement, 2, store_key(scope, SOUD_ARRIVAL_MAX));
	sqlite3_bind_int64(statement, 3, (int64_t)peer);
	sqlite3_bind_int64(statement, 4, (int64_t)max);
	return store_number(s, statement, 0, out, "log");
}

int soud_store_own_first(struct soud_store *s, uint32_t scope, uint64_t after, int64_t *received_ms)
{
	sqlite3_stmt *statement = store_statement(s, STORE_COUNT_OWN_FIRST);
	if (statement == NULL)
		return store_why(s);
	sqlite3_bind_int64(statement, 1, store_key(scope, after));
	sqlite3_bind_int64(statement, 2, store_key(scope, SOUD_ARRIVAL_MAX));
	uint64_t ms = 0;
	int rc = store_number(s, statement, UINT64_MAX, &ms, "log");
	if (rc == SOU_OK && ms == UINT64_MAX)
		return SOU_EUNKNOWN;
	if (rc == SOU_OK)
		*received_ms = (int64_t)ms;
	return rc;
}
