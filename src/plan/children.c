/*
 * children.c
 *	  The nodes below a node of a plan.
 */
#include "postgres.h"

#include "plan/children.h"

/* Returns the children that some node types keep beside left and right. */
static List *
list_members(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			return list_copy(((const Append *) plan)->appendplans);
		case T_MergeAppend:
			return list_copy(((const MergeAppend *) plan)->mergeplans);
		case T_BitmapAnd:
			return list_copy(((const BitmapAnd *) plan)->bitmapplans);
		case T_BitmapOr:
			return list_copy(((const BitmapOr *) plan)->bitmapplans);
		case T_SubqueryScan:
			return list_make1(((const SubqueryScan *) plan)->subplan);
		case T_CustomScan:
			return list_copy(((const CustomScan *) plan)->custom_plans);
		default:
			return NIL;
	}
}

/* Returns the children of a node, subplans of expressions not among them, as a list of its own. */
List *
po_children_list(const Plan *plan)
{
	List	   *children = list_members(plan);

	if (plan->lefttree != NULL)
		children = lappend(children, plan->lefttree);
	if (plan->righttree != NULL)
		children = lappend(children, plan->righttree);
	return children;
}

/* Returns the trees of a statement's plan, those of its subplans among them, as a list of its own; a utility statement has none. */
List *
po_children_trees(const PlannedStmt *plan)
{
	List	   *trees = plan->planTree != NULL ? list_make1(plan->planTree) : NIL;
	ListCell   *lc;

	foreach(lc, plan->subplans)
	{
		if (lfirst(lc) != NULL)
			trees = lappend(trees, lfirst(lc));
	}
	return trees;
}
