/*
 * rule_subquery.c
 *	  Findings about subqueries and common table expressions.
 */
#include "postgres.h"

#include "explain/rule.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "optimizer/optimizer.h"

/* correlated-subplan */
#define CORRELATED_MIN_LOOPS 1000
/* not-in-subquery */
#define NOT_IN_MIN_ROWS 1000
/* cte-materialized */
#define CTE_MIN_ROWS 1000
#define CTE_FILTERED 0.1

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

/* not-in-subquery: NOT IN over a subquery cannot become an anti-join, because of NULLs. */
void
po_rule_subquery_not_in(PoAnalysis *analysis, const PoNode *node)
{
	int			plan_id = 0;
	double		rows = 0;
	PoFindingDraft draft;

	if (node->plan == NULL || !find_not_in((Node *) node->plan->qual, &plan_id))
		return;
	for (int i = node->id; i < analysis->tree->nnodes; i++)
		if (analysis->tree->nodes[i].parent == node->id &&
			analysis->tree->nodes[i].role == PO_ROLE_SUBPLAN)
			rows = Max(rows, analysis->tree->nodes[i].rows);
	if (rows < NOT_IN_MIN_ROWS && node->rows < NOT_IN_MIN_ROWS)
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
static int
sum_scans(const PoAnalysis *analysis, const char *name, double *kept)
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

/*
 * Reports a CTE of the plan that is better inlined; chosen: it is known to be materialized
 * by choice.
 */
void
po_rule_subquery_check_cte(PoAnalysis *analysis, const char *name, bool chosen, const PoNode *root)
{
	double		rows = root->executed ? root->actual_rows : root->rows;
	double		kept;
	int			scans = sum_scans(analysis, name, &kept);
	PoFindingDraft draft;

	if (rows < CTE_MIN_ROWS || scans == 0 || (!chosen && kept > CTE_FILTERED * rows * scans))
		return;
	draft = po_finding_begin(analysis, root, po_finding_subtree_share(analysis, root));
	po_json_text(&draft.evidence, "cte", name);
	po_json_float(&draft.evidence, "rows", rows);
	po_json_int(&draft.evidence, "scans", scans);
	po_json_float(&draft.evidence, "rows_kept", kept);
	draft.finding->message =
		psprintf("CTE %s stores %.0f rows, and its %s %.0f of them.", name, rows,
				 scans == 1 ? "scan keeps" : psprintf("%d scans keep", scans), kept);
	draft.finding->advice =
		psprintf("Write %s AS NOT MATERIALIZED, so that conditions reach into it%s.", name,
				 analysis->statement ? "" : ", unless it calls volatile functions");
	po_finding_end(analysis, &draft);
}

/* cte-materialized: a large CTE is stored, though it could be inlined. */
void
po_rule_subquery_cte(PoAnalysis *analysis)
{
	ListCell   *lc;

	if (analysis->statement->query == NULL)
		return;
	foreach(lc, analysis->statement->query->cteList)
	{
		CommonTableExpr *cte = lfirst_node(CommonTableExpr, lc);
		char	   *name = psprintf("CTE %s", cte->ctename);

		for (int i = 0; i < analysis->tree->nnodes && is_inlinable(cte); i++)
		{
			const PoNode *node = &analysis->tree->nodes[i];

			if (node->subplan != NULL && strcmp(node->subplan, name) == 0)
			{
				po_rule_subquery_check_cte(analysis, cte->ctename,
										   cte->ctematerialized == CTEMaterializeAlways, node);
				break;
			}
		}
	}
}
