/*
 * rule_filter.c
 *	  Findings about the conditions of a pasted plan, by what EXPLAIN printed of them.
 *
 * Without row counts (no ANALYZE) a sequential scan's cost tells how large the table is at
 * least; the planner's cost settings are taken for the server's defaults unless the
 * document says otherwise.
 */
#include "postgres.h"

#include "explain/filter_text.h"
#include "explain/rule.h"

/* Smaller tables are read in no time whatever the condition. */
#define MIN_ROWS 1000
/* A condition that keeps more than this share of the table gains nothing by an index. */
#define MAX_KEPT 0.2
/* selective-seq-scan: the thresholds of rule_scan.c */
#define SELECTIVE_KEPT 0.05
#define SELECTIVE_MIN_PAGES 1000
#define SELECTIVE_MIN_ROWS 50000

/* Returns a number of rows that the scan reads at least, by its cost; 0 when that says nothing. */
static double
least_rows(const PoAnalysis *analysis, const PoNode *node)
{
	if (analysis->other_costs || node->disabled || strstr(node->filter, "SubPlan") != NULL)
		return 0;
	/* A row costs a page of its own at most, and its test. */
	return (node->total_cost - node->startup_cost) / (1 + po_filter_text_row_cost(node->filter));
}

/* Tells whether a scan is one where a better condition would matter; sets what it reads and keeps. */
static bool
is_worth_it(PoAnalysis *analysis, const PoNode *node, double *read, double *kept)
{
	if (node->kind != PO_NODE_SEQ_SCAN || node->filter == NULL)
		return false;
	*read = node->executed ? node->removed_filter + node->total_rows : least_rows(analysis, node);
	*kept = po_finding_rows(analysis, node);
	return *read >= MIN_ROWS && *kept <= MAX_KEPT * *read &&
		!po_finding_repeats(analysis, node->relid);
}

/* Returns the first comparison of a shape with a constant in a filter; false for none. */
static bool
find_clause(const char *filter, PoFilterShape shape, PoFilterClause *clause)
{
	int			n;
	char	  **parts = po_filter_text_split(filter, " AND ", &n);

	for (int i = 0; i < n; i++)
	{
		*clause = po_filter_text_clause(parts[i]);
		if (clause->shape == shape && clause->constant)
			return true;
	}
	return false;
}

/*
 * Tells whether a condition of a filter is an OR over different columns, which it returns
 * in *alternatives unless that is NULL.
 */
static bool
has_alternatives(const char *filter, char **alternatives)
{
	int			n;
	char	  **parts = po_filter_text_split(filter, " AND ", &n);

	for (int i = 0; i < n; i++)
	{
		int			nchoices;
		char	  **choices = po_filter_text_split(parts[i], " OR ", &nchoices);
		const char *first = nchoices > 1 ? po_filter_text_clause(choices[0]).column : NULL;

		for (int j = 1; j < nchoices && first != NULL; j++)
		{
			const char *other = po_filter_text_clause(choices[j]).column;

			if (other == NULL || strcmp(other, first) == 0)
				continue;
			if (alternatives != NULL)
				*alternatives = parts[i];
			return true;
		}
	}
	return false;
}

/* Tells whether a filter of a pasted plan holds alternatives over several columns. */
bool
po_rule_filter_has_or(const char *filter)
{
	return has_alternatives(filter, NULL);
}

/* selective-seq-scan, of a plan that was not executed: what a large table's scan keeps is little. */
void
po_rule_filter_selective(PoAnalysis *analysis, const PoNode *node)
{
	double		read;
	double		kept;
	double		cost = node->total_cost - node->startup_cost;
	PoFindingDraft draft;

	if (node->executed || !is_worth_it(analysis, node, &read, &kept) ||
		kept >= SELECTIVE_KEPT * read || has_alternatives(node->filter, NULL) ||
		po_finding_stops_early(analysis, node))
		return;
	/* Only a table that is large by pages or by rows can cost as much. */
	if (cost < SELECTIVE_MIN_PAGES + SELECTIVE_MIN_ROWS * po_filter_text_row_cost(node->filter))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_float(&draft.evidence, "scan_cost", cost);
	po_json_float(&draft.evidence, "rows_expected", kept);
	draft.finding->message =
		psprintf("%s reads a large table, at a cost of %.0f, to keep about %.0f rows that match %s.",
				 po_finding_label(node), cost, kept, node->filter);
	draft.finding->advice = pstrdup("Create an index on the columns of the condition.");
	po_finding_end(analysis, &draft);
}

