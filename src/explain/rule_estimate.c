/*
 * rule_estimate.c
 *	  Findings about row estimates that did not hold.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "catalog/namespace.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_statistic_ext.h"
#include "explain/advice.h"
#include "explain/predicate.h"
#include "explain/rule.h"
#include "mb/pg_wchar.h"
#include "nodes/value.h"
#include "optimizer/optimizer.h"
#include "statistics/statistics.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/rel.h"
#include "utils/relcache.h"
#include "utils/syscache.h"

/* row-misestimate */
#define MISESTIMATE_FACTOR 10
#define MISESTIMATE_MIN_PER_LOOP 100
#define MISESTIMATE_MIN_TOTAL 10000
/* What a statistics target is raised by; the server's greatest is 10000. */
#define TARGET_FACTOR 10
#define TARGET_MAX 10000

/* Returns by which factor the estimate is off, at least 1; 0 when it says nothing. */
static double
estimate_error(const PoNode *node)
{
	double		estimated = Max(node->rows, 1);
	double		actual = Max(node->actual_rows, 1);

	if (node->loops == 0)
		return 0;
	return estimated > actual ? estimated / actual : actual / estimated;
}

/* Tells whether an estimate of this kind of node is its own, not handed on from below, and is counted by the executor. */
static bool
has_own_estimate(const PoNode *node)
{
	switch (node->kind)
	{
		case PO_NODE_BITMAP_AND:
		case PO_NODE_BITMAP_OR:
		case PO_NODE_MODIFY:
		case PO_NODE_SORT:
		case PO_NODE_INCREMENTAL_SORT:
		case PO_NODE_MATERIALIZE:
		case PO_NODE_MEMOIZE:
		case PO_NODE_HASH:
		case PO_NODE_GATHER:
		case PO_NODE_LIMIT:
		case PO_NODE_CTE_SCAN:
			return node->kind == PO_NODE_CTE_SCAN && node->filter != NULL;
		default:
			return strcmp(node->type, "WorkTable Scan") != 0;
	}
}

/*
 * Tells whether the executor's row counts of a node can be compared with its estimate.
 * The inner side of a merge join counts rows again that it gives again.
 */
static bool
is_comparable(const PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *above = po_node_parent(analysis->tree, node);

	if (!has_own_estimate(node))
		return false;
	if (node->actual_rows < node->rows)
		return !po_finding_stops_early(analysis, node);
	return node->role != PO_ROLE_INNER || above == NULL || above->kind != PO_NODE_MERGE_JOIN;
}

/* Tells whether the node's estimate is off by so much that it matters. */
static bool
is_misestimated(const PoAnalysis *analysis, const PoNode *node)
{
	double		per_loop = Max(node->rows, node->actual_rows);

	return estimate_error(node) >= MISESTIMATE_FACTOR && is_comparable(analysis, node) &&
		(per_loop >= MISESTIMATE_MIN_PER_LOOP || per_loop * node->loops >= MISESTIMATE_MIN_TOTAL);
}

/* Tells whether some node strictly below is misestimated. */
static bool
any_below_is_misestimated(const PoAnalysis *analysis, const PoNode *node)
{
	for (int i = node->id; i < analysis->tree->nnodes; i++)
	{
		const PoNode *below = &analysis->tree->nodes[i];

		if (below->depth <= node->depth)
			break;
		if (is_misestimated(analysis, below))
			return true;
	}
	return false;
}

/* Tells whether the error comes from below: what feeds the node, a CTE's plan included, has it too. */
static bool
child_is_misestimated(const PoAnalysis *analysis, const PoNode *node)
{
	for (int i = node->id - 1; i < analysis->tree->nnodes; i++)
	{
		const PoNode *scan = &analysis->tree->nodes[i];
		const PoNode *source;

		if (scan->id != node->id && scan->depth <= node->depth)
			break;
		source = scan->kind == PO_NODE_CTE_SCAN ? po_node_cte(analysis->tree, scan) : NULL;
		if (source != NULL && (is_misestimated(analysis, source) ||
							   any_below_is_misestimated(analysis, source)))
			return true;
	}
	return any_below_is_misestimated(analysis, node);
}

