/*
 * index_use.c
 *	  Which indexes a plan scans.
 */
#include "postgres.h"

#include "miscadmin.h"
#include "plan/index_use.h"

static List *walk(List *oids, Plan *plan);

/* Adds the indexes of a list of plan trees. */
static List *
walk_all(List *oids, List *plans)
{
	ListCell   *lc;

	foreach(lc, plans)
		oids = walk(oids, (Plan *) lfirst(lc));
	return oids;
}

/* Adds the indexes of the children that some node types keep beside left and right. */
static List *
walk_members(List *oids, Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			return walk_all(oids, ((Append *) plan)->appendplans);
		case T_MergeAppend:
			return walk_all(oids, ((MergeAppend *) plan)->mergeplans);
		case T_BitmapAnd:
			return walk_all(oids, ((BitmapAnd *) plan)->bitmapplans);
		case T_BitmapOr:
			return walk_all(oids, ((BitmapOr *) plan)->bitmapplans);
		case T_SubqueryScan:
			return walk(oids, ((SubqueryScan *) plan)->subplan);
		case T_CustomScan:
			return walk_all(oids, ((CustomScan *) plan)->custom_plans);
		default:
			return oids;
	}
}

/* Adds the indexes of one plan tree to a list of OIDs, each once. */
static List *
walk(List *oids, Plan *plan)
{
	if (plan == NULL)
		return oids;
	check_stack_depth();
	if (IsA(plan, IndexScan))
		oids = list_append_unique_oid(oids, ((IndexScan *) plan)->indexid);
	else if (IsA(plan, IndexOnlyScan))
		oids = list_append_unique_oid(oids, ((IndexOnlyScan *) plan)->indexid);
	else if (IsA(plan, BitmapIndexScan))
		oids = list_append_unique_oid(oids, ((BitmapIndexScan *) plan)->indexid);
	oids = walk_members(oids, plan);
	oids = walk(oids, plan->lefttree);
	return walk(oids, plan->righttree);
}

/* Returns the OIDs of all indexes that a list of PlannedStmts scans, subplans included, each once. */
List *
po_index_use_collect(List *plans)
{
	List	   *oids = NIL;
	ListCell   *lc;

	foreach(lc, plans)
	{
		PlannedStmt *plan = lfirst_node(PlannedStmt, lc);

		oids = walk(oids, plan->planTree);
		oids = walk_all(oids, plan->subplans);
	}
	return oids;
}
