/*
 * reach_sql.c
 *	  The SQL function relation_statements.
 */
#include "postgres.h"

#include "advisor/reach.h"
#include "core/args.h"
#include "core/srf.h"
#include "core/statements.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(perf_optimizer_relation_statements);

/* Sets the next column to the names of a table's columns. */
static void
put_columns(PoRow *row, Oid relid, Bitmapset *columns)
{
	char	  **names = palloc(sizeof(char *) * (bms_num_members(columns) + 1));
	int			n = 0;
	int			column = -1;

	while ((column = bms_next_member(columns, column)) >= 0)
	{
		char	   *name = get_attname(relid, column, true);

		if (name != NULL)
			names[n++] = name;
	}
	po_row_text_array(row, names, n);
}

/* relation_statements(relation): the recorded statements that touch a table, and by which columns. */
Datum
perf_optimizer_relation_statements(PG_FUNCTION_ARGS)
{
	PoStatementsView view;
	PoWorkload *workload;
	PoRow		row;
	Oid			relid;
	ListCell   *lc;

	po_args_require(fcinfo, 0, "relation");
	relid = PG_GETARG_OID(0);
	po_srf_begin(fcinfo, &row);
	if (!po_statements_lookup(&view))
		return (Datum) 0;
	workload = po_workload_from_statistics("relation_statements");
	foreach(lc, workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);
		PoReach		reach;

		if (!po_reach_find(query, relid, &reach))
			continue;
		po_row_int8(&row, query->queryid);
		po_row_float8(&row, query->weight);
		po_row_text(&row, reach.command);
		put_columns(&row, relid, reach.equal);
		put_columns(&row, relid, reach.limited);
		put_columns(&row, relid, reach.local);
		po_row_int4(&row, reach.njoins);
		put_columns(&row, relid, reach.joined);
		po_srf_emit(&row);
	}
	return (Datum) 0;
}
