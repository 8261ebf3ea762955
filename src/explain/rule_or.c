/*
 * rule_or.c
 *	  Findings about alternatives that no one index answers.
 */
#include "postgres.h"

#include "explain/advice.h"
#include "explain/condition.h"
#include "explain/rule.h"
#include "nodes/nodeFuncs.h"

/* Most arms of an OR for which indexes are tried. */
#define MAX_ARMS 8

/* Notes in a bit mask which sides of its join an expression is about, 4 for what cannot be told; an expression_tree_walker callback. */
static bool
note_sides(Node *node, int *sides)
{
	if (node == NULL)
		return false;
	if (IsA(node, Var))
		*sides |= ((Var *) node)->varno == OUTER_VAR ? 1 : ((Var *) node)->varno == INNER_VAR ? 2 : 4;
	else if (IsA(node, SubPlan) || IsA(node, AlternativeSubPlan))
		*sides |= 4;
	return expression_tree_walker(node, note_sides, sides);
}

/* Returns the condition of a join that is an OR each of whose arms is about one side alone, or NULL. */
static BoolExpr *
or_over_sides(const PoNode *node)
{
	List	   *quals;
	ListCell   *lc;

	if (node->plan == NULL || !po_condition_is_join(node))
		return NULL;
	quals = list_concat_copy(((Join *) node->plan)->joinqual, node->plan->qual);
	foreach(lc, quals)
	{
		BoolExpr   *clause = lfirst(lc);
		int			sides = 0;
		ListCell   *lc2;

		if (!is_orclause(clause))
			continue;
		foreach(lc2, clause->args)
		{
			int			about = 0;

			(void) note_sides(lfirst(lc2), &about);
			if (about != 1 && about != 2)
				break;
			sides |= about;
		}
		if (lc2 == NULL && sides == 3)
			return clause;
	}
	return NULL;
}

/* Tells whether a join's condition is an OR over its two sides, which or-across-columns reports. */
bool
po_rule_or_is_join(const PoNode *node)
{
	return or_over_sides(node) != NULL;
}

/* Reports alternatives over the two sides of a join: none of the tables can be entered by its own condition. */
static void
check_or_join(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *outer = po_node_child(analysis->tree, node, PO_ROLE_OUTER);
	double		read = outer ? po_finding_rows(analysis, outer) : 0;
	double		kept = po_finding_rows(analysis, node);
	char	   *condition = node->join_filter ? node->join_filter : node->filter;
	PoFindingDraft draft;

	if (read < PO_CONDITION_MIN_ROWS || kept > PO_CONDITION_MAX_KEPT * read || condition == NULL)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_text(&draft.evidence, "condition", condition);
	po_json_float(&draft.evidence, "rows_joined", read);
	po_json_float(&draft.evidence, "rows_kept", kept);
	draft.finding->message =
		psprintf("%s joins %.0f rows to keep %.0f, because %s names alternatives over different tables.",
				 node->type, read, kept, condition);
	draft.finding->advice =
		pstrdup("Write the alternatives as a UNION, each of which can enter its own table by an index.");
	po_finding_end(analysis, &draft);
}

/*
 * Returns the columns that the alternatives of an OR compare and that no index begins
 * with, NIL when one alternative compares none that an index could hold.
 */
static List *
compared_by_arms(const PoNode *node, Node *clause)
{
	List	   *columns = NIL;
	ListCell   *lc;

	foreach(lc, ((BoolExpr *) clause)->args)
	{
		PoPredicate first = {0};
		Node	   *arm = lfirst(lc);
		List	   *predicates = po_predicate_list(is_andclause(arm) ? ((BoolExpr *) arm)->args : list_make1(arm),
												   node->rti);
		List	   *found = po_predicate_columns(predicates, PO_PREDICATE_EQUAL);

		if (found == NIL)
			found = po_predicate_columns(predicates, PO_PREDICATE_RANGE);
		if (found == NIL)
			return NIL;
		first.attnum = linitial_int(found);
		if (!po_condition_any_index(node, &first, po_condition_leads))
			columns = list_append_unique_int(columns, first.attnum);
	}
	return columns;
}

/* or-across-columns: alternatives over several columns force a scan of the whole table. */
void
po_rule_or_columns(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	PoFindingDraft draft;
	List	   *columns;

	if (po_rule_or_is_join(node))
	{
		check_or_join(analysis, node);
		return;
	}
	if (node->kind != PO_NODE_SEQ_SCAN || !po_condition_is_worth_it(analysis, node))
		return;
	predicate = po_condition_find(analysis, node, PO_PREDICATE_OR);
	if (predicate == NULL)
		return;
	columns = compared_by_arms(node, predicate->clause);
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "condition", po_advice_expression(node, predicate->clause));
	draft.finding->message =
		psprintf("%s reads the whole table, because %s names alternatives over different columns.",
				 po_finding_label(node), po_advice_expression(node, predicate->clause));
	if (columns != NIL && list_length(columns) <= MAX_ARMS &&
		po_advice_prove_each(analysis, node, columns, &draft))
		draft.finding->advice =
			pstrdup("Create an index for each of the columns that has none, or write the alternatives as a UNION.");
	else
		draft.finding->advice =
			pstrdup("Write the alternatives as a UNION, so that each can use an index of its own.");
	po_finding_end(analysis, &draft);
}
