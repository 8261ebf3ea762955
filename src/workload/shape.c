/*
 * shape.c
 *	  The shape of a plan as one number.
 *
 * Two plans have one shape when they have the same nodes in the same places and
 * use the same relations and indexes.  Costs, row counts and constants are not part of it.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "workload/shape.h"

/* The state of a walk. */
typedef struct Shape
{
	const PlannedStmt *stmt;
	uint64		hash;
} Shape;

static void walk(Shape *shape, const Plan *plan);

/* Mixes a number into the hash. */
static void
mix(Shape *shape, uint64 value)
{
	shape->hash = hash_combine64(shape->hash, value * UINT64CONST(0x9E3779B97F4A7C15) + 1);
}

/* Mixes in the relation of a scan. */
static void
mix_relation(Shape *shape, Index scanrelid)
{
	if (scanrelid > 0 && scanrelid <= list_length(shape->stmt->rtable))
		mix(shape, rt_fetch(scanrelid, shape->stmt->rtable)->relid);
}

/* Walks the members of a node that has a list of them. */
static void
walk_list(Shape *shape, List *plans)
{
	ListCell   *lc;

	mix(shape, list_length(plans));
	foreach(lc, plans)
		walk(shape, lfirst(lc));
}

/* Mixes in what tells nodes of one kind apart, and walks members that are not its children. */
static void
mix_particulars(Shape *shape, const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_IndexScan:
			mix(shape, ((const IndexScan *) plan)->indexid);
			break;
		case T_IndexOnlyScan:
			mix(shape, ((const IndexOnlyScan *) plan)->indexid);
			break;
		case T_BitmapIndexScan:
			mix(shape, ((const BitmapIndexScan *) plan)->indexid);
			break;
		case T_NestLoop:
		case T_MergeJoin:
		case T_HashJoin:
			mix(shape, ((const Join *) plan)->jointype);
			break;
		case T_Agg:
			mix(shape, ((const Agg *) plan)->aggstrategy);
			break;
		case T_ModifyTable:
			mix(shape, ((const ModifyTable *) plan)->operation);
			break;
		case T_Append:
			walk_list(shape, ((const Append *) plan)->appendplans);
			break;
		case T_MergeAppend:
			walk_list(shape, ((const MergeAppend *) plan)->mergeplans);
			break;
		case T_BitmapAnd:
			walk_list(shape, ((const BitmapAnd *) plan)->bitmapplans);
			break;
		case T_BitmapOr:
			walk_list(shape, ((const BitmapOr *) plan)->bitmapplans);
			break;
		case T_SubqueryScan:
			walk(shape, ((const SubqueryScan *) plan)->subplan);
			break;
		case T_CustomScan:
			walk_list(shape, ((const CustomScan *) plan)->custom_plans);
			break;
		default:
			break;
	}
}

/* Tells whether a node starts with the fields of a Scan. */
static bool
is_scan(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapIndexScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_ForeignScan:
			return true;
		default:
			return false;
	}
}

/* Mixes in a node and what is below it. */
static void
walk(Shape *shape, const Plan *plan)
{
	if (plan == NULL)
	{
		mix(shape, 0);
		return;
	}
	mix(shape, nodeTag(plan));
	if (is_scan(plan))
		mix_relation(shape, ((const Scan *) plan)->scanrelid);
	mix_particulars(shape, plan);
	if (plan->lefttree != NULL || plan->righttree != NULL)
	{
		walk(shape, plan->lefttree);
		walk(shape, plan->righttree);
	}
}

/* Returns the hash of a plan's shape: never 0, and never negative as a bigint. */
uint64
po_shape_hash(const PlannedStmt *stmt)
{
	Shape		shape = {stmt, 0};
	ListCell   *lc;

	walk(&shape, stmt->planTree);
	foreach(lc, stmt->subplans)
		walk(&shape, lfirst(lc));
	shape.hash &= PG_INT64_MAX;
	return shape.hash == 0 ? 1 : shape.hash;
}