/* Returns the expressions over one column that a scan's filter compares, those that statistics can have. */
static List *
compared_expressions(const PoNode *node)
{
	List	   *result = NIL;
	ListCell   *lc;

	foreach(lc, po_predicate_of_scan(node))
	{
		const PoPredicate *predicate = lfirst(lc);

		if (predicate->kind == PO_PREDICATE_WRAPPED &&
			!contain_mutable_functions(predicate->operand) &&
			!po_advice_has_parameter(predicate->operand))
			result = list_append_unique(result, predicate->operand);
	}
	return result;
}

/* Returns a quoted name for statistics that no others of the table's schema have. */
static char *
statistics_name(const char *schema, const char *stem)
{
	char	   *clipped = pstrdup(stem);

	clipped[pg_mbcliplen(clipped, strlen(clipped), NAMEDATALEN - 9)] = '\0';
	for (int i = 0;; i++)
	{
		char	   *name = i == 0 ? psprintf("%s_stat", clipped) : psprintf("%s_stat%d", clipped, i);

		if (i > 99 || !OidIsValid(get_statistics_object_oid(list_make2(makeString(pstrdup(schema)),
																	   makeString(name)), true)))
			return quote_qualified_identifier(schema, name);
	}
}

/* Tells whether extended statistics that were built know just these columns, and no expression. */
static bool
has_statistics_on(Oid relid, List *columns)
{
	Relation	table = table_open(relid, AccessShareLock);
	List	   *statistics = RelationGetStatExtList(table);
	bool		found = false;
	ListCell   *lc;

	foreach(lc, statistics)
	{
		HeapTuple	tuple = SearchSysCache1(STATEXTOID, ObjectIdGetDatum(lfirst_oid(lc)));
		Form_pg_statistic_ext form;
		int			matched = 0;

		if (!HeapTupleIsValid(tuple))
			continue;
		form = (Form_pg_statistic_ext) GETSTRUCT(tuple);
		for (int i = 0; i < form->stxkeys.dim1; i++)
			matched += list_member_int(columns, form->stxkeys.values[i]);
		found = found || matched == list_length(columns);
		ReleaseSysCache(tuple);
	}
	list_free(statistics);
	table_close(table, AccessShareLock);
	return found;
}

/*
 * Returns a CREATE STATISTICS over the columns and expressions that a scan's conditions
 * compare, or NULL where there is but one column, which has its own.
 */
static char *
statistics_statement(PoAnalysis *analysis, const PoNode *node)
{
	List	   *columns = list_concat_unique_int(po_predicate_index_columns(node),
												 po_predicate_columns(po_predicate_of_scan(node),
																	  PO_PREDICATE_EQUAL));
	List	   *expressions = compared_expressions(node);
	PoFacts    *facts = po_facts_get(analysis, po_facts_root(analysis, node->relid));
	StringInfoData name;
	StringInfoData parts;
	ListCell   *lc;

	if (list_length(columns) + 2 * list_length(expressions) < 2 ||
		list_length(columns) + list_length(expressions) > STATS_MAX_DIMENSIONS ||
		(expressions == NIL && has_statistics_on(facts->relid, columns)))
		return NULL;
	initStringInfo(&parts);
	initStringInfo(&name);
	appendStringInfo(&name, "%s", get_rel_name(facts->relid));
	foreach(lc, columns)
	{
		appendStringInfo(&name, "_%s", get_attname(node->relid, lfirst_int(lc), false));
		appendStringInfo(&parts, "%s%s", parts.len > 0 ? ", " : "",
						 po_advice_column(node->relid, lfirst_int(lc)));
	}
	foreach(lc, expressions)
	{
		appendStringInfoString(&name, "_expr");
		appendStringInfo(&parts, "%s(%s)", parts.len > 0 ? ", " : "",
						 po_advice_expression(node, lfirst(lc)));
	}
	return psprintf("CREATE STATISTICS %s ON %s FROM %s; ANALYZE %s",
					statistics_name(get_namespace_name(get_rel_namespace(facts->relid)), name.data),
					parts.data, facts->name, facts->name);
}

