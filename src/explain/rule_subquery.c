/*
 * rule_subquery.c
 *	  Findings about subqueries and common table expressions.
 */
#include "postgres.h"

#include "explain/advice.h"
#include "explain/rule.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"

/* correlated-subplan */
#define CORRELATED_MIN_LOOPS 1000
/* not-in-subquery */
#define NOT_IN_MIN_ROWS 1000
/* cte-materialized */
#define CTE_MIN_ROWS 1000
#define CTE_MIN_GAIN 0.1		/* of the statement's cost, by inlining */

/* Returns how often a subplan ran, or is expected to run. */
static double
subplan_loops(const PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *above = po_node_parent(analysis->tree, node);
	const PoNode *input;

	if (node->executed || above == NULL)
		return node->loops;
	input = po_node_child(analysis->tree, above, PO_ROLE_OUTER);
	return input ? Max(input->rows, above->rows) : above->rows;
}

/* correlated-subplan: a subquery runs once for each of many rows. */
void
po_rule_subquery_correlated(PoAnalysis *analysis, const PoNode *node)
{
	double		loops;
	PoFindingDraft draft;

	if (node->role != PO_ROLE_SUBPLAN || !node->correlated || node->hashed)
		return;
	loops = subplan_loops(analysis, node);
	if (loops < CORRELATED_MIN_LOOPS)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_float(&draft.evidence, "loops", loops);
	po_json_text(&draft.evidence, "subplan", node->subplan);
	draft.finding->message = psprintf("%s runs once for each of %.0f rows.", node->subplan, loops);
	draft.finding->advice =
		pstrdup("Write the subquery as a join, or as a LATERAL join that is computed once for each key.");
	po_finding_end(analysis, &draft);
}

/* Finds NOT (x = ANY (subplan)) in an expression and stores the plan's number. */
static bool
find_not_in(Node *node, int *plan_id)
{
	if (node == NULL)
		return false;
	if (is_notclause(node))
	{
		Node	   *inner = (Node *) get_notclausearg((Expr *) node);

		if (IsA(inner, SubPlan) && ((SubPlan *) inner)->subLinkType == ANY_SUBLINK)
		{
			*plan_id = ((SubPlan *) inner)->plan_id;
			return true;
		}
	}
	return expression_tree_walker(node, find_not_in, plan_id);
}

/* Returns how many rows a subquery below a node gives: measured, or expected. */
static double
subquery_rows(const PoAnalysis *analysis, const PoNode *node, int plan_id)
{
	const PlannedStmt *planned = analysis->statement->plan;
	const Plan *plan = planned != NULL && plan_id <= list_length(planned->subplans) ?
	list_nth(planned->subplans, plan_id - 1) : NULL;

	for (int i = node->id; i < analysis->tree->nnodes; i++)
	{
		const PoNode *below = &analysis->tree->nodes[i];

		if (below->plan == plan && plan != NULL)
			return below->executed && below->loops > 0 ? below->actual_rows : below->rows;
	}
	return plan != NULL ? plan->plan_rows : 0;
}

/* not-in-subquery: NOT IN over a subquery cannot become an anti-join, because of NULLs. */
void
po_rule_subquery_not_in(PoAnalysis *analysis, const PoNode *node)
{
	int			plan_id = 0;
	double		rows;
	PoFindingDraft draft;

	if (node->plan == NULL || !find_not_in((Node *) node->plan->qual, &plan_id))
		return;
	rows = subquery_rows(analysis, node, plan_id);
	if (rows < NOT_IN_MIN_ROWS && po_finding_rows(analysis, node) < NOT_IN_MIN_ROWS)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_float(&draft.evidence, "subquery_rows", rows);
	draft.finding->message =
		psprintf("NOT IN over a subquery of %.0f rows cannot become an anti-join.", rows);
	draft.finding->advice =
		pstrdup("Write NOT EXISTS, which also ignores NULLs of the subquery.");
	po_finding_end(analysis, &draft);
}

/* Tells whether a CTE is materialized by choice, where the planner might have inlined it. */
static bool
is_inlinable(const CommonTableExpr *cte)
{
	Query	   *query = (Query *) cte->ctequery;

	return !cte->cterecursive && IsA(query, Query) && query->commandType == CMD_SELECT &&
		query->rowMarks == NIL && !contain_volatile_functions((Node *) query);
}

