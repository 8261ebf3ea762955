/*
 * optimize_sql.c
 *	  The SQL function that has a worker maintain a table now.
 */
#include "postgres.h"

#include "core/args.h"
#include "core/relname.h"
#include "fmgr.h"
#include "sched/once.h"

PG_FUNCTION_INFO_V1(perf_optimizer_optimize_table);

/* SQL: optimize_table(relation). */
Datum
perf_optimizer_optimize_table(PG_FUNCTION_ARGS)
{
	PoJob		job = {.kind = "maintenance",.action = "vacuum_analyze",.max_attempts = 2};

	po_args_require(fcinfo, 0, "relation");
	job.relid = PG_GETARG_OID(0);
	job.name = psprintf("optimize %s", po_relname_qualified(job.relid));
	PG_RETURN_INT64(po_once_start(&job));
}
