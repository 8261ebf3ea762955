/*
 * prospect.c
 *	  Whether a materialized view that does not exist yet could be refreshed incrementally.
 */
#include "postgres.h"

#include "matview/incremental.h"
#include "matview/prospect.h"
#include "matview/shape.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/tcopprot.h"
#include "utils/builtins.h"

/* Returns the statement in a text that creates one materialized view; raises 22023 for any other. */
static CreateTableAsStmt *
parse_definition(const char *definition)
{
	List	   *statements = raw_parser(definition, RAW_PARSE_DEFAULT);
	Node	   *statement = list_length(statements) == 1 ? linitial_node(RawStmt, statements)->stmt : NULL;

	if (statement == NULL || !IsA(statement, CreateTableAsStmt) ||
		((CreateTableAsStmt *) statement)->objtype != OBJECT_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"definition\" creates no materialized view"),
				 errhint("Pass one CREATE MATERIALIZED VIEW statement, as suggest_matviews returns it.")));
	return (CreateTableAsStmt *) statement;
}

/* Says why a view with such a query could not be refreshed incrementally by the caller; NULL when it could. */
static const char *
find_refusal(Node *select, const char *definition)
{
	RawStmt    *raw = makeNode(RawStmt);
	List	   *queries;
	PoShape		shape;

	raw->stmt = select;
	queries = pg_analyze_and_rewrite_fixedparams(raw, definition, NULL, 0, NULL);
	if (list_length(queries) != 1)
		return "its query is several";
	po_shape_analyse(NULL, linitial_node(Query, queries), &shape);
	return shape.refusal ? shape.refusal : po_incremental_rights_refusal(shape.bases, GetUserId());
}

/*
 * Says in a sentence how a view that a statement would create can be refreshed: incrementally, and by what, or why not.  Raises
 * 22023 for another statement, and what the analysis of its query raises.
 */
char *
po_prospect_describe(const char *definition)
{
	CreateTableAsStmt *statement = parse_definition(definition);
	RangeVar   *name = statement->into->rel;
	const char *refusal = find_refusal(statement->query, definition);

	if (refusal != NULL)
		return psprintf("It cannot be refreshed incrementally: %s; each refresh computes all of it and writes what differs.", refusal);
	return psprintf("It can be refreshed incrementally: after SELECT perf_optimizer.enable_incremental(%s) a refresh computes only the rows that changes concern.",
					quote_literal_cstr(name->schemaname ? quote_qualified_identifier(name->schemaname, name->relname)
									   : quote_identifier(name->relname)));
}
