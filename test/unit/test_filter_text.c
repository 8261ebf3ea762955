/*
 * test_filter_text.c
 *	  Conditions as EXPLAIN prints them: their parts, and what comparisons compare.
 *
 * link: src/explain/filter_text.c
 */
#include "postgres.h"

#include "explain/filter_text.h"
#include "tap.h"

/* Checks the parts of a condition, given as one text with bars between. */
static void
check_split(const char *condition, const char *word, const char *wanted)
{
	int			n;
	char	  **parts = po_filter_text_split(condition, word, &n);
	char		text[1000] = "";

	for (int i = 0; i < n; i++)
	{
		strcat(text, i > 0 ? "|" : "");
		strcat(text, parts[i]);
	}
	is_str(text, wanted, condition);
}

/* Checks what a comparison compares. */
static void
check_clause(const char *condition, PoFilterShape shape, const char *column, bool constant)
{
	PoFilterClause clause = po_filter_text_clause(condition);

	ok(clause.shape == shape, condition);
	is_str(clause.column ? clause.column : "none", column, "its column");
	ok(clause.constant == constant, "whether the other side is constant");
}

/* Runs the cases. */
int
main(void)
{
	PoFilterClause clause;

	check_split("(a = 5)", " AND ", "a = 5");
	check_split("((a = 5) AND (b = 'x AND y'::text))", " AND ", "(a = 5)|(b = 'x AND y'::text)");
	check_split("(((a = 5) OR (b = 6)) AND (c = 7))", " AND ", "((a = 5) OR (b = 6))|(c = 7)");
	check_split("((a = 5) OR (b = 6) OR c)", " OR ", "(a = 5)|(b = 6)|c");
	check_split("((a = 5) AND (\"x) AND (\" = 6))", " AND ", "(a = 5)|(\"x) AND (\" = 6)");
	check_split("((a = 'it''s (') AND b)", " AND ", "(a = 'it''s (')|b");
	check_split("((unbalanced", " AND ", "((unbalanced");
	check_split("", " AND ", "");
	check_split("(a AND ", " AND ", "(a AND ");

	check_clause("(a = 5)", PO_FILTER_COLUMN, "a", true);
	check_clause("(t.\"userId\" = '5'::text)", PO_FILTER_COLUMN, "\"userId\"", true);
	check_clause("(\"a = b\" = 5)", PO_FILTER_COLUMN, "\"a = b\"", true);
	check_clause("(a = b)", PO_FILTER_COLUMN, "a", false);
	check_clause("(a = $0)", PO_FILTER_COLUMN, "a", false);
	check_clause("(a = ANY ('{1,2}'::integer[]))", PO_FILTER_COLUMN, "a", true);
	check_clause("(lower(email) = 'x'::text)", PO_FILTER_FUNCTION, "email", true);
	check_clause("(lower((email)::text) = 'x'::text)", PO_FILTER_FUNCTION, "email", true);
	check_clause("(date_trunc('month'::text, \"createdAt\") = '2026-01-01 00:00:00'::timestamp without time zone)",
				 PO_FILTER_FUNCTION, "\"createdAt\"", true);
	check_clause("(EXTRACT(year FROM created) = '2026'::numeric)", PO_FILTER_FUNCTION, "created", true);
	check_clause("((created)::date = '2026-01-01'::date)", PO_FILTER_FUNCTION, "created", true);
	check_clause("((id)::numeric = 5.0)", PO_FILTER_CAST, "id", true);
	check_clause("((x.id)::double precision = '5'::double precision)", PO_FILTER_CAST, "id", true);
	check_clause("((email)::text = 'x'::text)", PO_FILTER_OTHER, "email", true);
	check_clause("((a + 1) = 5)", PO_FILTER_OTHER, "none", true);
	check_clause("(lower('X'::text) = b)", PO_FILTER_OTHER, "none", false);
	check_clause("(now() > '2026-01-01 00:00:00+00'::timestamp with time zone)", PO_FILTER_OTHER, "none", true);
	check_clause("(deleted IS NULL)", PO_FILTER_OTHER, "none", true);
	check_clause("(NOT (hashed SubPlan 1))", PO_FILTER_OTHER, "none", true);
	check_clause("", PO_FILTER_OTHER, "none", true);
	check_clause("(a = 'open", PO_FILTER_OTHER, "none", true);
	check_clause("a = ", PO_FILTER_COLUMN, "a", true);

	clause = po_filter_text_clause("((id)::numeric >= 5.0)");
	is_str(clause.type, "numeric", "a cast's type");
	is_str(clause.op, ">=", "the operator");
	is_str(clause.right, "5.0", "the other side");
	ok(po_filter_text_row_cost("(a = 5)") < 0.03, "an operator is cheap");
	ok(po_filter_text_row_cost("(f(a) = 5)") > 0.25, "a function may not be");
	return done();
}
