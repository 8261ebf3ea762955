/*
 * normalise.c
 *	  A view's query without the ways of writing it that do not change its rows.
 *
 * Pure.  WITH becomes subqueries in FROM, columns of joins become the columns of
 * the tables that they merge, and grouping expressions stand where they are used.
 * What cannot be written otherwise stays; shape.c refuses it.
 */
#include "postgres.h"

#include "core/compat.h"
#include "matview/normalise.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "rewrite/rewriteManip.h"

/* Whose WITH list is being replaced, and how deep below it the walk is. */
typedef struct InlineContext
{
	Query	   *owner;
	int			depth;
	bool		complete;		/* every reference could be replaced */
} InlineContext;

/* Returns the WITH query of that name that can stand in FROM, or NULL. */
static Query *
find_with(Query *owner, const char *name)
{
	ListCell   *cell;

	foreach(cell, owner->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, cell);

		if (strcmp(cte->ctename, name) == 0)
			return cte->cterecursive || !IsA(cte->ctequery, Query) ||
				((Query *) cte->ctequery)->commandType != CMD_SELECT ? NULL : (Query *) cte->ctequery;
	}
	return NULL;
}

/* Turns a reference to a WITH query into that query. */
static void
inline_reference(RangeTblEntry *rte, InlineContext *context)
{
	Query	   *query = find_with(context->owner, rte->ctename);

	if (query == NULL)
	{
		context->complete = false;
		return;
	}
	query = copyObject(query);
	if (context->depth > 0)
		IncrementVarSublevelsUp((Node *) query, context->depth, 1);
	rte->rtekind = RTE_SUBQUERY;
	rte->subquery = query;
	rte->ctename = NULL;
	rte->ctelevelsup = 0;
	rte->coltypes = NIL;
	rte->coltypmods = NIL;
	rte->colcollations = NIL;
}

/* query_tree_walker callback: replaces the references to the owner's WITH list. */
static bool
inline_walker(Node *node, void *arg)
{
	InlineContext *context = arg;

	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_CTE && rte->ctelevelsup == context->depth)
			inline_reference(rte, context);
		return false;
	}
	if (IsA(node, Query))
	{
		bool		result;

		check_stack_depth();
		context->depth++;
		result = query_tree_walker((Query *) node, inline_walker, arg, QTW_EXAMINE_RTES_BEFORE);
		context->depth--;
		return result;
	}
	return expression_tree_walker(node, inline_walker, arg);
}

/* Replaces a query's WITH list, unless it is recursive or changes data. */
static void
inline_with(Query *query)
{
	InlineContext context = {query, 0, true};

	if (query->cteList == NIL || query->hasRecursive || query->hasModifyingCTE)
		return;
	(void) query_tree_walker(query, inline_walker, &context,
							 QTW_EXAMINE_RTES_BEFORE | QTW_IGNORE_CTE_SUBQUERIES);
	if (context.complete)
		query->cteList = NIL;
}

/*
 * Rewrites a query in place, and the subqueries in its FROM.
 */
void
po_normalise_query(Query *query)
{
	ListCell   *cell;

	check_stack_depth();
	inline_with(query);
	PO_DROP_GROUP_RTE(query);
	if (query->setOperations == NULL)
	{
		query->targetList = (List *) PO_FLATTEN_JOIN_ALIASES(query, query->targetList);
		query->havingQual = PO_FLATTEN_JOIN_ALIASES(query, query->havingQual);
		query->jointree = (FromExpr *) PO_FLATTEN_JOIN_ALIASES(query, query->jointree);
	}
	foreach(cell, query->rtable)
	{
		RangeTblEntry *rte = lfirst_node(RangeTblEntry, cell);

		if (rte->rtekind == RTE_SUBQUERY)
			po_normalise_query(rte->subquery);
	}
}
