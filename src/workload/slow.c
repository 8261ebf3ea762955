/*
 * slow.c
 *	  The statements of this database that cost the most, from pg_stat_statements.
 *
 * Percentiles and what else only tracking knows are joined to it.
 * What a role may see of other roles' statements is pg_stat_statements' own
 * decision: it hides their texts and identifiers from everybody but members of
 * pg_read_all_stats.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/preload.h"
#include "core/statements.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "workload/slow.h"

/* The orders that pg_stat_statements' counters allow, and their columns below. */
static const struct
{
	const char *name;
	const char *column;
}			orders[] =
{
	{"total_time", "total_time"},
	{"mean_time", "mean_time"},
	{"p95", "p95_ms"},
	{"calls", "calls"},
	{"temp", "temp_bytes"},
	{"wal", "wal_bytes"},
	{"reads", "read_blocks"},
};

/* The result columns of the query below, from 1 as SPI counts. */
enum
{
	COL_QUERY_ID = 1, COL_ROLE, COL_QUERY, COL_CALLS, COL_TOTAL_TIME, COL_MEAN_TIME,
	COL_MAX_TIME, COL_STDDEV_TIME, COL_ROWS, COL_HIT, COL_READ, COL_TEMP, COL_WAL,
	COL_TOPLEVEL, COL_ALL_TIME, COL_ALL_READ, COL_ALL_TEMP, COL_ALL_WAL,
	COL_TRACKED, COL_P50, COL_P95, COL_P99, COL_N_PLUS_ONE, COL_REPEATED, COL_PLAN_FLIP
};

/* Returns the column that an order sorts by, or NULL. */
static const char *
order_column(const char *order_by)
{
	for (int i = 0; i < lengthof(orders); i++)
		if (strcmp(orders[i].name, order_by) == 0)
			return orders[i].column;
	return NULL;
}

/*
 * Raises 22023 unless order_by is a known order, and 55000 for p95 where
 * executions are not tracked.
 */
void
po_slow_check_order(const char *order_by)
{
	if (order_column(order_by) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"order_by\" is not a known order: \"%s\"", order_by),
				 errhint("Use one of total_time, mean_time, p95, calls, temp, wal, reads.")));
	if (strcmp(order_by, "p95") == 0)
		po_preload_require("order_by \"p95\"");
}

/*
 * Returns the SQL that reads the statements: $1 database, $2 least mean time,
 * $3 least calls, $4 rows.  Sums are over the whole database, and over top-level
 * statements only, because a nested statement's work is its caller's, too.
 * Texts are joined to the rows of the result alone, for copying those of thousands of
 * statements from step to step takes most of the time.  The function has
 * enable_nestloop off, because nothing tells the planner how many statements there are.
 */
static char *
compose_query(const PoStatementsView *view, const char *column)
{
	StringInfoData sql;
	const char *toplevel = view->has_toplevel ? "s.toplevel" : "true";

	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "WITH s AS MATERIALIZED (SELECT s.queryid, s.userid, s.calls, s.total_exec_time AS total_time,"
					 " s.mean_exec_time AS mean_time, s.max_exec_time, s.stddev_exec_time, s.rows,"
					 " s.shared_blks_hit::float8 AS hit_blocks, s.shared_blks_read::float8 AS read_blocks,"
					 " s.temp_blks_written::float8 * %d AS temp_bytes, s.wal_bytes::float8 AS wal_bytes,"
					 " %s AS toplevel FROM %s(false) s WHERE s.dbid = $1),",
					 BLCKSZ, toplevel, view->name);
	appendStringInfo(&sql,
					 " q AS MATERIALIZED (SELECT s.*, t.query_id IS NOT NULL AS tracked, t.p50_ms, t.p95_ms, t.p99_ms,"
					 " t.n_plus_one, t.repeated, t.plan_flip"
					 " FROM s LEFT JOIN perf_optimizer.tracked_statements() t"
					 " ON t.query_id = s.queryid AND t.userid = s.userid AND t.toplevel = s.toplevel"
					 " WHERE s.mean_time >= $2 AND s.calls >= $3"
					 " ORDER BY %s DESC NULLS LAST, s.total_time DESC, s.queryid, s.userid LIMIT $4),"
					 " a AS MATERIALIZED (SELECT sum(s.total_time) AS all_time, sum(s.read_blocks) AS all_read,"
					 " sum(s.temp_bytes) AS all_temp, sum(s.wal_bytes) AS all_wal FROM s WHERE s.toplevel)",
					 column);
	appendStringInfo(&sql,
					 " SELECT q.queryid, pg_catalog.pg_get_userbyid(q.userid)::text,"
					 " CASE WHEN q.queryid IS NULL THEN '<insufficient privilege>' ELSE s.query END,"
					 " q.calls, q.total_time, q.mean_time,"
					 " q.max_exec_time, q.stddev_exec_time, q.rows, q.hit_blocks, q.read_blocks, q.temp_bytes, q.wal_bytes,"
					 " q.toplevel, a.all_time, a.all_read, a.all_temp, a.all_wal,"
					 " q.tracked, q.p50_ms, q.p95_ms, q.p99_ms, q.n_plus_one, q.repeated, q.plan_flip"
					 " FROM q CROSS JOIN a LEFT JOIN %s s"
					 " ON s.dbid = $1 AND s.queryid = q.queryid AND s.userid = q.userid AND %s = q.toplevel"
					 " ORDER BY q.%s DESC NULLS LAST, q.total_time DESC, q.queryid, q.userid",
					 view->name, toplevel, column);
	return sql.data;
}