/* Adds up what the scans of a CTE keep, and counts them. */
int
po_rule_subquery_cte_scans(const PoAnalysis *analysis, const char *name, double *kept)
{
	int			scans = 0;

	*kept = 0;
	for (int i = 0; i < analysis->tree->nnodes; i++)
	{
		const PoNode *node = &analysis->tree->nodes[i];

		if (node->kind == PO_NODE_CTE_SCAN && node->relation != NULL &&
			strcmp(node->relation, name) == 0)
		{
			scans++;
			*kept += node->executed ? node->actual_rows : node->rows;
		}
	}
	return scans;
}

/* The CTE to inline, and how many were found. */
typedef struct CteSearch
{
	const char *name;
	int			found;
} CteSearch;

/* Marks the CTEs of a name that can be inlined as to be inlined; a query_tree_walker callback. */
static bool
mark_inlined(Node *node, CteSearch *search)
{
	ListCell   *lc;

	if (node == NULL)
		return false;
	if (!IsA(node, Query))
		return expression_tree_walker(node, mark_inlined, search);
	foreach(lc, ((Query *) node)->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);

		if (strcmp(cte->ctename, search->name) != 0 || !is_inlinable(cte))
			continue;
		cte->ctematerialized = CTEMaterializeNever;
		search->found++;
	}
	return query_tree_walker((Query *) node, mark_inlined, search, 0);
}

/* Returns what the statement costs with a CTE inlined, or -1 when it cannot be. */
static double
cost_inlined(const PoStatement *statement, const char *name)
{
	PoStatement inlined = *statement;
	CteSearch	search = {name, 0};

	inlined.query = copyObject(statement->query);
	inlined.queries = list_make1(inlined.query);
	(void) mark_inlined((Node *) inlined.query, &search);
	return search.found == 1 ? po_query_cost(&inlined) : -1;
}

/* Reports a CTE of the plan that is cheaper inlined, by planning the statement so. */
static void
check_cte(PoAnalysis *analysis, const char *name, const PoNode *root)
{
	double		rows = root->executed ? root->actual_rows : root->rows;
	double		before = analysis->tree->total_cost;
	double		after;
	double		kept;
	int			scans = po_rule_subquery_cte_scans(analysis, name, &kept);
	PoFindingDraft draft;

	if (rows < CTE_MIN_ROWS || scans == 0 || !po_advice_can_prove(analysis) ||
		list_length(analysis->statement->queries) != 1)
		return;
	analysis->proofs++;
	after = cost_inlined(analysis->statement, name);
	if (after < 0 || before - after < CTE_MIN_GAIN * before)
		return;
	draft = po_finding_begin(analysis, root, (before - after) / before);
	po_json_text(&draft.evidence, "cte", name);
	po_json_float(&draft.evidence, "rows", rows);
	po_json_int(&draft.evidence, "scans", scans);
	po_json_float(&draft.evidence, "rows_kept", kept);
	po_json_float(&draft.evidence, "cost_before", before);
	po_json_float(&draft.evidence, "cost_after", after);
	draft.finding->message = scans == 1 ?
		psprintf("CTE %s stores %.0f rows, and its scan keeps %.0f of them.", name, rows, kept) :
		psprintf("CTE %s stores %.0f rows, and its %d scans keep %.0f of them.", name, rows,
				 scans, kept);
	draft.finding->advice =
		psprintf("Write %s AS NOT MATERIALIZED, so that conditions reach into it.",
				 quote_identifier(name));
	po_finding_end(analysis, &draft);
}

/* cte-materialized: a large CTE is stored, though the statement is cheaper with it inlined. */
void
po_rule_subquery_cte(PoAnalysis *analysis)
{
	if (analysis->statement->query == NULL)
		return;
	for (int i = 0; i < analysis->tree->nnodes; i++)
	{
		const PoNode *node = &analysis->tree->nodes[i];

		if (node->role == PO_ROLE_INITPLAN && node->subplan != NULL &&
			strncmp(node->subplan, "CTE ", 4) == 0)
			check_cte(analysis, node->subplan + 4, node);
	}
}
