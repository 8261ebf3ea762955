/*
 * test_repair.c
 *	  Repairing normalised texts: what is rewritten, and what must stay as it is.
 *
 * link: src/plan/repair.c
 */
#include "postgres.h"

#include "plan/repair.h"
#include "tap.h"

/* Checks that a text is rewritten to another, or stays when both are the same. */
static void
check(const char *text, const char *wanted)
{
	is_str(po_repair_text(text, false), wanted, text);
}

/* Like check, where the text does not parse as it stands, so that names are types. */
static void
check_names(const char *text, const char *wanted)
{
	is_str(po_repair_text(text, true), wanted, text);
}

/* Runs the cases. */
int
main(void)
{
	check("select 1", "select 1");
	check("select $1", "select $1");
	check("a > interval $1", "a > CAST($1 AS interval)");
	check("a > INTERVAL  $12 and b", "a > CAST($12 AS INTERVAL) and b");
	check("a = date $1 or b = date $2", "a = CAST($1 AS date) or b = CAST($2 AS date)");
	check("timestamp with time zone $1", "CAST($1 AS timestamp with time zone)");
	check("timestamp without time zone $1", "CAST($1 AS timestamp without time zone)");
	check("interval $1 day", "CAST($1 AS interval day)");
	check("interval $1 hour to minute", "CAST($1 AS interval hour to minute)");
	check("interval(3) $1 + x", "CAST($1 AS interval(3)) + x");
	check("timestamp(3) with time zone $1", "CAST($1 AS timestamp(3) with time zone)");
	check("numeric(10, 2) $1", "CAST($1 AS numeric(10, 2))");
	check("double precision $1", "CAST($1 AS double precision)");
	check("character varying(9) $1", "CAST($1 AS character varying(9))");
	check("f(a) = $1", "f(a) = $1");
	check("color $1", "color $1");
	check_names("a = color $1", "a = CAST($1 AS color)");
	check_names("a = app.\"Color\" $1", "a = CAST($1 AS app.\"Color\")");
	check_names("select distinct $1 limit $2", "select distinct $1 limit $2");
	check_names("a at time zone $1", "a at time zone $1");
	ok(po_repair_has_parameter("a $$ $1") && !po_repair_has_parameter("a $$ $x$"), "a parameter");
	ok(po_repair_begins_utility("/* app */ -- x\n SET work_mem = $1") && po_repair_begins_utility("vacuum") &&
	   po_repair_begins_utility("EXPLAIN SELECT 1"), "utility statements");
	ok(!po_repair_begins_utility(" (SELECT 1)") && !po_repair_begins_utility("/* set */ With x AS (SELECT $1) SELECT 2") &&
	   !po_repair_begins_utility("declare $1 cursor for select 1") && !po_repair_begins_utility(""), "statements with a plan, and none");
	check("extract($1 from x)", "pg_catalog.extract($1, x)");
	check("EXTRACT ( $1 FROM x) + $2", "pg_catalog.EXTRACT ( $1, x) + $2");
	check("'interval $1'", "'interval $1'");
	check("\"interval\" $1", "\"interval\" $1");
	check("$q$interval $1$q$ $2", "$q$interval $1$q$ $2");
	check("/* interval /* $1 */ date */ $1", "/* interval /* $1 */ date */ $1");
	check("a -- date", "a -- date");
	check("E'\\'date ' $1", "E'\\'date ' $1");
	check("limit $1 offset $2", "limit $1 offset $2");
	return done();
}
