/*
 * tree.c
 *	  A plan as a person reads it: lines of at most 100 columns.
 *
 *	  share            node                                             expected    actual
 *	  ########..  79%  Sort                                                1000     20000  x20
 *	  ##........  21%  `- Seq Scan on t                                    1000     20000  x20
 *
 * The bar is the node's own part of the statement's time, or of its cost when it was
 * not executed.  Conditions and findings follow the node that they belong to.
 */
#include "postgres.h"

#include <math.h>

#include "explain/tree.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

#define WIDTH 100
#define BAR_WIDTH 10
#define NODE_COLUMN 17			/* where the tree begins */
#define NODE_WIDTH 52
#define MAX_INDENT 30			/* deeper trees are not indented further */
#define MISESTIMATE 2			/* from this factor on it is shown */

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
} Glyphs;

static const Glyphs utf8_glyphs = {
	"\xE2\x96\x88", "\xE2\x96\x91", "\xE2\x94\x9C\xE2\x94\x80 ", "\xE2\x94\x94\xE2\x94\x80 ",
	"\xE2\x94\x82  ", "\xE2\x80\xA6", "\xE2\x96\xB2", "\xC3\x97"
};
static const Glyphs ascii_glyphs = {"#", ".", "|- ", "`- ", "|  ", "...", "!", "x"};

/* The lines under construction. */
typedef struct Sheet
{
	const PoAnalysis *analysis;
	const Glyphs *glyphs;
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
		/* Line breaks and tabs in a condition's constants would break the table. */
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
	if (node->relation != NULL)
		appendStringInfo(&text, " on %s", quote_identifier(node->relation));
	if (node->alias != NULL && (node->relation == NULL || strcmp(node->alias, node->relation) != 0))
		appendStringInfo(&text, " %s", quote_identifier(node->alias));
	return text.data;
}

/* Appends expected and actual rows, and by which factor they differ. */
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
	if (factor >= MISESTIMATE)
		appendStringInfo(line, "  %s%s", sheet->glyphs->times, count_text(rint(Min(factor, 99999))));
}

/* Adds a line that belongs to a node, below it. */
static void
add_detail(Sheet *sheet, const PoNode *node, const char *label, const char *text)
{
	StringInfoData line;

	if (text == NULL)
		return;
	initStringInfo(&line);
	pad_to(&line, NODE_COLUMN);
	appendStringInfo(&line, "%s  ", tree_prefix(sheet, node, true));
	append_cut(&line, sheet->glyphs, psprintf("%s %s", label, text),
			   WIDTH - display_width(line.data));
	sheet->lines = lappend(sheet->lines, line.data);
}

/* Returns the length in bytes of what fits into so many columns, cut at a space if there is one. */
static int
fitting(const char *text, int width)
{
	const char *place = text;
	const char *space = NULL;
	int			used = 0;

	for (; *place; place += pg_mblen(place))
	{
		used += Max(pg_dsplen(place), 0);
		if (used > width)
			return space ? space - text : Max(place - text, pg_mblen(text));
		if (*place == ' ')
			space = place;
	}
	return place - text;
}

/* Adds a text in as many lines as it needs, the first after a head, the others indented. */
static void
add_wrapped(Sheet *sheet, const char *head, const char *text)
{
	int			indent = display_width(head);

	for (bool first = true; first || *text; first = false)
	{
		StringInfoData line;
		int			length = fitting(text, WIDTH - indent);

		initStringInfo(&line);
		if (first)
			appendStringInfoString(&line, head);
		pad_to(&line, indent);
		appendBinaryStringInfo(&line, text, length);
		sheet->lines = lappend(sheet->lines, line.data);
		text += length;
		while (*text == ' ')
			text++;
	}
}

/* Adds a finding: what, then what to do, then the statement to run. */
static void
add_finding(Sheet *sheet, const PoFinding *finding, int column)
{
	StringInfoData head;

	initStringInfo(&head);
	pad_to(&head, column);
	appendStringInfo(&head, "%s ", sheet->glyphs->finding);
	add_wrapped(sheet, head.data, psprintf("%s %s: %s %s", po_finding_severity_name(finding->severity),
										  finding->rule, finding->message, finding->advice));
	if (finding->suggested_sql == NULL)
		return;
	resetStringInfo(&head);
	pad_to(&head, column + 2);
	add_wrapped(sheet, head.data, finding->suggested_sql);
}

/* Adds the findings of one node; 0: of the statement. */
static void
add_findings(Sheet *sheet, int node_id)
{
	ListCell   *lc;

	foreach(lc, sheet->analysis->findings)
	{
		const PoFinding *finding = lfirst(lc);

		if (finding->node_id == node_id)
			add_finding(sheet, finding, node_id == 0 ? 0 : NODE_COLUMN);
	}
}

/* Adds the lines of one node. */
static void
add_node(Sheet *sheet, const PoNode *node)
{
	StringInfoData line;
	char	   *prefix = tree_prefix(sheet, node, false);

	initStringInfo(&line);
	append_bar(&line, sheet->glyphs, po_finding_share(sheet->analysis, node));
	appendStringInfoString(&line, prefix);
	append_cut(&line, sheet->glyphs, node_text(node), NODE_WIDTH - display_width(prefix));
	pad_to(&line, NODE_COLUMN + NODE_WIDTH);
	append_rows(&line, sheet, node);
	sheet->lines = lappend(sheet->lines, line.data);
	add_detail(sheet, node, "by", node->keys);
	add_detail(sheet, node, "where", node->condition);
	add_detail(sheet, node, "join filter", node->join_filter);
	add_detail(sheet, node, "filter", node->filter);
	add_findings(sheet, node->id);
}

/* Adds the line above the tree: what the whole statement costs. */
static void
add_summary(Sheet *sheet)
{
	const PoAnalysis *analysis = sheet->analysis;
	StringInfoData line;

	initStringInfo(&line);
	appendStringInfo(&line, "plan for %s; cost %.2f; planning %.3f ms",
					 po_query_source_name(analysis->statement->source),
					 analysis->tree->total_cost, analysis->planning_ms);
	if (analysis->tree->executed)
		appendStringInfo(&line, "; execution %.3f ms, %s rows", analysis->tree->execution_ms,
						 count_text(analysis->tree->result_rows));
	sheet->lines = lappend(sheet->lines, line.data);
	initStringInfo(&line);
	appendStringInfo(&line, "%-*snode", NODE_COLUMN,
					 analysis->tree->executed ? "share of time" : "share of cost");
	pad_to(&line, NODE_COLUMN + NODE_WIDTH);
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

		add_wrapped(sheet, "", psprintf("trigger %s: %.0f calls, %.3f ms", quote_identifier(name),
										trigger->calls, trigger->total_ms));
	}
	if (tree->jit_functions > 0)
		add_wrapped(sheet, "", psprintf("compiling %d expressions: %.3f ms", tree->jit_functions,
										tree->jit_ms));
}

/*
 * Returns the lines that show an analysed statement, as a list of C strings in the
 * current memory context; utf8 allows box-drawing characters.
 */
List *
po_tree_lines(const PoAnalysis *analysis, bool utf8)
{
	Sheet		sheet = {analysis, utf8 ? &utf8_glyphs : &ascii_glyphs, NIL};

	add_summary(&sheet);
	for (int i = 0; i < analysis->tree->nnodes; i++)
		add_node(&sheet, &analysis->tree->nodes[i]);
	add_beside_plan(&sheet);
	add_findings(&sheet, 0);
	return sheet.lines;
}
