/*
 * node_internal.h
 *	  What the readers of an executor's plan tree share.
 */
#ifndef PO_NODE_INTERNAL_H
#define PO_NODE_INTERNAL_H

#include "nodes/execnodes.h"
#include "plan/node.h"

/* The state of one reading of one plan. */
typedef struct PoNodeReader
{
	PoPlanTree *tree;
	PlannedStmt *stmt;
	List	   *rtable_names;	/* alias of each range table entry */
	List	   *deparse_context;
	bool		prefix;			/* columns are printed with their table above
								 * scans */
	Bitmapset  *seen_subplans;	/* plan_ids that stand in the tree already */
	double		processes;		/* that run the present node: 1, or those
								 * beneath a Gather */
} PoNodeReader;

extern void po_node_text_fill(PoNodeReader *reader, PoNode *node, PlanState *state,
							  List *ancestors);
extern char *po_node_text_type(const Plan *plan);
extern void po_node_stats_fill(PoNodeReader *reader, PoNode *node, PlanState *state);
extern void po_node_stats_statement(PoPlanTree *tree, QueryDesc *desc);

#endif							/* PO_NODE_INTERNAL_H */
