/*
 * predicate.h
 *	  What a node's conditions say about the columns of its table.
 */
#ifndef PO_PREDICATE_H
#define PO_PREDICATE_H

#include "access/attnum.h"
#include "plan/node.h"

typedef enum PoPredicateKind
{
	PO_PREDICATE_OTHER,
	PO_PREDICATE_EQUAL,			/* column = value, column IN (values) */
	PO_PREDICATE_RANGE,			/* column < value and its kin */
	PO_PREDICATE_LIKE,			/* column LIKE pattern, f(column) LIKE '%...' */
	PO_PREDICATE_WRAPPED,		/* f(column) = value, f(column) LIKE 'prefix%' */
	PO_PREDICATE_CAST,			/* an implicit cast of the column = value */
	PO_PREDICATE_OR				/* alternatives over more than one column */
} PoPredicateKind;

/* One condition, of those joined by AND. */
typedef struct PoPredicate
{
	PoPredicateKind kind;
	AttrNumber	attnum;			/* 0: none, or more than one column */
	Node	   *clause;
	Node	   *operand;		/* the side that holds the column */
	Node	   *value;			/* the other side */
	Oid			from_type;		/* of an implicit cast */
	Oid			to_type;
	Oid			opfuncid;
	int			strategy;		/* of the comparison in a B-tree, 0: none */
	char	   *pattern;		/* of LIKE, when it is a constant */
	bool		ignores_case;	/* ILIKE */
} PoPredicate;

extern List *po_predicate_list(List *quals, int rti);
extern List *po_predicate_of_scan(const PoNode *node);
extern bool po_predicate_is_prefix(const PoPredicate *predicate);
extern bool po_predicate_resolve(Plan *plan, const Var *var, int *rti, AttrNumber *attnum);
extern PoPredicate *po_predicate_joined_cast(Plan *join, Node *clause, int *rti);
extern List *po_predicate_columns(List *predicates, PoPredicateKind kind);
extern List *po_predicate_of_index(const PoNode *node);
extern List *po_predicate_index_columns(const PoNode *node);
extern List *po_predicate_compared_columns(const PoNode *node);

#endif							/* PO_PREDICATE_H */