/* Returns a float8 column of the i-th row, 0 for NULL. */
static double
get_float8(uint64 i, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column, &isnull);

	return isnull ? 0 : DatumGetFloat8(value);
}

/* Returns a bigint column of the i-th row, 0 for NULL; tells in *isnull when not NULL itself. */
static int64
get_int8(uint64 i, int column, bool *isnull)
{
	bool		null;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column, &null);

	if (isnull != NULL)
		*isnull = null;
	return null ? 0 : DatumGetInt64(value);
}

/* Returns a column of the i-th row as text in the context of the caller of SPI, or NULL. */
static char *
get_text(uint64 i, int column)
{
	char	   *value = SPI_getvalue(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column);
	char	   *copy;

	if (value == NULL)
		return NULL;
	copy = SPI_palloc(strlen(value) + 1);
	strcpy(copy, value);
	return copy;
}

/* Returns a boolean column of the i-th row, false for NULL. */
static bool
get_bool(uint64 i, int column)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[i], SPI_tuptable->tupdesc, column, &isnull);

	return !isnull && DatumGetBool(value);
}

/* Fills what tracking knows from the i-th row. */
static void
read_tracked(uint64 i, PoStatementCounters *c)
{
	c->tracked = get_bool(i, COL_TRACKED);
	c->p50_ms = get_float8(i, COL_P50);
	c->p95_ms = get_float8(i, COL_P95);
	c->p99_ms = get_float8(i, COL_P99);
	c->n_plus_one = get_bool(i, COL_N_PLUS_ONE);
	c->repeated = get_bool(i, COL_REPEATED);
	c->plan_flip = get_bool(i, COL_PLAN_FLIP);
}

/* Fills the counters from the i-th row. */
static void
read_counters(uint64 i, PoStatementCounters *c)
{
	c->calls = (double) get_int8(i, COL_CALLS, NULL);
	c->total_time_ms = get_float8(i, COL_TOTAL_TIME);
	c->mean_time_ms = get_float8(i, COL_MEAN_TIME);
	c->hit_blocks = get_float8(i, COL_HIT);
	c->read_blocks = get_float8(i, COL_READ);
	c->temp_bytes = get_float8(i, COL_TEMP);
	c->wal_bytes = get_float8(i, COL_WAL);
	c->all_time_ms = get_float8(i, COL_ALL_TIME);
	c->all_read_blocks = get_float8(i, COL_ALL_READ);
	c->all_temp_bytes = get_float8(i, COL_ALL_TEMP);
	c->all_wal_bytes = get_float8(i, COL_ALL_WAL);
	read_tracked(i, c);
}

/* Fills a statement from the i-th row. */
static void
read_row(uint64 i, PoSlowQuery *q)
{
	bool		isnull;

	q->query_id = get_int8(i, COL_QUERY_ID, &isnull);
	q->has_query_id = !isnull;
	q->role_name = get_text(i, COL_ROLE);
	q->query = get_text(i, COL_QUERY);
	q->max_time_ms = get_float8(i, COL_MAX_TIME);
	q->stddev_time_ms = get_float8(i, COL_STDDEV_TIME);
	q->row_count = get_int8(i, COL_ROWS, NULL);
	q->toplevel = get_bool(i, COL_TOPLEVEL);
	read_counters(i, &q->counters);
}

/*
 * Reads the statements that pass the filter into *queries, palloc'd in the
 * current context, and returns their number.  Raises 55000 when
 * pg_stat_statements cannot be read.  The caller's search_path must be pinned.
 */
int
po_slow_read(const PoSlowFilter *filter, PoSlowQuery **queries)
{
	Oid			types[] = {OIDOID, FLOAT8OID, INT8OID, INT8OID};
	Datum		values[lengthof(types)];
	PoStatementsView view;
	int			n;

	po_statements_find(&view, "slow_queries");
	values[0] = ObjectIdGetDatum(MyDatabaseId);
	values[1] = Float8GetDatum(filter->min_mean_ms);
	values[2] = Int64GetDatum(filter->min_calls);
	values[3] = Int64GetDatum((int64) filter->max_rows);

	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
	if (SPI_execute_with_args(compose_query(&view, order_column(filter->order_by)),
							  lengthof(types), types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "reading pg_stat_statements failed");
	n = (int) SPI_processed;
	*queries = SPI_palloc(sizeof(PoSlowQuery) * Max(n, 1));
	for (int i = 0; i < n; i++)
		read_row(i, &(*queries)[i]);
	SPI_finish();
	return n;
}
