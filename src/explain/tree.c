/*
 * tree.c
 *	  A plan as a person reads it: lines of at most 100 columns.
 *
 *	  share of time    node                                             expected    actual
 *	  ########..  79%  Sort                                                1000     20000  x20
 *	  ##........  21%  `- Seq Scan on t                                    1000     20000  x20
 *
 * The bar is the node's own part of the statement's time, or of its cost when it was
 * not executed.  Conditions, figures and findings follow the node that they belong to,
 * left of them the lines of the tree go on.  Partitions beyond the first few that are
 * read alike and take little share one line.
 */
#include "postgres.h"

#include <ctype.h>
#include <math.h>

#include "explain/tree.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define WIDTH 100
#define BAR_WIDTH 10
#define NODE_COLUMN 17			/* where the tree begins */
#define NODE_WIDTH 52
#define NODE_WIDTH_PLANNED 68	/* without the columns of what was measured */
#define MAX_INDENT 30			/* deeper trees are not indented further */
#define MISESTIMATE 2			/* from this factor on it is shown */
#define CONDITION_LINES 3		/* of a long condition at most */
#define ALIKE_SHOWN 3			/* partitions read alike; more only when they
								 * matter: */
#define ALIKE_SHARE 0.1

/* The characters that lines are drawn with. */
typedef struct Glyphs
{
	const char *full;
	const char *empty;
	const char *branch;
	const char *last;
	const char *pipe;
	const char *ellipsis;
	const char *finding;
	const char *times;
	const char *divided;
} Glyphs;

static const Glyphs utf8_glyphs = {
	"\xE2\x96\x88", "\xE2\x96\x91", "\xE2\x94\x9C\xE2\x94\x80 ", "\xE2\x94\x94\xE2\x94\x80 ",
	"\xE2\x94\x82  ", "\xE2\x80\xA6", "\xE2\x96\xB2", "\xC3\x97", "\xC3\xB7"
};
static const Glyphs ascii_glyphs = {"#", ".", "|- ", "`- ", "|  ", "...", "!", "x", "/"};

/* The lines under construction. */
typedef struct Sheet
{
	const PoAnalysis *analysis;
	const Glyphs *glyphs;
	int			node_width;
	List	   *lines;
} Sheet;

/* Returns the columns that a text takes on a terminal. */
static int
display_width(const char *text)
{
	int			width = 0;

	for (; *text; text += pg_mblen(text))
		width += Max(pg_dsplen(text), 0);
	return width;
}

/* Appends a text cut to so many columns, with an ellipsis where it was cut. */
static void
append_cut(StringInfo line, const Glyphs *glyphs, const char *text, int width)
{
	int			used = 0;
	int			limit = width;

	if (display_width(text) > width)
		limit = width - display_width(glyphs->ellipsis);
	for (; *text; text += pg_mblen(text))
	{
		/*
		 * Line breaks and tabs in a condition's constants would break the
		 * table.
		 */
		bool		control = (unsigned char) *text < ' ';

		used += control ? 1 : Max(pg_dsplen(text), 0);
		if (used > limit)
		{
			appendStringInfoString(line, glyphs->ellipsis);
			return;
		}
		if (control)
			appendStringInfoChar(line, ' ');
		else
			appendBinaryStringInfo(line, text, pg_mblen(text));
	}
}

/* Pads a line with spaces up to a column. */
static void
pad_to(StringInfo line, int column)
{
	int			width = display_width(line->data);

	while (width++ < column)
		appendStringInfoChar(line, ' ');
}

/* Prints a count in at most eight columns. */
static char *
count_text(double count)
{
	if (count < 1e8)
		return psprintf(count < 10 && count != rint(count) ? "%.1f" : "%.0f", count);
	if (count < 1e11)
		return psprintf("%.1fM", count / 1e6);
	return psprintf("%.2g", count);
}

/* Appends the bar of a node's share, and the share in percent. */
static void
append_bar(StringInfo line, const Glyphs *glyphs, double share)
{
	int			filled = (int) rint(share * BAR_WIDTH);

	for (int i = 0; i < BAR_WIDTH; i++)
		appendStringInfoString(line, i < filled ? glyphs->full : glyphs->empty);
	appendStringInfo(line, " %3.0f%%  ", share * 100);
}

