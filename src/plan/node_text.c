/*
 * node_text.c
 *	  The words of a plan node: its type as EXPLAIN prints it, and its conditions.
 *
 * Expressions are deparsed by the server's own functions in the context of the
 * whole plan, so they read as in EXPLAIN.
 */
#include "postgres.h"

#include "catalog/pg_collation.h"
#include "core/compat.h"
#include "nodes/extensible.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/tlist.h"
#include "parser/parsetree.h"
#include "plan/node_internal.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"

/* A name for each kind of plan node that needs nothing but its tag. */
static const struct
{
	NodeTag		tag;
	const char *name;
}			plain_types[] = {
	{T_Result, "Result"},
	{T_ProjectSet, "ProjectSet"},
	{T_Append, "Append"},
	{T_MergeAppend, "Merge Append"},
	{T_RecursiveUnion, "Recursive Union"},
	{T_BitmapAnd, "BitmapAnd"},
	{T_BitmapOr, "BitmapOr"},
	{T_SeqScan, "Seq Scan"},
	{T_SampleScan, "Sample Scan"},
	{T_Gather, "Gather"},
	{T_GatherMerge, "Gather Merge"},
	{T_IndexScan, "Index Scan"},
	{T_IndexOnlyScan, "Index Only Scan"},
	{T_BitmapIndexScan, "Bitmap Index Scan"},
	{T_BitmapHeapScan, "Bitmap Heap Scan"},
	{T_TidScan, "Tid Scan"},
	{T_TidRangeScan, "Tid Range Scan"},
	{T_SubqueryScan, "Subquery Scan"},
	{T_FunctionScan, "Function Scan"},
	{T_TableFuncScan, "Table Function Scan"},
	{T_ValuesScan, "Values Scan"},
	{T_CteScan, "CTE Scan"},
	{T_NamedTuplestoreScan, "Named Tuplestore Scan"},
	{T_WorkTableScan, "WorkTable Scan"},
	{T_Material, "Materialize"},
	{T_Memoize, "Memoize"},
	{T_Sort, "Sort"},
	{T_IncrementalSort, "Incremental Sort"},
	{T_Group, "Group"},
	{T_WindowAgg, "WindowAgg"},
	{T_Unique, "Unique"},
	{T_LockRows, "LockRows"},
	{T_Limit, "Limit"},
	{T_Hash, "Hash"},
};

/* Returns the word for what a command does. */
static const char *
command_name(CmdType command)
{
	switch (command)
	{
		case CMD_INSERT:
			return "Insert";
		case CMD_UPDATE:
			return "Update";
		case CMD_DELETE:
			return "Delete";
		case CMD_MERGE:
			return "Merge";
		default:
			return "Scan";
	}
}

/* Returns the word between a join's method and "Join". */
static const char *
join_name(JoinType type)
{
	switch (type)
	{
		case JOIN_INNER:
			return "";
		case JOIN_LEFT:
			return " Left";
		case JOIN_FULL:
			return " Full";
		case JOIN_RIGHT:
			return " Right";
		case JOIN_SEMI:
			return " Semi";
		case JOIN_ANTI:
			return " Anti";
		default:
			return PO_RIGHT_JOIN_NAME(type);
	}
}

/* Returns the name of a join node. */
static char *
join_type(const Join *join)
{
	const char *method = IsA(join, NestLoop) ? "Nested Loop" : IsA(join, HashJoin) ? "Hash" : "Merge";

	if (IsA(join, NestLoop) && join->jointype == JOIN_INNER)
		return pstrdup(method);
	return psprintf("%s%s Join", method, join_name(join->jointype));
}

/* Returns the name of an aggregation node. */
static char *
aggregate_type(const Agg *agg)
{
	const char *name = "Aggregate";

	if (agg->aggstrategy == AGG_SORTED)
		name = "GroupAggregate";
	else if (agg->aggstrategy == AGG_HASHED)
		name = "HashAggregate";
	else if (agg->aggstrategy == AGG_MIXED)
		name = "MixedAggregate";
	if (DO_AGGSPLIT_SKIPFINAL(agg->aggsplit))
		return psprintf("Partial %s", name);
	if (DO_AGGSPLIT_COMBINE(agg->aggsplit))
		return psprintf("Finalize %s", name);
	return pstrdup(name);
}

