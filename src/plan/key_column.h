/*
 * key_column.h
 *	  What stands behind the numbers in a key: columns and expressions.
 */
#ifndef PO_KEY_COLUMN_H
#define PO_KEY_COLUMN_H

#include "nodes/pg_list.h"
#include "plan/predicate_share.h"

/* Numbers from here on stand for expressions; no table has so many columns. */
#define PO_EXPRESSION_FIRST 2000

/* Expressions that keys refer to by number, and conditions that limit indexes. */
typedef struct PoExpressions
{
	MemoryContext context;
	List	   *relids;			/* OID of each one's table */
	List	   *nodes;			/* the expression, with varno 1 */
	List	   *predicate_relids;
	List	   *predicates;		/* lists of conditions, with varno 1 */
	List	   *predicate_shares;	/* PoPredicateShares of each */
	List	   *values;			/* what values.c found of columns and
								 * expressions */
	bool		searches_texts; /* a condition looks for a pattern inside a
								 * text, and no operator class has it */
} PoExpressions;

extern PoExpressions *po_key_column_create(void);
extern int	po_key_column_add(PoExpressions *expressions, Oid relid, Node *node, Index varno);
extern int	po_key_column_add_predicate(PoExpressions *expressions, Oid relid, List *conditions, Index varno);
extern bool po_key_column_is_writable(Node *node);
extern List *po_key_column_predicate(const PoExpressions *expressions, int number);
extern PoPredicateShares *po_key_column_predicate_shares(const PoExpressions *expressions, int number);
extern char *po_key_column_predicate_text(const PoExpressions *expressions, int number);
extern bool po_key_column_is_expression(int column);
extern Node *po_key_column_node(const PoExpressions *expressions, Oid relid, int column);
extern char *po_key_column_text(const PoExpressions *expressions, Oid relid, int column);

#endif							/* PO_KEY_COLUMN_H */