/* Tells whether a node has a sibling below it. */
static bool
has_next(const Sheet *sheet, const PoNode *node)
{
	return node->parent != 0 && po_node_next_sibling(sheet->analysis->tree, node) != NULL;
}

/* Returns the lines of the tree left of a node; below: left of what belongs to the node. */
static char *
tree_prefix(const Sheet *sheet, const PoNode *node, bool below)
{
	const Glyphs *glyphs = sheet->glyphs;
	StringInfoData prefix;
	const PoNode *above;

	initStringInfo(&prefix);
	if (node->depth == 0)
		return prefix.data;
	if (node->depth * 3 > MAX_INDENT)
		return psprintf("%*s(%d) ", MAX_INDENT, "", node->depth);
	for (above = node; above != NULL && above->depth > 0;
		 above = po_node_parent(sheet->analysis->tree, above))
	{
		const char *part = has_next(sheet, above) ? glyphs->pipe : "   ";
		char	   *rest = pstrdup(prefix.data);

		if (above == node && !below)
			part = has_next(sheet, above) ? glyphs->branch : glyphs->last;
		resetStringInfo(&prefix);
		appendStringInfo(&prefix, "%s%s", part, rest);
		pfree(rest);
	}
	return prefix.data;
}

/* Returns a node's name with what it reads. */
static char *
node_text(const PoNode *node)
{
	StringInfoData text;

	initStringInfo(&text);
	if (node->subplan != NULL)
		appendStringInfo(&text, "%s: ", node->subplan);
	appendStringInfoString(&text, node->type);
	if (node->index_name != NULL)
		appendStringInfo(&text, " using %s", quote_identifier(node->index_name));
	if (node->kind == PO_NODE_BITMAP_INDEX_SCAN)
		return text.data;
	if (node->relation != NULL)
		appendStringInfo(&text, " on %s", quote_identifier(node->relation));
	/* A partition's alias is the server's own counting. */
	if (node->alias != NULL && node->role != PO_ROLE_MEMBER &&
		(node->relation == NULL || strcmp(node->alias, node->relation) != 0))
		appendStringInfo(&text, " %s", quote_identifier(node->alias));
	return text.data;
}

/* Tells whether a node's count of rows can be compared with the estimate. */
static bool
is_comparable(const Sheet *sheet, const PoNode *node)
{
	if (node->kind == PO_NODE_BITMAP_AND || node->kind == PO_NODE_BITMAP_OR ||
		node->kind == PO_NODE_MODIFY)
		return false;
	return node->actual_rows >= node->rows || !po_finding_stops_early(sheet->analysis, node);
}

/* Appends expected and actual rows, and by which factor there were more or fewer. */
static void
append_rows(StringInfo line, const Sheet *sheet, const PoNode *node)
{
	double		expected = Max(node->rows, 1);
	double		actual = Max(node->actual_rows, 1);
	double		factor = Max(expected / actual, actual / expected);

	appendStringInfo(line, " %9s", count_text(node->rows));
	if (!node->executed)
		return;
	if (node->loops == 0)
	{
		appendStringInfoString(line, " never ran");
		return;
	}
	appendStringInfo(line, " %9s", count_text(node->actual_rows));
	if (factor >= MISESTIMATE && is_comparable(sheet, node))
		appendStringInfo(line, "  %s%s",
						 actual > expected ? sheet->glyphs->times : sheet->glyphs->divided,
						 count_text(rint(Min(factor, 99999))));
}

/*
 * Returns the length in bytes of what fits into so many columns, cut at a space outside
 * quotes if there is one: a statement that is copied from there still runs.
 */
static int
fitting(const char *text, int width)
{
	const char *place = text;
	const char *space = NULL;
	char		quote = '\0';
	int			used = 0;

	for (; *place; place += pg_mblen(place))
	{
		used += Max(pg_dsplen(place), 0);
		if (used > width)
			return space ? space - text : Max(place - text, pg_mblen(text));
		/* After a letter it is an apostrophe. */
		if (quote == '\0' && (*place == '"' || (*place == '\'' &&
												(place == text || !isalnum((unsigned char) place[-1])))))
			quote = *place;
		else if (*place == quote)
			quote = '\0';
		if (*place == ' ' && quote == '\0')
			space = place;
	}
	return place - text;
}

/* Returns a copy of a text with spaces for line breaks and tabs, which would break the table. */
static char *
one_line(const char *text)
{
	char	   *copy = pstrdup(text);

	for (char *place = copy; *place; place++)
		if ((unsigned char) *place < ' ')
			*place = ' ';
	return copy;
}

