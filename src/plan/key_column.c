/*
 * key_column.c
 *	  What stands behind the numbers in a key: columns and expressions; and behind those of predicates.
 */
#include "postgres.h"

#include "core/setting.h"
#include "nodes/makefuncs.h"
#include "parser/parse_collate.h"
#include "plan/candidate.h"
#include "plan/key_column.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

/* Returns an empty list of expressions that lives in the current memory context. */
PoExpressions *
po_key_column_create(void)
{
	PoExpressions *expressions = palloc0(sizeof(PoExpressions));

	expressions->context = CurrentMemoryContext;
	return expressions;
}

/*
 * Returns the number of an expression over the columns of a table, which is relation
 * varno of its query; adds it when it is new.  Returns 0 when there are too many.
 */
int
po_key_column_add(PoExpressions *expressions, Oid relid, Node *node, Index varno)
{
	Node	   *copy = copyObject(node);
	ListCell   *lc;
	ListCell   *lc2;
	MemoryContext old;

	if (varno != 1)
		ChangeVarNodes(copy, varno, 1, 0);
	forboth(lc, expressions->relids, lc2, expressions->nodes)
	{
		if (lfirst_oid(lc) == relid && equal(lfirst(lc2), copy))
			return PO_EXPRESSION_FIRST + foreach_current_index(lc);
	}
	if (PO_EXPRESSION_FIRST + list_length(expressions->nodes) >= PO_COLUMN_NULLS)
		return 0;
	old = MemoryContextSwitchTo(expressions->context);
	expressions->relids = lappend_oid(expressions->relids, relid);
	expressions->nodes = lappend(expressions->nodes, copyObject(copy));
	MemoryContextSwitchTo(old);
	return PO_EXPRESSION_FIRST + list_length(expressions->nodes) - 1;
}

/*
 * Returns the number, from 1, of a predicate: conditions on a table, which is relation
 * varno of its query, that hold together; adds it when it is new.
 */
int
po_key_column_add_predicate(PoExpressions *expressions, Oid relid, List *conditions, Index varno)
{
	List	   *copy = copyObject(conditions);
	ListCell   *lc;
	ListCell   *lc2;
	MemoryContext old;

	if (varno != 1)
		ChangeVarNodes((Node *) copy, varno, 1, 0);
	forboth(lc, expressions->predicate_relids, lc2, expressions->predicates)
	{
		if (lfirst_oid(lc) == relid && list_difference(copy, (List *) lfirst(lc2)) == NIL &&
			list_difference((List *) lfirst(lc2), copy) == NIL)
			return 1 + foreach_current_index(lc);
	}
	old = MemoryContextSwitchTo(expressions->context);
	expressions->predicate_relids = lappend_oid(expressions->predicate_relids, relid);
	expressions->predicates = lappend(expressions->predicates, copyObject(copy));
	expressions->predicate_shares = lappend(expressions->predicate_shares, po_predicate_share_create());
	MemoryContextSwitchTo(old);
	return list_length(expressions->predicates);
}

/* Returns the conditions of a predicate, with varno 1; not to be changed. */
List *
po_key_column_predicate(const PoExpressions *expressions, int number)
{
	return (List *) list_nth(expressions->predicates, number - 1);
}

/* Returns what is known of the rows that a predicate keeps. */
PoPredicateShares *
po_key_column_predicate_shares(const PoExpressions *expressions, int number)
{
	return (PoPredicateShares *) list_nth(expressions->predicate_shares, number - 1);
}

/* Says whether a column of a key stands for an expression. */
bool
po_key_column_is_expression(int column)
{
	return PO_COLUMN_ATTNUM(column) >= PO_EXPRESSION_FIRST;
}

/* Returns a column of a key as an expression with varno 1; not to be changed. */
Node *
po_key_column_node(const PoExpressions *expressions, Oid relid, int column)
{
	Oid			type;
	int32		typmod;
	Oid			collation;

	if (po_key_column_is_expression(column))
		return (Node *) list_nth(expressions->nodes, PO_COLUMN_ATTNUM(column) - PO_EXPRESSION_FIRST);
	get_atttypetypmodcoll(relid, PO_COLUMN_ATTNUM(column), &type, &typmod, &collation);
	return (Node *) makeVar(1, PO_COLUMN_ATTNUM(column), type, typmod, collation, 0);
}

/*
 * Says whether an expression is the same once written and read again: an implicit
 * COLLATE is not written, and an argument by default counts for a call's collation only
 * when it is written.
 */
bool
po_key_column_is_writable(Node *node)
{
	Node	   *copy = copyObject(node);

	assign_expr_collations(NULL, copy);
	return equal(copy, node);
}

/* Returns an expression over one table as text whose names are qualified as far as they are not the system's. */
static char *
deparse(Oid relid, Node *node)
{
	int			level = NewGUCNestLevel();
	char	   *text;

	po_setting_for_level("search_path", "pg_catalog");
	text = deparse_expression(node, deparse_context_for(get_rel_name(relid), relid), false, false);
	AtEOXact_GUC(true, level);
	return text;
}

/* Returns a predicate as CREATE INDEX takes it after WHERE. */
char *
po_key_column_predicate_text(const PoExpressions *expressions, int number)
{
	return deparse(list_nth_oid(expressions->predicate_relids, number - 1),
				   (Node *) make_ands_explicit(po_key_column_predicate(expressions, number)));
}

/*
 * Returns a column of a key as CREATE INDEX takes it: a quoted name, or an expression
 * whose names are qualified as far as they are not the system's.
 */
char *
po_key_column_text(const PoExpressions *expressions, Oid relid, int column)
{
	Node	   *node = po_key_column_node(expressions, relid, column);
	char	   *text;

	if (IsA(node, Var))
		return pstrdup(quote_identifier(get_attname(relid, PO_COLUMN_ATTNUM(column), false)));
	text = deparse(relid, node);
	/* A call needs no parentheses, an operator has got its own. */
	if (IsA(node, OpExpr) ||
		(IsA(node, FuncExpr) && ((FuncExpr *) node)->funcformat == COERCE_EXPLICIT_CALL))
		return text;
	return psprintf("(%s)", text);
}
