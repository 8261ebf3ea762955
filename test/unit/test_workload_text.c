/*
 * test_workload_text.c
 *	  Statement texts: what redaction leaves, and rewrites for all values at once.
 *
 * link: src/workload/text.c
 */
#include "postgres.h"

#include "tap.h"
#include "workload/text.h"

/* Redaction: constants and comments go, names and parameters stay. */
static void
test_redaction(void)
{
	static const struct
	{
		const char *text;
		const char *redacted;
	}			cases[] =
	{
		{"SELECT a1, \"x'y\" FROM t WHERE b = 'it''s' AND c = 4711", "SELECT a1, \"x'y\" FROM t WHERE b = '?' AND c = ?"},
		{"SELECT E'a\\'secret' || $tag$ it's $tag$ || U&'x' || $1", "SELECT '?' || '?' || '?' || $1"},
		{"SELECT 1 /* a /* b */ secret */ -- secret\n + 2.5e3", "SELECT ?    \n + ?"},
		{"SELECT 'never closed", "SELECT '?'"},
		{"SELECT 1 /* never closed", "SELECT ?  "},
	};

	for (int i = 0; i < lengthof(cases); i++)
		is_str(po_text_redact(cases[i].text, false), cases[i].redacted, cases[i].text);
	is_str(po_text_redact("x = 'a' LIMIT 5", true), "x = '?' LIMIT 5", "numbers can be kept");
}

/* Returns the rewrite of a text that has a key "column" with a value at each of the marks, which are left out. */
static const char *
rewrite(const char *marked, bool plain, int nkeys, bool readable)
{
	static char text[1024];
	PoRewrite	r = {.nkeys = nkeys, .relation = "public.t", .plain = plain, .readable = readable};
	int			columns = 0;
	int			values = 0;
	int			n = 0;

	for (const char *at = marked; *at != '\0'; at++)
	{
		if (*at == '{')
			r.keys[columns++].column_location = n;
		else if (*at == '}')
		{
			r.keys[values].location = n;
			r.keys[values].param = at[1] == '$' ? atoi(at + 2) : 0;
			r.keys[values].type = "integer";
			r.keys[values].column = values == 0 ? "a" : "b";
			values++;
		}
		else
			text[n++] = *at;
	}
	text[n] = '\0';
	return po_text_rewrite(text, &r);
}

/* A single column that is compared with one value becomes "= ANY". */
static void
test_any(void)
{
	is_str(rewrite("SELECT x FROM t WHERE {a = }$1", true, 1, true),
			  "SELECT a, x FROM t WHERE a = ANY($1::integer[])", "a parameter");
	is_str(rewrite("SELECT x FROM t WHERE {a = }5 ;\n", true, 1, true),
			  "SELECT a, x FROM t WHERE a = ANY($1::integer[])", "a constant");
	is_str(rewrite("SELECT x FROM t WHERE {a = }-5", true, 1, true),
			  "SELECT a, x FROM t WHERE a = ANY($1::integer[])", "a negative one");
	is_str(rewrite("/* app */ SELECT * FROM t WHERE b = $2 AND {t.\"a\" = }$1::int ORDER BY x", true, 1, true),
			  "/* app */ SELECT * FROM t WHERE b = $2 AND t.\"a\" = ANY($1::integer[]) ORDER BY x", "among others, behind a comment");
	is_str(rewrite("SELECT x FROM t WHERE b = $1 AND {a = }'7'", true, 1, true),
			  "SELECT a, x FROM t WHERE b = $1 AND a = ANY($2::integer[])", "a constant takes the next parameter");
}

