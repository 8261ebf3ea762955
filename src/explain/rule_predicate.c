/*
 * rule_predicate.c
 *	  Findings about functions and casts that hide a column from its indexes.
 */
#include "postgres.h"

#include "explain/advice.h"
#include "explain/condition.h"
#include "explain/rule.h"
#include "explain/skew.h"
#include "explain/wrapper.h"
#include "optimizer/optimizer.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* implicit-cast: pages that finding a value in an index costs, generously; its rows cost one each. */
#define PAGES_OF_LOOKUP 2

/* wrapped-column: a function or cast over a column hides it from every index. */
void
po_rule_predicate_wrapped(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	char	   *expression;
	PoFindingDraft draft;

	if (!po_condition_is_worth_it(analysis, node))
		return;
	predicate = po_condition_find(analysis, node, PO_PREDICATE_WRAPPED);
	if (predicate == NULL || po_condition_any_index(node, predicate, po_condition_in_index))
		return;
	expression = po_advice_expression(node, predicate->operand);
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "expression", expression);
	po_json_text(&draft.evidence, "column", get_attname(node->relid, predicate->attnum, false));
	draft.finding->message =
		psprintf("The condition on %s compares %s, so no index on column %s can serve it.",
				 quote_identifier(get_rel_name(po_facts_root(analysis, node->relid))), expression,
				 po_advice_column(node->relid, predicate->attnum));
	draft.finding->advice =
		po_wrapper_advice(node, predicate,
						  po_advice_prove_expression(analysis, node, predicate, &draft));
	po_finding_end(analysis, &draft);
}

/* Returns the conditions by which a join pairs rows. */
static List *
join_clauses(const Plan *plan)
{
	List	   *clauses = list_copy(((const Join *) plan)->joinqual);

	if (IsA(plan, HashJoin))
		clauses = list_concat(clauses, ((const HashJoin *) plan)->hashclauses);
	else if (IsA(plan, MergeJoin))
		clauses = list_concat(clauses, ((const MergeJoin *) plan)->mergeclauses);
	return clauses;
}

/* Returns the scan of a range table entry beneath a node, or NULL. */
static const PoNode *
scan_beneath(const PoAnalysis *analysis, const PoNode *top, int rti)
{
	for (int i = top->id; i < analysis->tree->nnodes && analysis->tree->nodes[i].depth > top->depth; i++)
	{
		const PoNode *node = &analysis->tree->nodes[i];

		if (node->rti == rti && po_node_is_scan(node))
			return node;
	}
	return NULL;
}

/* Tells whether a join gives each row of one of its sides, paired or not, so that all of them are read. */
static bool
keeps_all(const PoNode *join, bool outer_side)
{
	switch (join->jointype)
	{
		case JOIN_INNER:
		case JOIN_SEMI:
			return false;
		case JOIN_LEFT:
		case JOIN_ANTI:
			return outer_side;
		case JOIN_FULL:
			return true;
		default:
			return !outer_side;
	}
}

/* Returns how many rows of a scan's table a value of a predicate's column has on average. */
static double
rows_of_value(PoAnalysis *analysis, const PoNode *scan, const PoPredicate *predicate)
{
	double		tuples = po_facts_get(analysis, scan->relid)->tuples;
	double		distinct = po_skew_distinct(scan->relid, predicate->attnum, tuples);

	return distinct > 0 ? tuples / distinct : tuples;
}

/*
 * Tells whether a table that a join reads whole would be entered by an index, if only its
 * column were not cast: looking up each row of the other side costs less than the scan.
 * The planner's estimate of the join is of no use, it knows nothing of the cast's values.
 */
static bool
would_look_up(PoAnalysis *analysis, const PoNode *join, const PoNode *scan,
			  const PoPredicate *predicate)
{
	const PoNode *outer = po_node_child(analysis->tree, join, PO_ROLE_OUTER);
	const PoNode *inner = po_node_child(analysis->tree, join, PO_ROLE_INNER);
	bool		in_outer = inner != NULL && scan->id < inner->id;
	double		lookups;

	if (outer == NULL || inner == NULL || scan->condition != NULL || keeps_all(join, in_outer))
		return false;
	lookups = po_finding_rows(analysis, in_outer ? inner : outer);
	return lookups * (PAGES_OF_LOOKUP + rows_of_value(analysis, scan, predicate)) * random_page_cost <
		scan->total_cost;
}

/* Completes a finding about a column that is cast: what for, and what to do. */
static void
end_cast(PoAnalysis *analysis, PoFindingDraft *draft, const PoNode *scan, const PoPredicate *predicate,
		 const char *purpose, char *advice)
{
	char	   *from = format_type_be(predicate->from_type);
	char	   *to = format_type_be(predicate->to_type);

	po_json_text(&draft->evidence, "column", get_attname(scan->relid, predicate->attnum, false));
	po_json_text(&draft->evidence, "column_type", from);
	po_json_text(&draft->evidence, "cast_to", to);
	draft->finding->message =
		psprintf("Column %s of type %s is cast to %s to be %s, so no index on it can serve.",
				 po_advice_column(scan->relid, predicate->attnum), from, to, purpose);
	draft->finding->advice = advice;
	po_finding_end(analysis, draft);
}

/* Reports a join whose condition casts the indexed column of a table that is therefore read whole. */
static void
check_cast_join(PoAnalysis *analysis, const PoNode *join)
{
	ListCell   *lc;

	foreach(lc, join_clauses(join->plan))
	{
		int			rti;
		PoPredicate *predicate = po_predicate_joined_cast(join->plan, lfirst(lc), &rti);
		const PoNode *scan = predicate ? scan_beneath(analysis, join, rti) : NULL;
		PoFindingDraft draft;

		if (scan == NULL || po_finding_repeats(analysis, scan->relid) ||
			!would_look_up(analysis, join, scan, predicate) || !po_condition_any_index(scan, predicate, po_condition_leads) ||
			po_condition_any_index(scan, predicate, po_condition_in_index))
			continue;
		draft = po_finding_begin(analysis, join, po_finding_share(analysis, scan));
		draft.finding->relid = scan->relid;
		end_cast(analysis, &draft, scan, predicate, "joined",
				 psprintf("Give both columns one type, or cast the other side to %s where its values allow it.",
						  format_type_be(predicate->from_type)));
	}
}

/* implicit-cast: the column is cast to the type of what it is compared or joined with, which hides it from every index. */
void
po_rule_predicate_cast(PoAnalysis *analysis, const PoNode *node)
{
	PoPredicate *predicate;
	PoFindingDraft draft;

	if (po_condition_is_join(node))
	{
		check_cast_join(analysis, node);
		return;
	}
	if (!po_condition_is_worth_it(analysis, node))
		return;
	predicate = po_condition_find(analysis, node, PO_PREDICATE_CAST);
	if (predicate == NULL || po_condition_any_index(node, predicate, po_condition_in_index))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	end_cast(analysis, &draft, node, predicate, "compared",
			 psprintf("Cast the other side: compare with a value of type %s.",
					  format_type_be(predicate->from_type)));
}
