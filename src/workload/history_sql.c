/*
 * history_sql.c
 *	  SQL entry points of the history of the workload.
 */
#include "postgres.h"

#include "core/args.h"
#include "fmgr.h"
#include "workload/snapshot.h"
#include "workload/welch.h"

PG_FUNCTION_INFO_V1(perf_optimizer_take_snapshot);
PG_FUNCTION_INFO_V1(perf_optimizer_welch_p_value);

/* take_snapshot(): adds a snapshot to the history and returns its number. */
Datum
perf_optimizer_take_snapshot(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(po_snapshot_take());
}

/* welch_p_value(n, mean, stddev, n, mean, stddev): how likely such a rise is by chance. */
Datum
perf_optimizer_welch_p_value(PG_FUNCTION_ARGS)
{
	PoMoments	before = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)};
	PoMoments	after = {PG_GETARG_FLOAT8(3), PG_GETARG_FLOAT8(4), PG_GETARG_FLOAT8(5)};

	PG_RETURN_FLOAT8(po_welch_p_value(&before, &after));
}