/* What cannot be put so becomes a lateral join. */
static void
test_lateral(void)
{
	static const struct
	{
		const char *text;
		bool		plain;
		const char *inner;
	}			cases[] =
	{
		{"SELECT max(x) FROM t WHERE {a = }$1", false, "SELECT max(x) FROM t WHERE a = k.key"},
		{"SELECT x FROM t WHERE }$1 = {a", true, "SELECT x FROM t WHERE k.key = a"},
		{"SELECT x FROM t WHERE {a IN (}$1)", true, "SELECT x FROM t WHERE a IN (k.key)"},
		{"SELECT x FROM t WHERE {a = }$1 AND b <> $1", true, "SELECT x FROM t WHERE a = k.key AND b <> k.key"},
		{"SELECT x FROM t WHERE {a = }$1 ORDER BY 1", true, "SELECT x FROM t WHERE a = k.key ORDER BY 1"},
		{"SELECT FROM t WHERE {a = }$1", true, "SELECT FROM t WHERE a = k.key"},
		{"SELECT ALL x FROM t WHERE {a = }$1", true, "SELECT ALL x FROM t WHERE a = k.key"},
		{"WITH c AS (SELECT '$1') SELECT x FROM t WHERE {a = CAST(}$1 AS int)", false,
		"WITH c AS (SELECT '$1') SELECT x FROM t WHERE a = CAST(k.key AS int)"},
		{"SELECT x FROM t WHERE {a = }$1 -- the end", false, "SELECT x FROM t WHERE a = k.key -- the end"},
	};
	char		expected[512];

	for (int i = 0; i < lengthof(cases); i++)
	{
		snprintf(expected, sizeof(expected),
				 "SELECT k.*, q.* FROM unnest($1::integer[]) AS k(key) CROSS JOIN LATERAL (%s\n) AS q", cases[i].inner);
		is_str(rewrite(cases[i].text, cases[i].plain, 1, true), expected, cases[i].text);
	}
	is_str(rewrite("SELECT k.x FROM t k, u K1 WHERE {k.a = }$1 LIMIT 1", false, 1, true),
			  "SELECT k2.*, q.* FROM unnest($1::integer[]) AS k2(key) CROSS JOIN LATERAL (SELECT k.x FROM t k, u K1 WHERE k.a = k2.key LIMIT 1\n) AS q",
			  "an alias that is free");
	is_str(rewrite("SELECT x FROM t WHERE {a = }$1 AND {b = }7", true, 2, true),
			  "SELECT k.*, q.* FROM unnest($1::integer[], $2::integer[]) AS k(key1, key2) CROSS JOIN LATERAL (SELECT x FROM t WHERE a = k.key1 AND b = k.key2\n) AS q",
			  "two keys");
}

/* What is not understood becomes a plain read, or nothing. */
static void
test_fallback(void)
{
	PoRewrite	expression = {.nkeys = 1,.keys = {{.location = -1,.type = "text"}},.relation = "public.t"};

	is_str(rewrite("SELECT x FROM t WHERE {a = }r.id", true, 1, true),
			  "SELECT * FROM public.t WHERE a = ANY($1::integer[])", "a variable");
	is_str(rewrite("SELECT x FROM t WHERE {a = }5", true, 1, false),
			  "SELECT * FROM public.t WHERE a = ANY($1::integer[])", "a text that is cut");
	is_str(rewrite("SELECT x FROM t WHERE {a = date }'2000-01-01'", true, 1, true),
			  "SELECT * FROM public.t WHERE a = ANY($1::integer[])", "a constant behind its type");
	is_str(rewrite("SELECT x FROM t WHERE {a = }r.id AND {b = }s.id", true, 2, true),
			  "SELECT * FROM public.t WHERE (a, b) IN (SELECT * FROM unnest($1::integer[], $2::integer[]))", "two variables");
	ok(po_text_rewrite("SELECT", &expression) == NULL, "an expression over no single column");
}

/* What can be planned by itself. */
static void
test_plannable(void)
{
	ok(po_text_is_plannable("/* x */ (SELECT 1) UNION SELECT 2"), "a select in parentheses");
	ok(po_text_is_plannable("with\nx AS (SELECT 1) SELECT 2"), "a with");
	ok(!po_text_is_plannable("EXPLAIN SELECT 1"), "an explain");
	ok(!po_text_is_plannable("selected"), "another word");
}

int
main(void)
{
	test_plannable();
	test_redaction();
	test_any();
	test_lateral();
	test_fallback();
	return done();
}
