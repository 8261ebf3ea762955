/*
 * predicate_share.c
 *	  What share of a table's rows the predicate of an index keeps.
 *
 * For most conditions the planner's statistics tell.  They say nothing of one column against
 * another ("committed" < "received"): the planner takes a third of the rows, whatever they
 * hold, and an index of nearly all rows would be thought a third as large as it is.  So some
 * rows are looked at for such conditions, all of them at once, as they seldom are independent.
 * Only comparisons that come with the server are evaluated: they run nobody's code.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "executor/executor.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "plan/hypo_build.h"
#include "plan/predicate_share.h"
#include "plan/rows.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* How much of a table, and how many partitions, is looked at. */
static const PoRowsLimit limit = {4000, 200};

#define MAX_TABLES 4

/* What was seen of one table. */
typedef struct Look
{
	Oid			relid;
	double		rows;
	double		kept;
	bool		whole;			/* these were all of its rows */
} Look;

/* Evaluates the conditions. */
typedef struct Filter
{
	ExprState  *state;
	ExprContext *context;
	Look	   *look;
} Filter;

/* Returns what is not known of a predicate yet, in the current memory context, where all that is found will be kept. */
PoPredicateShares *
po_predicate_share_create(void)
{
	return palloc0(sizeof(PoPredicateShares));
}

/* Says whether an expression is a column of a type that comes with the server. */
static bool
is_builtin_column(Node *node)
{
	while (IsA(node, RelabelType))
		node = (Node *) ((RelabelType *) node)->arg;
	return IsA(node, Var) && exprType(node) < FirstUnpinnedObjectId;
}

/* Says whether a condition compares two columns by the order of a type that comes with the server. */
static bool
compares_columns(Node *condition)
{
	OpExpr	   *comparison = (OpExpr *) condition;

	return IsA(condition, OpExpr) && list_length(comparison->args) == 2 && comparison->opno < FirstUnpinnedObjectId &&
		is_builtin_column(linitial(comparison->args)) && is_builtin_column(lsecond(comparison->args)) &&
		get_op_opfamily_strategy(comparison->opno, po_hypo_build_family(exprType(linitial(comparison->args)), NULL)) != 0;
}

/* Counts one row. */
static void
take_row(TupleTableSlot *slot, void *arg)
{
	Filter	   *filter = (Filter *) arg;

	filter->context->ecxt_scantuple = slot;
	filter->look->rows++;
	if (ExecQual(filter->state, filter->context))
		filter->look->kept++;
	ResetExprContext(filter->context);
}

/* Counts how many of some rows of a table conditions keep. */
static void
look_at_table(Look *look, List *conditions)
{
	EState	   *estate = CreateExecutorState();
	Relation	table = table_open(look->relid, NoLock);
	Filter		filter = {ExecPrepareQual(conditions, estate), GetPerTupleExprContext(estate), look};

	look->whole = po_rows_visit(table, &limit, take_row, &filter);
	table_close(table, NoLock);
	FreeExecutorState(estate);
}

/* Returns the look at a table; of one partition too many, or without a snapshot, NULL. */
static const Look *
get_look(PoPredicateShares *shares, Oid relid, List *conditions)
{
	Look	   *look;
	MemoryContext old;
	ListCell   *lc;

	foreach(lc, shares->looks)
	{
		look = (Look *) lfirst(lc);
		if (look->relid == relid)
			return look;
	}
	if (list_length(shares->looks) >= MAX_TABLES || !ActiveSnapshotSet())
		return NULL;
	old = MemoryContextSwitchTo(GetMemoryChunkContext(shares));
	look = palloc0(sizeof(Look));
	look->relid = relid;
	shares->looks = lappend(shares->looks, look);
	MemoryContextSwitchTo(old);
	look_at_table(look, conditions);
	return look;
}

/* Returns the rows of all looks taken together, which stand for a table that was not looked at. */
static Look
sum_looks(const PoPredicateShares *shares)
{
	Look		sum = {0};
	ListCell   *lc;

	foreach(lc, shares->looks)
	{
		sum.rows += ((const Look *) lfirst(lc))->rows;
		sum.kept += ((const Look *) lfirst(lc))->kept;
	}
	return sum;
}

/*
 * Returns the share of a table's rows for which conditions hold, which are an index's
 * predicate as the planner has it; root's only relation is the table, which must be locked.
 */
double
po_predicate_share_get(PoPredicateShares *shares, PlannerInfo *root, Oid relid, List *conditions)
{
	List	   *compared = NIL;
	List	   *others = NIL;
	const Look *known;
	Look		look;
	ListCell   *lc;

	foreach(lc, conditions)
	{
		if (compares_columns((Node *) lfirst(lc)))
			compared = lappend(compared, lfirst(lc));
		else
			others = lappend(others, lfirst(lc));
	}
	if (compared == NIL)
		return clauselist_selectivity(root, conditions, 0, JOIN_INNER, NULL);
	known = get_look(shares, relid, compared);
	look = known != NULL ? *known : sum_looks(shares);
	if (look.rows == 0)
		return clauselist_selectivity(root, conditions, 0, JOIN_INNER, NULL);
	/* What some rows do not show need not be nowhere. */
	return clauselist_selectivity(root, others, 0, JOIN_INNER, NULL) *
		(look.whole ? look.kept / look.rows : (look.kept + 1) / (look.rows + 2));
}
