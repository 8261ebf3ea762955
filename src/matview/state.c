/*
 * state.c
 *	  What is remembered of each materialized view's last refresh.
 *
 * One row a view in perf_optimizer.matview_state, written as the table's owner;
 * the view matview_status reads it.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/clock.h"
#include "core/own.h"
#include "executor/spi.h"
#include "matview/state.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

static const char *const record_sql =
"INSERT INTO perf_optimizer.matview_state AS s "
"(matview, rule_oid, last_refresh, last_mode, last_duration_ms,"
" rows_inserted, rows_updated, rows_deleted, base_changes, base_files) "
"SELECT $1, r.oid, $2, $3, $4, $5, $6, $7, b.changes, b.files "
"FROM pg_catalog.pg_rewrite r, perf_optimizer.matview_base_activity($1) b "
"WHERE r.ev_class OPERATOR(pg_catalog.=) $1 "
"ON CONFLICT (matview) DO UPDATE SET rule_oid = excluded.rule_oid,"
" last_refresh = excluded.last_refresh, last_mode = excluded.last_mode,"
" last_duration_ms = excluded.last_duration_ms, rows_inserted = excluded.rows_inserted,"
" rows_updated = excluded.rows_updated, rows_deleted = excluded.rows_deleted,"
" base_changes = excluded.base_changes, base_files = excluded.base_files";

/* The same for a refresh that found nothing to do: what the tables' counters said at the last one remains good enough. */
static const char *const record_skipped_sql =
"UPDATE perf_optimizer.matview_state SET last_refresh = $2, last_mode = $3, last_duration_ms = $4,"
" rows_inserted = $5, rows_updated = $6, rows_deleted = $7 "
"WHERE matview OPERATOR(pg_catalog.=) $1 AND rule_oid OPERATOR(pg_catalog.=) "
"(SELECT r.oid FROM pg_catalog.pg_rewrite r WHERE r.ev_class OPERATOR(pg_catalog.=) $1)";

static const char *const count_sql =
"UPDATE perf_optimizer.matview_state SET base_changes = b.changes, base_files = b.files "
"FROM perf_optimizer.matview_base_activity($1) b WHERE matview OPERATOR(pg_catalog.=) $1";

/*
 * Records a refresh that has just been done in this transaction.  The caller
 * holds the view's refresh lock, so no other session writes the same row.
 */
void
po_state_record(Oid matview, const PoRefreshResult *result)
{
	Oid			types[7] = {REGCLASSOID, TIMESTAMPTZOID, TEXTOID, FLOAT8OID,
	INT8OID, INT8OID, INT8OID};
	bool		skipped = strcmp(result->mode_used, "skipped") == 0;
	Datum		values[7];
	char		nulls[] = "       ";

	values[0] = ObjectIdGetDatum(matview);
	values[1] = TimestampTzGetDatum(po_clock_now());
	values[2] = CStringGetTextDatum(result->mode_used);
	values[3] = Float8GetDatum(result->duration_ms);
	values[4] = Int64GetDatum(result->rows_inserted);
	values[5] = Int64GetDatum(result->rows_updated);
	values[6] = Int64GetDatum(result->rows_deleted);
	if (result->rows_deleted < 0)
		nulls[6] = 'n';
	SPI_connect();
	if (!skipped || po_own_execute(record_skipped_sql, 7, types, values, nulls) == 0)
		(void) po_own_execute(record_sql, 7, types, values, nulls);
	SPI_finish();
}

/*
 * Notes the tables' counters of now for a view that has taken in all changes,
 * under its refresh lock.
 */
void
po_state_count(Oid matview)
{
	Oid			types[] = {REGCLASSOID};
	Datum		values[] = {ObjectIdGetDatum(matview)};

	SPI_connect();
	(void) po_own_execute(count_sql, 1, types, values, NULL);
	SPI_finish();
}