/* Returns how many values and bounds the statistics of a column hold, and 0 when there are none. */
static int
statistics_size(Oid relid, AttrNumber attnum)
{
	HeapTuple	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid),
										Int16GetDatum(attnum), BoolGetDatum(false));
	AttStatsSlot slot;
	int			size = 0;

	if (!HeapTupleIsValid(tuple))
		return 0;
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_MCV, InvalidOid, ATTSTATSSLOT_NUMBERS))
	{
		size = slot.nnumbers;
		free_attstatsslot(&slot);
	}
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_HISTOGRAM, InvalidOid, ATTSTATSSLOT_VALUES))
	{
		size = Max(size, slot.nvalues - 1);
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tuple);
	return size;
}

/* Returns the condition of a scan that compares with a value which the planner did not know, or NULL. */
static const PoPredicate *
find_unknown_value(List *predicates)
{
	ListCell   *lc;

	foreach(lc, predicates)
	{
		const PoPredicate *predicate = lfirst(lc);

		if (predicate->attnum > 0 && predicate->value != NULL && IsA(predicate->value, Param))
			return predicate;
	}
	return NULL;
}

/* Fills in a higher statistics target for the one column that a scan compares, where its statistics are full. */
static bool
advise_target(const PoNode *node, const PoFacts *facts, PoFindingDraft *draft)
{
	List	   *columns = po_predicate_compared_columns(node);
	int			size;

	if (list_length(columns) != 1)
		return false;
	size = statistics_size(node->relid, linitial_int(columns));
	if (size < default_statistics_target || size * TARGET_FACTOR > TARGET_MAX)
		return false;
	draft->finding->advice =
		psprintf("Raise the statistics target of column %s: its statistics are full with %d values.",
				 po_advice_column(node->relid, linitial_int(columns)), size);
	draft->finding->suggested_sql =
		psprintf("ALTER TABLE %s ALTER COLUMN %s SET STATISTICS %d; ANALYZE %s", facts->name,
				 po_advice_column(node->relid, linitial_int(columns)), size * TARGET_FACTOR,
				 facts->name);
	return true;
}

/* Chooses the cure of a scan's misestimate: statistics that are old, missing, too simple or too small. */
static void
advise_scan(PoAnalysis *analysis, const PoNode *node, PoFindingDraft *draft)
{
	PoFacts    *facts = po_facts_get(analysis, node->relid);
	const PoPredicate *unknown = find_unknown_value(list_concat(po_predicate_of_index(node),
																po_predicate_of_scan(node)));

	if (!facts->analyzed || facts->changed)
	{
		draft->finding->advice = pstrdup("Analyze the table: its statistics are missing or old.");
		draft->finding->suggested_sql = psprintf("ANALYZE %s", facts->name);
		return;
	}
	if (unknown != NULL)
	{
		draft->finding->advice =
			psprintf("The value that %s is compared with was not known when the statement was planned, so ANALYZE cannot help: pass it as a constant or a parameter, or split the statement.",
					 po_advice_column(node->relid, unknown->attnum));
		return;
	}
	draft->finding->suggested_sql = statistics_statement(analysis, node);
	if (draft->finding->suggested_sql != NULL)
		draft->finding->advice =
			pstrdup("Create extended statistics on what the conditions compare.");
	else if (!advise_target(node, facts, draft))
		draft->finding->advice =
			pstrdup("No statistics of the server describe this condition better; write it so that it compares columns with values, where it can be.");
}

