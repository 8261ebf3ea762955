/*
 * waits_sql.c
 *	  SQL entry points that show what sessions waited for.
 */
#include "postgres.h"

#include "core/preload.h"
#include "core/srf.h"
#include "fmgr.h"
#include "plan/sample.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"
#include "workload/waits.h"

PG_FUNCTION_INFO_V1(perf_optimizer_wait_history);
PG_FUNCTION_INFO_V1(perf_optimizer_wait_profile);
PG_FUNCTION_INFO_V1(perf_optimizer_wait_stats);

/* wait_history(): the looks of the last hour or so, one row for each class that was seen. */
Datum
perf_optimizer_wait_history(PG_FUNCTION_ARGS)
{
	PoWaitTick *ticks;
	PoRow		row;
	int			n;

	po_preload_require("wait_history");
	po_srf_begin(fcinfo, &row);
	n = po_waits_ticks(&ticks);
	for (int i = 0; i < n; i++)
		for (int c = 0; c < PO_WAIT_CLASSES; c++)
			if (ticks[i].sessions[c] > 0)
			{
				po_row_datum(&row, TimestampTzGetDatum(ticks[i].at));
				po_row_text(&row, po_waits_class_name(c));
				po_row_int4(&row, ticks[i].sessions[c]);
				po_srf_emit(&row);
			}
	return (Datum) 0;
}

/* Emits the load of one statement in one class. */
static void
put_count(PoRow *row, const PoWaitCount *count, PoWaitClass wait_class)
{
	if (count->queryid != 0 && po_sample_may_read(count->userid))
		po_row_int8(row, (int64) count->queryid);
	else
		po_row_null(row);
	po_row_oid(row, count->userid);
	po_row_text(row, po_waits_class_name(wait_class));
	po_row_float8(row, count->seconds[wait_class]);
	po_srf_emit(row);
}

/* wait_profile(): load by statement and class since the server started. */
Datum
perf_optimizer_wait_profile(PG_FUNCTION_ARGS)
{
	PoWaitCount *counts;
	PoRow		row;
	int			n;

	po_preload_require("wait_profile");
	po_srf_begin(fcinfo, &row);
	n = po_waits_counts(&counts);
	for (int i = 0; i < n; i++)
		for (int c = 0; c < PO_WAIT_CLASSES; c++)
			if (counts[i].seconds[c] > 0)
				put_count(&row, &counts[i], c);
	return (Datum) 0;
}

/* wait_stats(): how the sampler does. */
Datum
perf_optimizer_wait_stats(PG_FUNCTION_ARGS)
{
	PoWaitStats stats;
	PoRow		row;

	po_preload_require("wait_stats");
	po_waits_stats(&stats);
	po_row_begin_single(fcinfo, &row);
	po_row_int8(&row, stats.looks);
	if (stats.looks == 0)
		po_row_null(&row);
	else
		po_row_datum(&row, TimestampTzGetDatum(stats.last_look));
	if (stats.pause_ms == 0)
		po_row_null(&row);
	else
		po_row_int4(&row, stats.pause_ms);
	po_row_int4(&row, stats.statements);
	po_row_int4(&row, stats.max_statements);
	po_row_int8(&row, stats.evicted);
	return po_row_finish_single(&row);
}
