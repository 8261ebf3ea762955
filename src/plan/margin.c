/*
 * margin.c
 *	  How wrong the estimates of a plan may be.
 *
 * A nested loop costs what its inner side costs once, times the rows of the outer side.
 * How many rows a join gives is the planner's least certain estimate, wrong by a factor
 * of ten and more when several conditions depend on each other (Leis et al., How Good
 * Are Query Optimizers, Really?, PVLDB 9(3), 2015).  Where the outer side is a join, the
 * cost of the loop grows with that error, while a plan that reads whole tables hardly
 * gets dearer.
 */
#include "postgres.h"

#include <math.h>

#include "miscadmin.h"
#include "plan/children.h"
#include "plan/margin.h"

/* Says whether a plan joins something. */
static bool
has_join(const Plan *plan)
{
	ListCell   *lc;

	if (IsA(plan, NestLoop) || IsA(plan, MergeJoin) || IsA(plan, HashJoin))
		return true;
	foreach(lc, po_children_list(plan))
	{
		if (has_join((const Plan *) lfirst(lc)))
			return true;
	}
	return false;
}

/* Returns what a plan that is executed so many times spends in loops over the rows of joins. */
static double
sum_loops(const Plan *plan, double times)
{
	double		sum = 0;
	ListCell   *lc;

	check_stack_depth();
	if (IsA(plan, NestLoop))
	{
		const Plan *outer = plan->lefttree;

		if (has_join(outer))
			sum = times * Max(plan->total_cost - outer->total_cost, 0);
		return sum + sum_loops(outer, times) + sum_loops(plan->righttree, times * Max(outer->plan_rows, 1));
	}
	foreach(lc, po_children_list(plan))
		sum += sum_loops((const Plan *) lfirst(lc), times);
	return sum;
}

/*
 * Returns by which factor the rows of joins may be more than plans (of PlannedStmt) of
 * some cost expect, before another way of the given cost would have been as cheap;
 * infinity when nothing is repeated for the rows of a join.
 */
double
po_margin_find(List *plans, double cost, double alternative)
{
	double		loops = 0;
	ListCell   *lc;

	foreach(lc, plans)
	{
		ListCell   *lc2;

		foreach(lc2, po_children_trees(lfirst_node(PlannedStmt, lc)))
			loops += sum_loops((const Plan *) lfirst(lc2), 1);
	}
	return loops > 0 ? (alternative - cost + loops) / loops : INFINITY;
}