/*
 * Adds a text in at most so many lines, the last one cut where it has more, the first after
 * one head, the others after another as wide.
 */
static void
add_text(Sheet *sheet, const char *head, const char *next_head, const char *text, int lines)
{
	int			width = WIDTH - display_width(head);
	const char *rest = one_line(text);

	for (int i = 1; i == 1 || *rest; i++)
	{
		StringInfoData line;
		int			length = fitting(rest, width);

		initStringInfo(&line);
		appendStringInfoString(&line, i == 1 ? head : next_head);
		if (i == lines)
		{
			append_cut(&line, sheet->glyphs, rest, width);
			length = strlen(rest);
		}
		else
			appendBinaryStringInfo(&line, rest, length);
		sheet->lines = lappend(sheet->lines, line.data);
		rest += length;
		while (*rest == ' ')
			rest++;
	}
}

/* Returns the beginning of a line that belongs to a node, up to its text. */
static char *
detail_head(const Sheet *sheet, const PoNode *node)
{
	return psprintf("%*s%s  ", NODE_COLUMN, "", node ? tree_prefix(sheet, node, true) : "");
}

/* Adds what belongs to a node, after a label. */
static void
add_detail(Sheet *sheet, const PoNode *node, const char *label, const char *text)
{
	char	   *head = detail_head(sheet, node);

	if (text != NULL)
		add_text(sheet, psprintf("%s%s ", head, label),
				 psprintf("%s%*s ", head, (int) strlen(label), ""), text, CONDITION_LINES);
}

/* Appends one figure to a list of them. */
static void
append_figure(StringInfo figures, const char *figure)
{
	appendStringInfo(figures, "%s%s", figures->len > 0 ? ", " : "", figure);
}

/* Appends what a node used of memory, disk and workers. */
static void
append_resources(StringInfo figures, const PoNode *node)
{
	if (node->workers_planned > 0)
		append_figure(figures, node->executed ?
					  psprintf("%d of %d workers", node->workers_launched, node->workers_planned) :
					  psprintf("%d workers", node->workers_planned));
	if (node->sort_disk_kb + node->hash_disk_kb > 0)
		append_figure(figures, psprintf("%lld kB on disk",
										(long long) (node->sort_disk_kb + node->hash_disk_kb)));
	if (node->hash_batches > 1)
		append_figure(figures, psprintf("%lld batches", (long long) node->hash_batches));
	if (node->cache_hits + node->cache_misses > 0)
		append_figure(figures, psprintf("%s of %s lookups hit", count_text(node->cache_hits),
										count_text(node->cache_hits + node->cache_misses)));
	if (node->lossy_pages > 0)
		append_figure(figures, psprintf("%lld lossy pages", (long long) node->lossy_pages));
	if (node->subplans_removed > 0)
		append_figure(figures, psprintf("%d pruned", node->subplans_removed));
}

/* Returns how many blocks a node used, and how many of them were not in the buffer cache. */
static char *
blocks_text(const PoNode *node)
{
	int64		blocks = node->shared_hit + node->shared_read;

	if (node->shared_read == 0)
		return psprintf("%lld block%s", (long long) blocks, blocks == 1 ? "" : "s");
	return psprintf("%lld block%s (%lld read)", (long long) blocks, blocks == 1 ? "" : "s",
					(long long) node->shared_read);
}

/* Adds a line of what was measured of a node beside its rows, where there is something to say. */
static void
add_figures(Sheet *sheet, const PoNode *node)
{
	StringInfoData figures;
	char	   *head = detail_head(sheet, node);

	initStringInfo(&figures);
	if (node->loops > 1)
		append_figure(&figures, psprintf("%s loops", count_text(node->loops)));
	if (node->rows_removed >= 0.05)
		append_figure(&figures, psprintf("removes %s rows%s", count_text(node->rows_removed),
										 node->loops > 1 ? " a loop" : ""));
	if (node->heap_fetches > 0)
		append_figure(&figures, psprintf("%s heap fetches", count_text(node->heap_fetches)));
	append_resources(&figures, node);
	if (po_node_is_scan(node) && node->shared_hit + node->shared_read > 0)
		append_figure(&figures, blocks_text(node));
	if (figures.len > 0)
		add_text(sheet, head, head, figures.data, 1);
}