/* Tells whether a clause is a LIKE without a fixed beginning, or an ILIKE. */
static bool
is_wildcard(const PoFilterClause *clause)
{
	if (clause->column == NULL || clause->right[0] != '\'')
		return false;
	return strcmp(clause->op, "~~*") == 0 ||
		(strcmp(clause->op, "~~") == 0 && (clause->right[1] == '%' || clause->right[1] == '_'));
}

/* leading-wildcard: a scan removes most rows by a pattern without a fixed beginning. */
void
po_rule_filter_wildcard(PoAnalysis *analysis, const PoNode *node)
{
	double		read;
	double		kept;
	int			n;
	char	  **parts;
	PoFindingDraft draft;

	if (!is_worth_it(analysis, node, &read, &kept))
		return;
	parts = po_filter_text_split(node->filter, " AND ", &n);
	for (int i = 0; i < n; i++)
	{
		PoFilterClause clause = po_filter_text_clause(parts[i]);

		if (!is_wildcard(&clause))
			continue;
		draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
		po_json_text(&draft.evidence, "column", clause.column);
		po_json_text(&draft.evidence, "filter", parts[i]);
		draft.finding->message = psprintf("%s looks for %s %s %s, which no B-tree index can find.",
										  po_finding_label(node), clause.column,
										  strcmp(clause.op, "~~*") == 0 ? "ILIKE" : "LIKE",
										  clause.right);
		draft.finding->advice =
			psprintf("Install the extension pg_trgm and create a GIN index on %s with gin_trgm_ops.",
					 clause.column);
		po_finding_end(analysis, &draft);
		return;
	}
}

/* wrapped-column: a function over a column hides it from every index but one on the expression. */
void
po_rule_filter_wrapped(PoAnalysis *analysis, const PoNode *node)
{
	double		read;
	double		kept;
	PoFilterClause clause;
	PoFindingDraft draft;

	if (!is_worth_it(analysis, node, &read, &kept) ||
		!find_clause(node->filter, PO_FILTER_FUNCTION, &clause))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "expression", clause.left);
	po_json_text(&draft.evidence, "column", clause.column);
	draft.finding->message =
		psprintf("The condition on %s compares %s, so no index on column %s can serve it.",
				 node->relation ? node->relation : "a table", clause.left, clause.column);
	draft.finding->advice =
		psprintf("Compare the bare column, by a range of its values, or create an index on %s if it is immutable.",
				 clause.left);
	po_finding_end(analysis, &draft);
}

/* implicit-cast: the column is converted to the value's type, which hides it from every index. */
void
po_rule_filter_cast(PoAnalysis *analysis, const PoNode *node)
{
	double		read;
	double		kept;
	PoFilterClause clause;
	PoFindingDraft draft;

	if (!is_worth_it(analysis, node, &read, &kept) ||
		!find_clause(node->filter, PO_FILTER_CAST, &clause))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "column", clause.column);
	po_json_text(&draft.evidence, "cast_to", clause.type);
	draft.finding->message =
		psprintf("Column %s is cast to %s to be compared with %s, so no index on it can serve.",
				 clause.column, clause.type, clause.right);
	draft.finding->advice = pstrdup("Cast the other side: compare with a value of the column's type.");
	po_finding_end(analysis, &draft);
}

/* or-across-columns: alternatives over several columns force a scan of the whole table. */
void
po_rule_filter_or(PoAnalysis *analysis, const PoNode *node)
{
	double		read;
	double		kept;
	char	   *condition;
	PoFindingDraft draft;

	if (!is_worth_it(analysis, node, &read, &kept) || !has_alternatives(node->filter, &condition))
		return;
	draft = po_finding_begin(analysis, node, po_finding_relation_share(analysis, node));
	po_json_text(&draft.evidence, "condition", condition);
	draft.finding->message =
		psprintf("%s reads the whole table, because %s names alternatives over different columns.",
				 po_finding_label(node), condition);
	draft.finding->advice =
		pstrdup("Create an index for each of the columns, or write the alternatives as a UNION.");
	po_finding_end(analysis, &draft);
}
