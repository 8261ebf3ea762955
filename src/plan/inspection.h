/*
 * inspection.h
 *	  What in a planned statement is a column or an expression of one relation.
 */
#ifndef PO_INSPECTION_H
#define PO_INSPECTION_H

#include "nodes/pathnodes.h"
#include "plan/key_column.h"

/* One relation under inspection while the planner is at it. */
typedef struct PoInspection
{
	PlannerInfo *root;
	RelOptInfo *rel;
	Oid			relid;
	PoExpressions *expressions; /* NULL: only plain columns */
	bool		constants;		/* those in the statement are its own */
	List	  **accesses;		/* where what is found goes */
	MemoryContext context;		/* and where it lives */
} PoInspection;

extern int	po_inspection_column(const PoInspection *inspection, Node *node);
extern int	po_inspection_any_column(const PoInspection *inspection, Node *node);
extern bool po_inspection_is_own(const PoInspection *inspection, Node *node);
extern bool po_inspection_is_outside(const PoInspection *inspection, Node *value);
extern double po_inspection_distinct(const PoInspection *inspection, int column);

#endif							/* PO_INSPECTION_H */
