/*
 * predicate.c
 *	  Checking the condition that a user gives an archive policy.
 *
 * The text must be one boolean expression over the table's columns.  What is
 * stored is the server's own print of the parsed expression, with every name
 * outside pg_catalog qualified, so that it means the same for everyone.
 */
#include "postgres.h"

#include "access/table.h"
#include "archive/predicate.h"
#include "catalog/namespace.h"
#include "catalog/pg_namespace.h"
#include "core/setting.h"
#include "nodes/parsenodes.h"
#include "optimizer/optimizer.h"
#include "parser/parse_clause.h"
#include "parser/parse_coerce.h"
#include "parser/parse_collate.h"
#include "parser/parse_expr.h"
#include "parser/parse_relation.h"
#include "parser/parser.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"

/* Raises 42601 with the reason why a predicate is not acceptable. */
static void
refuse(const char *fact)
{
	ereport(ERROR,
			(errcode(ERRCODE_SYNTAX_ERROR),
			 errmsg("argument \"predicate\" %s", fact),
			 errhint("Pass one boolean expression over the table's columns, for example 'status = ''done'''.")));
}

/* Tells whether a statement is SELECT of one unnamed expression and nothing else. */
static bool
is_bare_select(SelectStmt *select)
{
	ResTarget  *target;

	if (select->distinctClause || select->intoClause || select->fromClause || select->whereClause ||
		select->groupClause || select->havingClause || select->windowClause || select->valuesLists ||
		select->sortClause || select->limitOffset || select->limitCount || select->lockingClause ||
		select->withClause || select->op != SETOP_NONE || list_length(select->targetList) != 1)
		return false;
	target = linitial_node(ResTarget, select->targetList);
	return target->name == NULL && target->indirection == NIL;
}

/* Returns the expression that a text consists of, unparsed names and all. */
static Node *
parse_expression(const char *text)
{
	List	   *statements = raw_parser(psprintf("SELECT %s", text), RAW_PARSE_DEFAULT);
	Node	   *statement;

	if (list_length(statements) != 1)
		refuse("is not one expression");
	statement = linitial_node(RawStmt, statements)->stmt;
	if (!IsA(statement, SelectStmt) || !is_bare_select((SelectStmt *) statement))
		refuse("is not one expression");
	return linitial_node(ResTarget, ((SelectStmt *) statement)->targetList)->val;
}

/* Returns the analysed condition over a table's columns. */
static Node *
analyse_expression(Relation rel, Node *raw)
{
	ParseState *state = make_parsestate(NULL);
	ParseNamespaceItem *item = addRangeTableEntryForRelation(state, rel, AccessShareLock, NULL,
															 false, true);
	Node	   *expr;

	addNSItemToQuery(state, item, false, true, true);
	expr = transformWhereClause(state, raw, EXPR_KIND_WHERE, "archive predicate");
	assign_expr_collations(state, expr);
	if (state->p_hasSubLinks)
		refuse("contains a subquery");
	if (contain_volatile_functions(expr))
		refuse("contains a volatile function");
	free_parsestate(state);
	return expr;
}

/* Prints an expression over a table's columns with every name outside pg_catalog qualified. */
static char *
print_expression(Relation rel, Node *expr)
{
	int			level = NewGUCNestLevel();
	char	   *text;

	po_setting_for_level("search_path", "pg_catalog, pg_temp");
	text = deparse_expression(expr, deparse_context_for(RelationGetRelationName(rel),
														RelationGetRelid(rel)),
							  false, false);
	AtEOXact_GUC(true, level);
	return text;
}

/*
 * Returns a predicate in the form in which it is stored and used.  Raises 42601
 * when it is not one expression, has a subquery or a volatile function, and what
 * the parser raises for aggregates, unknown names and results that are not
 * boolean.  A stored predicate passed again comes out the same.
 */
char *
po_predicate_check(Oid relation, const char *text)
{
	Node	   *raw = parse_expression(text);
	Relation	rel = table_open(relation, AccessShareLock);
	char	   *result = print_expression(rel, analyse_expression(rel, raw));

	table_close(rel, NoLock);
	return result;
}

/*
 * Raises 55000 when functions and operators of other schemas would hide those of
 * pg_catalog, which a stored predicate names without a schema.
 */
void
po_predicate_require_safe_path(void)
{
	List	   *path = fetch_search_path(true);
	ListCell   *cell;

	foreach(cell, path)
	{
		if (isAnyTempNamespace(lfirst_oid(cell)))
			continue;			/* never searched for functions and operators */
		if (lfirst_oid(cell) == PG_CATALOG_NAMESPACE)
			break;
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("search_path names a schema before pg_catalog"),
				 errhint("Leave pg_catalog out of search_path, so that it is searched first.")));
	}
	list_free(path);
}