/* Adds a finding below a node (NULL: below the tree): what, then what to do, then the statement to run. */
static void
add_finding(Sheet *sheet, const PoNode *node, const PoFinding *finding)
{
	char	   *head = node ? detail_head(sheet, node) : "";
	char	   *indented = psprintf("%s  ", head);

	add_text(sheet, psprintf("%s%s ", head, sheet->glyphs->finding), indented,
			 psprintf("%s %s: %s %s", po_finding_severity_name(finding->severity),
					  finding->rule, finding->message, finding->advice), -1);
	if (finding->suggested_sql != NULL)
		add_text(sheet, indented, indented, finding->suggested_sql, -1);
}

/* Adds the findings of one node; NULL: of the statement. */
static void
add_findings(Sheet *sheet, const PoNode *node)
{
	ListCell   *lc;

	foreach(lc, sheet->analysis->findings)
	{
		const PoFinding *finding = lfirst(lc);

		if (finding->node_id == (node ? node->id : 0))
			add_finding(sheet, node, finding);
	}
}

/* Adds the line of the table that shows a node under a name; what does not fit follows below. */
static void
add_row(Sheet *sheet, const PoNode *node, double share, const char *name)
{
	StringInfoData line;
	char	   *prefix = tree_prefix(sheet, node, false);
	int			length = fitting(name, sheet->node_width - display_width(prefix));
	char	   *head = detail_head(sheet, node);

	initStringInfo(&line);
	append_bar(&line, sheet->glyphs, share);
	appendStringInfoString(&line, prefix);
	appendBinaryStringInfo(&line, name, length);
	pad_to(&line, NODE_COLUMN + sheet->node_width);
	append_rows(&line, sheet, node);
	sheet->lines = lappend(sheet->lines, line.data);
	if (name[length] != '\0')
		add_text(sheet, head, head, name + length + (name[length] == ' '), CONDITION_LINES);
}

/* Tells whether a node's condition is that of the bitmap below, which shows it. */
static bool
repeats_condition(const Sheet *sheet, const PoNode *node)
{
	const PoNode *below = po_node_child(sheet->analysis->tree, node, PO_ROLE_OUTER);

	return node->kind == PO_NODE_BITMAP_HEAP_SCAN && below != NULL && below->condition != NULL &&
		node->condition != NULL && strcmp(below->condition, node->condition) == 0;
}

/* Adds the lines of one node. */
static void
add_node(Sheet *sheet, const PoNode *node)
{
	bool		join = node->kind == PO_NODE_HASH_JOIN || node->kind == PO_NODE_MERGE_JOIN;

	add_row(sheet, node, po_finding_share(sheet->analysis, node), node_text(node));
	add_detail(sheet, node, "by", node->keys);
	if (!repeats_condition(sheet, node))
		add_detail(sheet, node, join ? "on" : "where", node->condition);
	add_detail(sheet, node, "join filter", node->join_filter);
	add_detail(sheet, node, "filter", node->filter);
	add_figures(sheet, node);
	add_findings(sheet, node);
}

/* Tells whether two texts, either of which may be NULL, are the same. */
static bool
same_text(const char *one, const char *other)
{
	return one == other || (one != NULL && other != NULL && strcmp(one, other) == 0);
}

/* Tells whether a node is a partition that is read as the first one beside it is, and takes little. */
static bool
is_one_of_many(const Sheet *sheet, const PoNode *node)
{
	const PoPlanTree *tree = sheet->analysis->tree;
	const PoNode *above = po_node_parent(tree, node);
	const PoNode *first;
	ListCell   *lc;

	if (node->role != PO_ROLE_MEMBER || above == NULL ||
		(node->id < tree->nnodes && tree->nodes[node->id].depth > node->depth) ||
		po_finding_share(sheet->analysis, node) >= ALIKE_SHARE)
		return false;
	first = po_node_child(tree, above, PO_ROLE_MEMBER);
	if (node->id < first->id + ALIKE_SHOWN || strcmp(node->type, first->type) != 0 ||
		!same_text(node->condition, first->condition) || !same_text(node->filter, first->filter))
		return false;
	foreach(lc, sheet->analysis->findings)
		if (((const PoFinding *) lfirst(lc))->node_id == node->id)
		return false;
	return true;
}

