/*
 * rule_pasted.c
 *	  Findings that a pasted plan shows by other signs than a plan at hand.
 *
 * There is no statement, no catalog and no plan node to look into, only what EXPLAIN
 * printed.  Where the text leaves a doubt the rule stays quiet.
 */
#include "postgres.h"

#include "explain/rule.h"

/* large-offset */
#define OFFSET_MIN 1000
#define OFFSET_FACTOR 10
/* not-in-subquery */
#define NOT_IN_MIN_ROWS 1000
/* leading-wildcard */
#define WILDCARD_MIN_ROWS 1000
#define WILDCARD_MAX_KEPT 0.2
/* fk-trigger-time */
#define TRIGGER_SHARE 0.2
#define TRIGGER_MIN_MS 1
/* How the server names the triggers on a referenced table; those on the referencing one have a "c". */
#define ACTION_TRIGGER_PREFIX "RI_ConstraintTrigger_a_"

/*
 * large-offset: the rows that a LIMIT takes in and does not give out are those that an
 * OFFSET skips, for it reads no row more than it needs.
 */
void
po_rule_pasted_offset(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *input;
	double		skipped;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_LIMIT || !node->executed || node->loops < 1)
		return;
	input = po_node_child(analysis->tree, node, PO_ROLE_OUTER);
	if (input == NULL || !input->executed || input->loops != node->loops)
		return;
	skipped = input->actual_rows - node->actual_rows;
	if (skipped < OFFSET_MIN || skipped < OFFSET_FACTOR * node->actual_rows)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_float(&draft.evidence, "rows_skipped", skipped);
	po_json_float(&draft.evidence, "rows_returned", node->actual_rows);
	draft.finding->message = psprintf("OFFSET skips %.0f rows to return %.0f.", skipped,
									  node->actual_rows);
	draft.finding->advice =
		pstrdup("Continue after the last row of the page before, by a condition on the sort keys.");
	po_finding_end(analysis, &draft);
}

/*
 * Tells whether a filter is NOT IN over a subquery.  A hashed NOT EXISTS reads the
 * same, and the planner makes one where it is an alternative of something else;
 * before 17 one that is not hashed reads the same too.
 */
static bool
says_not_in(const char *filter)
{
	if (strstr(filter, "hashed SubPlan") != NULL)
		return strstr(filter, " OR ") == NULL &&
			(strstr(filter, "NOT (ANY (") != NULL || strstr(filter, "NOT (hashed SubPlan") != NULL);
	return strstr(filter, "SubPlan") != NULL && strstr(filter, "NOT (ANY (") != NULL;
}

/* not-in-subquery: NOT IN over a large subquery was not turned into an anti-join. */
void
po_rule_pasted_not_in(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *subplan;
	double		rows;
	PoFindingDraft draft;

	if (node->filter == NULL || !says_not_in(node->filter))
		return;
	subplan = po_node_child(analysis->tree, node, PO_ROLE_SUBPLAN);
	rows = subplan == NULL ? 0 : subplan->executed ? subplan->actual_rows : subplan->rows;
	if (rows < NOT_IN_MIN_ROWS && node->rows < NOT_IN_MIN_ROWS)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_float(&draft.evidence, "subquery_rows", rows);
	draft.finding->message =
		psprintf("NOT IN over a subquery of %.0f rows cannot become an anti-join.", rows);
	draft.finding->advice = pstrdup("Write NOT EXISTS, which also ignores NULLs of the subquery.");
	po_finding_end(analysis, &draft);
}

/* Returns the LIKE condition in a filter that no B-tree serves, from its operator on, or NULL. */
static const char *
find_wildcard(const char *filter)
{
	const char *place = strstr(filter, " ~~* '");

	if (place != NULL)
		return place + 1;
	for (place = strstr(filter, " ~~ '"); place != NULL; place = strstr(place + 1, " ~~ '"))
		if (place[5] == '%' || place[5] == '_')
			return place + 1;
	return NULL;
}

/* leading-wildcard: a scan removes most rows by a pattern without a fixed beginning. */
void
po_rule_pasted_wildcard(PoAnalysis *analysis, const PoNode *node)
{
	const char *place;
	double		read = node->removed_filter + node->total_rows;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_SEQ_SCAN || node->filter == NULL || read < WILDCARD_MIN_ROWS ||
		node->total_rows > WILDCARD_MAX_KEPT * read || strstr(node->filter, " OR ") != NULL)
		return;
	place = find_wildcard(node->filter);
	if (place == NULL)
		return;
	draft = po_finding_begin(analysis, node, po_finding_share(analysis, node));
	po_json_text(&draft.evidence, "filter", node->filter);
	po_json_float(&draft.evidence, "rows_removed", node->removed_filter);
	draft.finding->message =
		psprintf("%s removes %.0f of %.0f rows by %s, which no B-tree index can find.",
				 po_finding_label(node), node->removed_filter, read,
				 strncmp(place, "~~*", 3) == 0 ? "ILIKE" : "LIKE with a leading wildcard");
	draft.finding->advice =
		pstrdup("Install the extension pg_trgm and create a GIN index on the column with gin_trgm_ops.");
	po_finding_end(analysis, &draft);
}

/* fk-trigger-time: referential actions took much of the time. */
void
po_rule_pasted_triggers(PoAnalysis *analysis)
{
	const PoPlanTree *tree = analysis->tree;

	for (int i = 0; i < tree->ntriggers; i++)
	{
		const PoTrigger *trigger = &tree->triggers[i];
		PoFindingDraft draft;

		if (trigger->constraint_name == NULL || trigger->total_ms < TRIGGER_MIN_MS ||
			strncmp(trigger->name, ACTION_TRIGGER_PREFIX, strlen(ACTION_TRIGGER_PREFIX)) != 0 ||
			trigger->total_ms < TRIGGER_SHARE * tree->execution_ms)
			continue;
		draft = po_finding_begin(analysis, NULL, tree->execution_ms > 0 ?
								 Min(trigger->total_ms / tree->execution_ms, 1) : 1);
		po_json_text(&draft.evidence, "constraint", trigger->constraint_name);
		po_json_float(&draft.evidence, "calls", trigger->calls);
		po_json_float(&draft.evidence, "trigger_ms", trigger->total_ms);
		draft.finding->message =
			psprintf("The foreign key %s took %.1f of %.1f ms in %.0f calls.", trigger->constraint_name,
					 trigger->total_ms, tree->execution_ms, trigger->calls);
		draft.finding->advice =
			pstrdup("Create an index on the referencing columns, if there is none; else change fewer rows in one statement.");
		po_finding_end(analysis, &draft);
	}
}