/* Returns the user's function whose rows a scan reads, or InvalidOid. */
static Oid
scanned_function(const PoNode *node)
{
	Node	   *call;

	if (node->plan == NULL || !IsA(node->plan, FunctionScan) ||
		list_length(((FunctionScan *) node->plan)->functions) != 1)
		return InvalidOid;
	call = linitial_node(RangeTblFunction, ((FunctionScan *) node->plan)->functions)->funcexpr;
	if (call == NULL || !IsA(call, FuncExpr) || ((FuncExpr *) call)->funcid < FirstNormalObjectId)
		return InvalidOid;
	return ((FuncExpr *) call)->funcid;
}

/* Tells whether a printed condition compares with a parameter. */
static bool
compares_with_parameter(const char *condition)
{
	const char *place = condition ? strstr(condition, " $") : NULL;

	return place != NULL && place[2] >= '1' && place[2] <= '9';
}

/* Chooses the cure of a misestimate that statistics of a table do not explain. */
static void
advise_other(const PoNode *node, PoFindingDraft *draft)
{
	Oid			function = scanned_function(node);

	if (compares_with_parameter(node->condition) || compares_with_parameter(node->filter))
		draft->finding->advice =
			pstrdup("A value that is compared with was not known when the statement was planned, so ANALYZE cannot help: plan_cache_mode = 'force_custom_plan' makes plans for the values given.");
	else if (OidIsValid(function))
	{
		draft->finding->advice = pstrdup("Tell the planner how many rows the function returns as a rule.");
		draft->finding->suggested_sql =
			psprintf("ALTER FUNCTION %s ROWS %.0f", format_procedure_qualified(function),
					 Max(node->actual_rows, 1));
	}
	else if (strcmp(node->type, "Function Scan") == 0 || strcmp(node->type, "ProjectSet") == 0)
		draft->finding->advice =
			pstrdup("The planner cannot know how many rows this function returns; put them into a temporary table and analyze it, where the plan suffers.");
	else if (node->kind == PO_NODE_CTE_SCAN)
		draft->finding->advice =
			pstrdup("There are no statistics of what a CTE stores: write it NOT MATERIALIZED, or as a temporary table that is analyzed.");
	else if (strcmp(node->type, "Recursive Union") == 0)
		draft->finding->advice =
			pstrdup("The planner cannot know how far a recursion goes; put its result into a temporary table and analyze it, where the plan above suffers.");
	else
		draft->finding->advice =
			pstrdup("Check the statistics of the tables below: analyze them, or create extended statistics.");
}

/* Tells whether a condition casts its column, for which the estimate is a guess: another rule tells. */
static bool
casts_column(const PoNode *node)
{
	ListCell   *lc;

	foreach(lc, po_predicate_of_scan(node))
		if (((PoPredicate *) lfirst(lc))->kind == PO_PREDICATE_CAST)
		return true;
	return false;
}

/* row-misestimate: the planner's row count is far off, reported where the error starts. */
void
po_rule_estimate_rows(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *scan;
	PoFindingDraft draft;

	if (!is_misestimated(analysis, node) || child_is_misestimated(analysis, node) ||
		casts_column(node) || po_finding_repeats(analysis, node->relid))
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_float(&draft.evidence, "rows_estimated", node->rows);
	po_json_float(&draft.evidence, "rows_actual", node->actual_rows);
	po_json_float(&draft.evidence, "factor", estimate_error(node));
	po_json_float(&draft.evidence, "loops", node->loops);
	draft.finding->message =
		psprintf("%s was expected to give %.0f rows a loop and gave %.0f.", po_finding_label(node),
				 node->rows, node->actual_rows);
	scan = node->kind == PO_NODE_APPEND ? po_node_child(analysis->tree, node, PO_ROLE_MEMBER) : node;
	if (analysis->statement != NULL && scan != NULL && po_node_is_scan(scan) &&
		OidIsValid(scan->relid))
		advise_scan(analysis, scan, &draft);
	else
		advise_other(node, &draft);
	po_finding_end(analysis, &draft);
}