/* Adds one line for n nodes in a row. */
static void
add_many(Sheet *sheet, const PoNode *nodes, int n)
{
	PoNode		sum = nodes[n - 1];
	double		share = 0;

	sum.rows = sum.actual_rows = sum.loops = 0;
	for (int i = 0; i < n; i++)
	{
		share += po_finding_share(sheet->analysis, &nodes[i]);
		sum.rows += nodes[i].rows;
		sum.actual_rows += nodes[i].actual_rows;
		sum.loops += nodes[i].loops;
	}
	add_row(sheet, &sum, Min(share, 1), psprintf("%s %d more like these", sheet->glyphs->ellipsis, n));
}

/* Adds the nodes; those that are one of many and stand in a row together in one line. */
static void
add_nodes(Sheet *sheet)
{
	const PoPlanTree *tree = sheet->analysis->tree;
	int			n;

	for (int i = 0; i < tree->nnodes; i += n)
	{
		n = 0;
		while (i + n < tree->nnodes && tree->nodes[i + n].parent == tree->nodes[i].parent &&
			   is_one_of_many(sheet, &tree->nodes[i + n]))
			n++;
		if (n > 1)
			add_many(sheet, &tree->nodes[i], n);
		else
		{
			n = 1;
			add_node(sheet, &tree->nodes[i]);
		}
	}
}

/* Appends what was measured of the whole statement. */
static void
append_execution(StringInfo line, const PoAnalysis *analysis)
{
	const PoPlanTree *tree = analysis->tree;

	appendStringInfo(line, "; execution %.3f ms, %s row%s, %s", tree->execution_ms,
					 count_text(tree->result_rows), tree->result_rows == 1 ? "" : "s",
					 blocks_text(&tree->nodes[0]));
	if (analysis->statement->query != NULL &&
		analysis->statement->query->commandType != CMD_SELECT)
		appendStringInfoString(line, "; rolled back");
}

/* Adds the lines above the tree: what the whole statement costs, and the columns' names. */
static void
add_summary(Sheet *sheet)
{
	const PoAnalysis *analysis = sheet->analysis;
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "cost %.2f; planning %.3f ms", analysis->tree->total_cost,
					 analysis->planning_ms);
	if (analysis->tree->executed && analysis->tree->nnodes > 0)
		append_execution(&line, analysis);
	if (analysis->statement->source != PO_SOURCE_LITERAL)
		appendStringInfo(&line, "; plan source: %s",
						 po_query_source_name(analysis->statement->source));
	add_text(sheet, "", "", line.data, -1);
	resetStringInfo(&line);
	appendStringInfo(&line, "%-*snode", NODE_COLUMN,
					 analysis->tree->executed ? "share of time" : "share of cost");
	pad_to(&line, NODE_COLUMN + sheet->node_width);
	appendStringInfo(&line, " %9s%s", "expected", analysis->tree->executed ? "    actual" : "");
	sheet->lines = lappend(sheet->lines, line.data);
}

/* Adds a line for each trigger that fired, and one for the compilation of expressions. */
static void
add_beside_plan(Sheet *sheet)
{
	const PoPlanTree *tree = sheet->analysis->tree;

	for (int i = 0; i < tree->ntriggers; i++)
	{
		const PoTrigger *trigger = &tree->triggers[i];
		char	   *name = OidIsValid(trigger->constraint) ?
		get_constraint_name(trigger->constraint) : trigger->name;

		add_text(sheet, "", "", psprintf("trigger %s: %.0f call%s, %.3f ms", quote_identifier(name),
										 trigger->calls, trigger->calls == 1 ? "" : "s",
										 trigger->total_ms), -1);
	}
	if (tree->jit_functions > 0)
		add_text(sheet, "", "", psprintf("compiling %d expressions: %.3f ms", tree->jit_functions,
										 tree->jit_ms), -1);
}

/*
 * Returns the lines that show an analysed statement, as a list of C strings in the
 * current memory context; utf8 allows box-drawing characters.
 */
List *
po_tree_lines(const PoAnalysis *analysis, bool utf8)
{
	Sheet		sheet = {analysis, utf8 ? &utf8_glyphs : &ascii_glyphs,
	analysis->tree->executed ? NODE_WIDTH : NODE_WIDTH_PLANNED, NIL};

	add_summary(&sheet);
	add_nodes(&sheet);
	add_beside_plan(&sheet);
	add_findings(&sheet, NULL);
	return sheet.lines;
}