/* Returns the name of a set operation node. */
static char *
setop_type(const SetOp *setop)
{
	static const char *const names[] = {
		[SETOPCMD_INTERSECT] = "Intersect",
		[SETOPCMD_INTERSECT_ALL] = "Intersect All",
		[SETOPCMD_EXCEPT] = "Except",
		[SETOPCMD_EXCEPT_ALL] = "Except All",
	};

	return psprintf("%s %s", setop->strategy == SETOP_HASHED ? "HashSetOp" : "SetOp",
					names[setop->cmd]);
}

/* Returns a node's name without the words for parallel and asynchronous execution. */
static char *
base_type(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_ModifyTable:
			return pstrdup(command_name(((const ModifyTable *) plan)->operation));
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
			return join_type((const Join *) plan);
		case T_ForeignScan:
			return psprintf("Foreign %s", command_name(((const ForeignScan *) plan)->operation));
		case T_CustomScan:
			return psprintf("Custom Scan (%s)", ((const CustomScan *) plan)->methods->CustomName);
		case T_Agg:
			return aggregate_type((const Agg *) plan);
		case T_SetOp:
			return setop_type((const SetOp *) plan);
		default:
			break;
	}
	for (int i = 0; i < lengthof(plain_types); i++)
		if (plain_types[i].tag == nodeTag(plan))
			return pstrdup(plain_types[i].name);
	return pstrdup("Unknown");
}

/* Returns a node's name as EXPLAIN prints it, palloc'd. */
char *
po_node_text_type(const Plan *plan)
{
	return psprintf("%s%s%s", plan->parallel_aware ? "Parallel " : "",
					plan->async_capable ? "Async " : "", base_type(plan));
}

/* Deparses an expression of the node; with a column's table when prefix is set. */
static char *
deparse(PoNodeReader *reader, Plan *plan, List *ancestors, Node *expr, bool prefix)
{
	List	   *context = set_deparse_context_plan(reader->deparse_context, plan, ancestors);

	return deparse_expression(expr, context, prefix, false);
}

/* Deparses a list of conditions joined by AND; NULL for none. */
static char *
deparse_quals(PoNodeReader *reader, Plan *plan, List *ancestors, List *quals, bool prefix)
{
	if (quals == NIL)
		return NULL;
	return deparse(reader, plan, ancestors, (Node *) make_ands_explicit(quals), prefix);
}

/* Appends a sort key's direction and place of nulls where they differ from the default. */
static void
append_sort_order(StringInfo text, Node *key, Oid operator, Oid collation, bool nulls_first)
{
	Oid			type = exprType(key);
	TypeCacheEntry *entry = lookup_type_cache(type, TYPECACHE_LT_OPR | TYPECACHE_GT_OPR);
	bool		reverse = false;

	if (OidIsValid(collation) && collation != get_typcollation(type))
		appendStringInfo(text, " COLLATE %s", quote_identifier(get_collation_name(collation)));
	if (operator == entry->gt_opr)
	{
		appendStringInfoString(text, " DESC");
		reverse = true;
	}
	else if (operator != entry->lt_opr)
	{
		appendStringInfo(text, " USING %s", get_opname(operator));
		(void) get_equality_op_for_ordering_op(operator, &reverse);
	}
	if (nulls_first != reverse)
		appendStringInfoString(text, nulls_first ? " NULLS FIRST" : " NULLS LAST");
}

/*
 * Deparses n keys given as columns of a plan's target list; sort is NULL for keys
 * without an order.
 */
static char *
deparse_keys(PoNodeReader *reader, Plan *plan, List *ancestors, int n, const AttrNumber *columns,
			 const Sort *sort)
{
	StringInfoData text;

	if (n == 0)
		return NULL;
	initStringInfo(&text);
	for (int i = 0; i < n; i++)
	{
		TargetEntry *entry = get_tle_by_resno(plan->targetlist, columns[i]);

		if (entry == NULL)
			elog(ERROR, "no target list entry for key %d", columns[i]);
		if (i > 0)
			appendStringInfoString(&text, ", ");
		appendStringInfoString(&text, deparse(reader, plan, ancestors, (Node *) entry->expr,
											  reader->prefix));
		if (sort != NULL)
			append_sort_order(&text, (Node *) entry->expr, sort->sortOperators[i],
							  sort->collations[i], sort->nullsFirst[i]);
	}
	return text.data;
}

