/*
 * read_workload.c
 *	  The workload of functions that give advice on one: argument "queries", column "query_ids".
 */
#include "postgres.h"

#include "advisor/read_workload.h"
#include "advisor/skipped.h"
#include "catalog/pg_type.h"
#include "core/args.h"
#include "utils/array.h"

/*
 * Remembers and tells about statements that were left out.  Raises the first one's error when none
 * of the given ones is left.
 */
void
po_read_workload_report(const PoWorkload *workload)
{
	const PoSkipped *first;

	po_skipped_remember(workload->skipped);
	if (workload->skipped == NIL)
		return;
	first = (const PoSkipped *) linitial(workload->skipped);
	if (workload->queries == NIL && !workload->measured)
		ereport(ERROR,
				(errcode(first->sqlerrcode),
				 errmsg("none of the queries can be planned"),
				 errdetail("The first one fails with: %s", first->reason),
				 errhint("Pass statements that EXPLAIN accepts, with $1, $2, ... for parameters.")));
	ereport(NOTICE,
			(errmsg("%d of %d statements left out, because they cannot be planned",
					list_length(workload->skipped),
					list_length(workload->skipped) + list_length(workload->queries)),
			 errdetail("The first one fails with: %s", first->reason),
			 errhint("See perf_optimizer.suggest_indexes_skipped().")));
}

/*
 * Reads the workload of an argument "queries": the given texts, else the recorded
 * statements, and tells about what is left out.  what is the function, for the error
 * without pg_stat_statements.  Raises 22023 for an empty list, 22004 for a NULL in it.
 */
PoWorkload *
po_read_workload(FunctionCallInfo fcinfo, int argno, const char *what)
{
	char	  **texts;
	int			n = po_args_text_array(fcinfo, argno, "queries", false, &texts);
	PoWorkload *workload;

	if (!PG_ARGISNULL(argno) && n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"queries\" must be null or not empty"),
				 errhint("Pass NULL to take the statements of pg_stat_statements.")));
	workload = PG_ARGISNULL(argno) ? po_workload_from_statistics(what)
		: po_workload_from_texts(texts, NULL, n);
	po_read_workload_report(workload);
	return workload;
}

/* Sets the next column to the ids of PoAdvisorQuerys: the known ones, each once. */
void
po_read_workload_put_ids(PoRow *row, const List *queries)
{
	Datum	   *ids = palloc(sizeof(Datum) * (list_length(queries) + 1));
	int			n = 0;
	ListCell   *lc;

	foreach(lc, queries)
	{
		int64		id = ((const PoAdvisorQuery *) lfirst(lc))->queryid;
		bool		known = id == 0;

		for (int i = 0; i < n && !known; i++)
			known = DatumGetInt64(ids[i]) == id;
		if (!known)
			ids[n++] = Int64GetDatum(id);
	}
	po_row_datum(row, PointerGetDatum(construct_array(ids, n, INT8OID, sizeof(int64),
													  FLOAT8PASSBYVAL, TYPALIGN_DOUBLE)));
}
