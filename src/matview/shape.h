/*
 * shape.h
 *	  What of a view's query makes an incremental refresh possible.
 */
#ifndef PO_SHAPE_H
#define PO_SHAPE_H

#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/* A relation whose changes matter; column numbers are its own. */
typedef struct PoShapeBase
{
	Oid			relid;
	Bitmapset  *logged;			/* columns that tell which keys a row belongs
								 * to */
	Bitmapset  *used;			/* columns that the query reads at all */
} PoShapeBase;

/*
 * The shape of a view's query.  It consists of branches (one, or those of UNION
 * and its kin); in each, the output columns keys are computed from the rows of
 * the join alone and restricting the join's rows to some keys restricts the
 * branch's result to the same keys.
 */
typedef struct PoShape
{
	Query	   *query;			/* normalised */
	List	   *branches;		/* Query *, inside query */
	List	   *keys;			/* output column numbers */
	List	   *bases;			/* PoShapeBase * */
	const char *refusal;		/* why there is no incremental refresh: all
								 * reasons, or NULL */
} PoShape;

extern void po_shape_analyse(Relation matview, Query *query, PoShape *shape);
extern List *po_shape_branches(Query *query);
extern List *po_shape_occurrences(Query *level);
extern PoShapeBase *po_shape_find_base(PoShape *shape, Oid relid);
extern Expr *po_shape_key(Query *branch, int output);
extern Bitmapset *po_shape_nullable(Node *jointree, bool nullable);
extern bool po_shape_touches(Query *level, Node *node, Bitmapset *relids);
extern bool po_shape_is_single(Query *branch);

#endif							/* PO_SHAPE_H */