/* Deparses the keys of an aggregation or grouping, which stand in its input's target list. */
static char *
group_keys(PoNodeReader *reader, Plan *plan, List *ancestors)
{
	char	   *keys;

	ancestors = lcons(plan, ancestors);
	if (IsA(plan, Agg))
		keys = deparse_keys(reader, outerPlan(plan), ancestors, ((Agg *) plan)->numCols,
							((Agg *) plan)->grpColIdx, NULL);
	else
		keys = deparse_keys(reader, outerPlan(plan), ancestors, ((Group *) plan)->numCols,
							((Group *) plan)->grpColIdx, NULL);
	ancestors = list_delete_first(ancestors);
	return keys;
}

/* Fills in the keys of nodes that sort, group or look up. */
static void
fill_keys(PoNodeReader *reader, PoNode *node, Plan *plan, List *ancestors)
{
	switch (nodeTag(plan))
	{
		case T_Sort:
		case T_IncrementalSort:
			node->keys = deparse_keys(reader, plan, ancestors, ((Sort *) plan)->numCols,
									  ((Sort *) plan)->sortColIdx, (Sort *) plan);
			break;
		case T_Agg:
		case T_Group:
			node->keys = group_keys(reader, plan, ancestors);
			break;
		case T_Memoize:
			node->keys = deparse(reader, plan, ancestors, (Node *) ((Memoize *) plan)->param_exprs,
								 reader->prefix);
			break;
		default:
			break;
	}
}

/* Returns the conditions that a scan hands to its access method. */
static List *
access_quals(const Plan *plan)
{
	List	   *quals;

	switch (nodeTag(plan))
	{
		case T_IndexScan:
			return ((const IndexScan *) plan)->indexqualorig;
		case T_IndexOnlyScan:
			return ((const IndexOnlyScan *) plan)->indexqual;
		case T_BitmapIndexScan:
			return ((const BitmapIndexScan *) plan)->indexqualorig;
		case T_BitmapHeapScan:
			return ((const BitmapHeapScan *) plan)->bitmapqualorig;
		case T_TidScan:
			quals = ((const TidScan *) plan)->tidquals;
			return list_length(quals) > 1 ? list_make1(make_orclause(quals)) : quals;
		case T_TidRangeScan:
			return ((const TidRangeScan *) plan)->tidrangequals;
		default:
			return NIL;
	}
}

/* Returns the conditions that drive a node that is no scan. */
static List *
upper_quals(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_MergeJoin:
			return ((const MergeJoin *) plan)->mergeclauses;
		case T_HashJoin:
			return ((const HashJoin *) plan)->hashclauses;
		case T_Result:
			return (List *) ((const Result *) plan)->resconstantqual;
		case T_WindowAgg:
			return ((const WindowAgg *) plan)->runConditionOrig;
		default:
			return NIL;
	}
}

/* Tells whether columns in the node's conditions are printed with their table. */
static bool
wants_prefix(PoNodeReader *reader, const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
		case T_Agg:
		case T_Group:
		case T_WindowAgg:
		case T_Result:
			return reader->prefix;
		case T_SubqueryScan:
			return true;
		default:
			return false;
	}
}

/* Fills in the node's conditions, filters and keys, allocated in the current context. */
void
po_node_text_fill(PoNodeReader *reader, PoNode *node, PlanState *state, List *ancestors)
{
	Plan	   *plan = state->plan;
	bool		prefix = wants_prefix(reader, plan);
	List	   *quals = access_quals(plan);

	if (quals == NIL)
		quals = upper_quals(plan);
	node->condition = deparse_quals(reader, plan, ancestors, quals, prefix);
	node->filter = deparse_quals(reader, plan, ancestors, plan->qual, prefix);
	if (IsA(plan, NestLoop) || IsA(plan, MergeJoin) || IsA(plan, HashJoin))
		node->join_filter = deparse_quals(reader, plan, ancestors, ((Join *) plan)->joinqual,
										  prefix);
	fill_keys(reader, node, plan, ancestors);
}
