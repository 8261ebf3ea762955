/*
 * rule_pasted.c
 *	  Findings that a pasted plan shows by other signs than a plan at hand.
 *
 * There is no statement, no catalog and no plan node to look into, only what EXPLAIN
 * printed.  Where the text leaves a doubt the rule stays quiet.
 */
#include "postgres.h"

#include <math.h>

#include "explain/rule.h"
#include "utils/builtins.h"

/* large-offset */
#define OFFSET_MIN 1000
#define OFFSET_FACTOR 10
#define OFFSET_UNKNOWN 0.1		/* of the input, as the planner assumes */
/* not-in-subquery */
#define NOT_IN_MIN_ROWS 1000
/* cte-materialized */
#define CTE_MIN_ROWS 1000
#define CTE_FILTERED 0.1
/* sparse-relation: not even values stored out of line explain so many blocks of a row */
#define SPARSE_MIN_BLOCKS 64
#define SPARSE_BLOCKS_PER_ROW 1000
/* fk-trigger-time */
#define TRIGGER_SHARE 0.2
#define TRIGGER_MIN_MS 1
/* How the server names the triggers on a referenced table; those on the referencing one have a "c". */
#define ACTION_TRIGGER_PREFIX "RI_ConstraintTrigger_a_"

/* Returns the rows that a LIMIT took in and did not give out: it reads none more than it needs. */
static double
rows_skipped(const PoNode *limit, const PoNode *input)
{
	if (!limit->executed || !input->executed || limit->loops < 1 || input->loops != limit->loops)
		return 0;
	return input->actual_rows - limit->actual_rows;
}

/*
 * Returns about how many rows an OFFSET skips, by what it adds to the startup cost; 0 where
 * the planner did not know it and took a tenth of the input for granted.
 */
static double
rows_skipped_by_cost(const PoNode *limit, const PoNode *input)
{
	double		run_cost = input->total_cost - input->startup_cost;
	double		part;

	if (run_cost <= 0)
		return 0;
	part = (limit->startup_cost - input->startup_cost) / run_cost;
	if (part <= 0 || part > 1 || fabs(part - OFFSET_UNKNOWN) < 0.0005)
		return 0;
	return rint(part * input->rows);
}

/* large-offset: rows are produced only to be skipped. */
void
po_rule_pasted_offset(PoAnalysis *analysis, const PoNode *node)
{
	const PoNode *input;
	double		skipped;
	double		returned = node->executed ? node->actual_rows : node->rows;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_LIMIT)
		return;
	input = po_node_child(analysis->tree, node, PO_ROLE_OUTER);
	if (input == NULL)
		return;
	skipped = node->executed ? rows_skipped(node, input) : rows_skipped_by_cost(node, input);
	if (skipped < OFFSET_MIN || skipped < OFFSET_FACTOR * returned)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_float(&draft.evidence, "rows_skipped", skipped);
	po_json_float(&draft.evidence, "rows_returned", returned);
	draft.finding->message = psprintf("OFFSET skips %s%.0f rows to return %.0f.",
									  node->executed ? "" : "about ", skipped, returned);
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

/* Tells whether a CTE is one that the planner can never inline. */
static bool
must_be_stored(const PoAnalysis *analysis, const PoNode *root)
{
	for (int i = root->id - 1; i < analysis->tree->nnodes; i++)
	{
		const PoNode *below = &analysis->tree->nodes[i];

		if (below != root && below->depth <= root->depth)
			break;
		if (below->kind == PO_NODE_MODIFY || strcmp(below->type, "Recursive Union") == 0 ||
			strcmp(below->type, "LockRows") == 0)
			return true;
	}
	return false;
}

/* cte-materialized: a large CTE is stored, and its scans keep little of it. */
void
po_rule_pasted_cte(PoAnalysis *analysis, const PoNode *node)
{
	static const char prefix[] = "CTE ";
	const char *name;
	double		rows = node->executed ? node->actual_rows : node->rows;
	double		kept;
	int			scans;
	PoFindingDraft draft;

	if (node->role != PO_ROLE_INITPLAN || node->subplan == NULL || rows < CTE_MIN_ROWS ||
		strncmp(node->subplan, prefix, strlen(prefix)) != 0 || must_be_stored(analysis, node))
		return;
	name = node->subplan + strlen(prefix);
	scans = po_rule_subquery_cte_scans(analysis, name, &kept);
	if (scans == 0 || kept > CTE_FILTERED * rows * scans)
		return;
	draft = po_finding_begin(analysis, node, po_finding_subtree_share(analysis, node));
	po_json_text(&draft.evidence, "cte", name);
	po_json_float(&draft.evidence, "rows", rows);
	po_json_int(&draft.evidence, "scans", scans);
	po_json_float(&draft.evidence, "rows_kept", kept);
	draft.finding->message =
		psprintf("CTE %s stores %.0f rows, and its %s %.0f of them.", name, rows,
				 scans == 1 ? "scan keeps" : psprintf("%d scans keep", scans), kept);
	draft.finding->advice =
		psprintf("Write %s AS NOT MATERIALIZED, so that conditions reach into it, unless it calls volatile functions.",
				 quote_identifier(name));
	po_finding_end(analysis, &draft);
}

/* sparse-relation: a sequential scan reads pages that hold hardly a row. */
void
po_rule_pasted_sparse(PoAnalysis *analysis, const PoNode *node)
{
	double		blocks = (double) (node->shared_hit + node->shared_read);
	double		scanned = node->total_rows + node->removed_filter;
	PoFindingDraft draft;

	if (node->kind != PO_NODE_SEQ_SCAN || node->loops < 1 ||
		blocks < SPARSE_MIN_BLOCKS * node->loops + SPARSE_BLOCKS_PER_ROW * scanned ||
		po_node_child(analysis->tree, node, PO_ROLE_SUBPLAN) != NULL ||
		po_node_child(analysis->tree, node, PO_ROLE_INITPLAN) != NULL ||
		po_finding_repeats(analysis, node->relid))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_float(&draft.evidence, "blocks_read", blocks);
	po_json_float(&draft.evidence, "rows_scanned", scanned);
	draft.finding->message = psprintf("%s reads %.0f pages to find %.0f rows in them.",
									  po_finding_label(node), blocks, scanned);
	draft.finding->advice =
		pstrdup("Vacuum the table; if it stays sparse, rewrite it with VACUUM FULL, which locks it meanwhile.");
	po_finding_end(analysis, &draft);
}
