/*
 * objective_sql.c
 *	  SQL functions that set and drop latency objectives.
 */
#include "postgres.h"

#include <math.h>

#include "access/xlog.h"
#include "catalog/pg_type.h"
#include "core/args.h"
#include "core/own.h"
#include "executor/spi.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "workload/snapshot.h"

PG_FUNCTION_INFO_V1(perf_optimizer_drop_latency_target);
PG_FUNCTION_INFO_V1(perf_optimizer_set_latency_target);

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

/* set_latency_target(name, target_ms, objective_pct, query_id, role_name, period). */
Datum
perf_optimizer_set_latency_target(PG_FUNCTION_ARGS)
{
	Oid			types[] = {TEXTOID, FLOAT8OID, FLOAT8OID, INT8OID, NAMEOID, INTERVALOID};
	Datum		values[6];
	char		nulls[6];

	check_name(fcinfo);
	check_number(fcinfo, 1, "target_ms", INFINITY, "Pass milliseconds, such as 250.");
	check_number(fcinfo, 2, "objective_pct", 100, "Pass a percentage such as 99.5; at 100 there is no error budget.");
	if (!PG_ARGISNULL(4))
		(void) get_role_oid(NameStr(*PG_GETARG_NAME(4)), false);
	(void) po_args_interval_us(fcinfo, 5, "period", USECS_PER_HOUR);
	check_rights("set_latency_target()");
	for (int i = 0; i < 6; i++)
	{
		values[i] = PG_GETARG_DATUM(i);
		nulls[i] = PG_ARGISNULL(i) ? 'n' : ' ';
	}
	SPI_connect();
	(void) po_own_execute("SELECT perf_optimizer.put_latency_target($1, $2, $3, $4, $5, $6)", 6, types, values, nulls);
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
