/*
 * statistics_sql.c
 *	  The SQL function suggest_statistics.
 */
#include "postgres.h"

#include "advisor/read_workload.h"
#include "advisor/statistics.h"
#include "catalog/pg_class.h"
#include "core/args.h"
#include "core/srf.h"
#include "miscadmin.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(perf_optimizer_suggest_statistics);

/* Reads argument "relation"; raises 42P01 and 42809 for what statistics cannot be tried on. */
static Oid
read_relation(FunctionCallInfo fcinfo)
{
	char		relkind;

	if (PG_ARGISNULL(0))
		return InvalidOid;
	relkind = get_rel_relkind(PG_GETARG_OID(0));
	if (relkind == '\0')
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_TABLE),
				 errmsg("relation with OID %u does not exist", PG_GETARG_OID(0))));
	if (relkind != RELKIND_RELATION && relkind != RELKIND_MATVIEW && relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("\"%s\" has no rows of its own to collect statistics on", get_rel_name(PG_GETARG_OID(0))),
				 errhint("Pass a table or a materialized view in \"relation\".")));
	return PG_GETARG_OID(0);
}

/* suggest_statistics(relation, queries): statistics that correct the planner's estimates. */
Datum
perf_optimizer_suggest_statistics(PG_FUNCTION_ARGS)
{
	PoRow		row;
	Oid			relation = read_relation(fcinfo);
	PoWorkload *workload;
	ListCell   *lc;

	PreventCommandIfReadOnly("suggest_statistics()");
	PreventCommandIfParallelMode("suggest_statistics()");
	po_srf_begin(fcinfo, &row);
	workload = po_read_workload(fcinfo, 1, "suggest_statistics without queries");
	foreach(lc, po_statistics_suggest(workload, relation))
	{
		const PoStatisticsAdvice *advice = (const PoStatisticsAdvice *) lfirst(lc);

		po_row_oid(&row, advice->relid);
		po_row_text(&row, advice->definition);
		po_row_float8(&row, advice->before);
		po_row_float8(&row, advice->after);
		po_row_text(&row, advice->reason);
		po_srf_emit(&row);
	}
	return (Datum) 0;
}
