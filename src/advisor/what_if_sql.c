/*
 * what_if_sql.c
 *	  The SQL function what_if.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "core/args.h"
#include "core/srf.h"
#include "plan/hypo_parse.h"
#include "plan/node_rows.h"
#include "plan/run.h"
#include "plan/size.h"
#include "plan/whatif.h"
#include "utils/array.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(perf_optimizer_what_if);

/* Reads argument "indexes" into a list of PoHypoIndex. */
static List *
get_indexes(FunctionCallInfo fcinfo)
{
	char	  **definitions;
	int			n;
	List	   *indexes = NIL;

	po_args_require(fcinfo, 1, "indexes");
	n = po_args_text_array(fcinfo, 1, "indexes", false, &definitions);
	for (int i = 0; i < n; i++)
		indexes = lappend(indexes, po_hypo_parse_statement(definitions[i]));
	return indexes;
}

/*
 * Adds an index to a list of OIDs, and with an index of a partitioned table those of
 * its partitions.  Raises 42P01 for a relation that is gone, 42809 for one that is no
 * index.
 */
static List *
add_hidden(List *hidden, Oid relid)
{
	switch (get_rel_relkind(relid))
	{
		case RELKIND_INDEX:
			return lappend_oid(hidden, relid);
		case RELKIND_PARTITIONED_INDEX:
			return list_concat(hidden, find_all_inheritors(relid, AccessShareLock, NULL));
		case '\0':
			ereport(ERROR,
					(errcode(ERRCODE_UNDEFINED_TABLE),
					 errmsg("relation with OID %u in argument \"hide\" does not exist", relid)));
		default:
			ereport(ERROR,
					(errcode(ERRCODE_WRONG_OBJECT_TYPE),
					 errmsg("\"%s\" in argument \"hide\" is not an index", get_rel_name(relid)),
					 errhint("Name existing indexes, for example ARRAY['tab_pkey'::regclass].")));
	}
	pg_unreachable();
}

/* Reads argument "hide" into a list of index OIDs; raises 22004 for a NULL element. */
static List *
get_hidden(FunctionCallInfo fcinfo)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;
	List	   *hidden = NIL;

	po_args_require(fcinfo, 2, "hide");
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(2), REGCLASSOID, sizeof(Oid), true, TYPALIGN_INT,
					  &elements, &nulls, &n);
	for (int i = 0; i < n; i++)
	{
		if (nulls[i])
			po_args_refuse_null_element("hide", i);
		hidden = add_hidden(hidden, DatumGetObjectId(elements[i]));
	}
	return hidden;
}

/* Parses the statement of arguments "query" and "params". */
static PoStatement *
get_statement(FunctionCallInfo fcinfo)
{
	char	   *text = po_args_text(fcinfo, 0, "query");
	PoParams	params = {.nvalues = -1};

	if (!PG_ARGISNULL(3))
		params.nvalues = po_args_text_array(fcinfo, 3, "params", true, &params.values);
	return po_query_parse(text, &params);
}

/* Reads the nodes of a what-if's plans, with the names of its hypothetical indexes. */
static PoPlanTree *
read_nodes(PoStatement *statement, const PoWhatIf *whatif)
{
	PoPlanTree *volatile tree = NULL;

	po_whatif_show_names(whatif);
	PG_TRY();
	{
		statement->plans = whatif->plans;
		tree = po_run_explain(statement);
	}
	PG_FINALLY();
	{
		po_whatif_show_names(NULL);
	}
	PG_END_TRY();
	return tree;
}

/* Adds up the estimated bytes of all indexes. */
static int64
total_size(List *indexes)
{
	int64		bytes = 0;
	ListCell   *lc;

	foreach(lc, indexes)
		bytes += po_size_bytes((PoHypoIndex *) lfirst(lc));
	return bytes;
}

/* what_if(query, indexes, hide, params): one statement's cost and plan before and after. */
Datum
perf_optimizer_what_if(PG_FUNCTION_ARGS)
{
	PoStatement *statement = get_statement(fcinfo);
	List	   *indexes = get_indexes(fcinfo);
	List	   *hidden = get_hidden(fcinfo);
	PoRow		row;
	PoWhatIf   *before;
	PoWhatIf   *after;
	PoPlanTree *nodes_before;
	PoPlanTree *nodes_after;
	char	  **used;
	int			nused;

	before = po_whatif_plan(statement, NIL, NIL);
	after = po_whatif_plan(statement, indexes, hidden);
	nodes_before = read_nodes(statement, before);
	nodes_after = read_nodes(statement, after);
	used = po_node_rows_indexes(nodes_after, &nused);

	po_row_begin_single(fcinfo, &row);
	po_row_float8(&row, before->cost);
	po_row_float8(&row, after->cost);
	po_row_float8(&row, before->cost > 0 ? 100 * (before->cost - after->cost) / before->cost : 0);
	po_row_text_array(&row, used, nused);
	po_row_int8(&row, total_size(indexes));
	po_row_datum(&row, JsonbPGetDatum(po_node_rows_json(nodes_before)));
	po_row_datum(&row, JsonbPGetDatum(po_node_rows_json(nodes_after)));
	return po_row_finish_single(&row);
}
