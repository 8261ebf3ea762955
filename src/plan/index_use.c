/*
 * index_use.c
 *	  Which indexes a plan scans.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "plan/children.h"
#include "plan/index_use.h"

/* Adds the indexes of one plan tree to a list of OIDs, each once. */
static List *
walk(List *oids, const Plan *plan)
{
	ListCell   *lc;

	check_stack_depth();
	if (IsA(plan, IndexScan))
		oids = list_append_unique_oid(oids, ((const IndexScan *) plan)->indexid);
	else if (IsA(plan, IndexOnlyScan))
		oids = list_append_unique_oid(oids, ((const IndexOnlyScan *) plan)->indexid);
	else if (IsA(plan, BitmapIndexScan))
		oids = list_append_unique_oid(oids, ((const BitmapIndexScan *) plan)->indexid);
	foreach(lc, po_children_list(plan))
		oids = walk(oids, (const Plan *) lfirst(lc));
	return oids;
}

/* Returns the OIDs of all indexes that a list of PlannedStmts scans, subplans included, each once. */
List *
po_index_use_collect(List *plans)
{
	List	   *oids = NIL;
	ListCell   *lc;

	foreach(lc, plans)
	{
		ListCell   *lc2;

		foreach(lc2, po_children_trees(lfirst_node(PlannedStmt, lc)))
			oids = walk(oids, (const Plan *) lfirst(lc2));
	}
	return oids;
}
