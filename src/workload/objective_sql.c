/*
 * objective_sql.c
 *	  SQL functions that set and drop latency objectives, and count the executions of applications that have one.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "core/args.h"
#include "core/own.h"
#include "core/srf.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "storage/lwlock.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "workload/application.h"
#include "workload/snapshot.h"

PG_FUNCTION_INFO_V1(perf_optimizer_drop_latency_target);
PG_FUNCTION_INFO_V1(perf_optimizer_set_latency_target);
PG_FUNCTION_INFO_V1(perf_optimizer_watch_applications);

#define MAX_NAME_LEN 200

/* Raises 42501 unless the current user may see everybody's statistics, and 25006 where nothing can be written. */
static void
check_rights(const char *what)
{
	po_snapshot_check(GetUserId());
	PreventCommandIfReadOnly(what);
	if (RecoveryInProgress())
		PreventCommandDuringRecovery(what);
}

/* Raises 22004 and 22023 unless a number is more than 0 and less than a limit. */
static void
check_number(FunctionCallInfo fcinfo, int argno, const char *name, double limit, const char *hint)
{
	double		value;

	po_args_require(fcinfo, argno, name);
	value = PG_GETARG_FLOAT8(argno);
	if (!(value > 0 && value < limit))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" is %g, which is no %s", name, value, limit > 100 ? "length of time" : "percentage below 100"),
				 errhint("%s", hint)));
}

/* Raises 22004 and 22023 unless the name fits. */
static void
check_name(FunctionCallInfo fcinfo)
{
	char	   *name = po_args_text(fcinfo, 0, "name");

	if (name[0] == '\0' || strlen(name) > MAX_NAME_LEN)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"name\" must have between 1 and %d bytes", MAX_NAME_LEN),
				 errhint("Pass a name such as 'checkout' as \"name\".")));
}

/* Raises 22023 for an application_name that no session can have, or that comes with a statement or a role. */
static void
check_application(FunctionCallInfo fcinfo)
{
	char	   *name = po_args_text_or_null(fcinfo, 6);

	if (name == NULL)
		return;
	for (char *at = name; *at != '\0'; at++)
		if (at - name >= NAMEDATALEN - 1 || *at < 32 || *at > 126)
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("argument \"application_name\" is no name that a session can have"),
					 errhint("The server cuts names after %d bytes and keeps printable ASCII characters only; pass what pg_stat_activity shows.", NAMEDATALEN - 1)));
	if (!PG_ARGISNULL(3) || !PG_ARGISNULL(4))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"application_name\" comes without \"query_id\" and \"role_name\""),
				 errhint("Executions are counted by application, or by statement and role.")));
}

/* set_latency_target(name, target_ms, objective_pct, query_id, role_name, period, application_name). */
Datum
perf_optimizer_set_latency_target(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, FLOAT8OID, FLOAT8OID, INT8OID, NAMEOID, INTERVALOID, TEXTOID};
	Datum		values[lengthof(types)];
	char		nulls[lengthof(types)];

	check_name(fcinfo);
	check_number(fcinfo, 1, "target_ms", INFINITY, "Pass milliseconds, such as 250.");
	check_number(fcinfo, 2, "objective_pct", 100, "Pass a percentage such as 99.5; at 100 there is no error budget.");
	if (!PG_ARGISNULL(4))
		(void) get_role_oid(NameStr(*PG_GETARG_NAME(4)), false);
	(void) po_args_interval_us(fcinfo, 5, "period", USECS_PER_HOUR);
	check_application(fcinfo);
	check_rights("set_latency_target()");
	for (int i = 0; i < (int) lengthof(types); i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	SPI_connect();
	(void) po_own_execute("SELECT perf_optimizer.put_latency_target($1, $2, $3, $4, $5, $6, $7)", lengthof(types), types, values, nulls);
	SPI_finish();
	PG_RETURN_VOID();
}

/* drop_latency_target(name). */
Datum
perf_optimizer_drop_latency_target(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID};
	Datum		values[1];
	bool		found;

	po_args_require(fcinfo, 0, "name");
	values[0] = PG_GETARG_DATUM(0);
	check_rights("drop_latency_target()");
	SPI_connect();
	found = po_own_execute("DELETE FROM perf_optimizer.latency_target WHERE name OPERATOR(pg_catalog.=) $1", 1, types, values, NULL) > 0;
	SPI_finish();
	PG_RETURN_BOOL(found);
}

/* Emits what an application did: the buckets that are not empty, and their counts. */
static void
put_application(PoRow *row, const PoApplication *application)
{
	Datum	   *latencies = palloc(sizeof(Datum) * PO_HISTOGRAM_BUCKETS);
	Datum	   *counts = palloc(sizeof(Datum) * PO_HISTOGRAM_BUCKETS);
	uint64		calls = 0;
	int			n = 0;

	for (int i = 0; i < PO_HISTOGRAM_BUCKETS; i++)
		if (application->counts[i] > 0)
		{
			calls += application->counts[i];
			latencies[n] = Float8GetDatum(po_histogram_middle_ms(i));
			counts[n++] = Int64GetDatum((int64) application->counts[i]);
		}
	po_row_text(row, application->name);
	po_row_datum(row, TimestampTzGetDatum(application->since));
	po_row_float8(row, (double) calls);
	po_row_datum(row, PointerGetDatum(construct_array(latencies, n, FLOAT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
	po_row_datum(row, PointerGetDatum(construct_array(counts, n, INT8OID, 8, FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
	po_srf_emit(row);
}

/* Watches these applications of this database and no others; returns copies of those that there is room for. */
static List *
watch_applications(char **names, int nnames)
{
	PoApplication *copies = palloc(sizeof(PoApplication) * Max(nnames, 1));
	List	   *watched = NIL;
	int			n = 0;

	LWLockAcquire(po_tracked_lock, LW_EXCLUSIVE);
	po_tracked_fold_all();
	po_application_keep(po_tracked_applications(), MyDatabaseId, (const char *const *) names, nnames);
	for (int i = 0; i < nnames; i++)
	{
		PoApplication *application = po_application_watch(po_tracked_applications(), MyDatabaseId, names[i], GetCurrentTimestamp());

		if (application != NULL)
			copies[n++] = *application;
	}
	LWLockRelease(po_tracked_lock);
	for (int i = 0; i < n; i++)
		watched = lappend(watched, &copies[i]);
	return watched;
}

/* watch_applications(names): counts their executions from now on, and tells what was counted so far. */
Datum
perf_optimizer_watch_applications(PG_FUNCTION_ARGS)
{
	char	  **names;
	int			nnames = po_args_text_array(fcinfo, 0, "names", false, &names);
	PoRow		row;
	ListCell   *lc;

	po_srf_begin(fcinfo, &row);
	if (!po_tracked_ready())
		return (Datum) 0;
	foreach(lc, watch_applications(names, nnames))
		put_application(&row, lfirst(lc));
	return (Datum) 0;
}
