/*
 * node_read.c
 *	  From an executor's plan tree to our nodes.
 *
 * The tree is read between ExecutorStart (with or without ExecutorRun) and
 * ExecutorEnd.  The order of nodes is that of EXPLAIN: InitPlans, outer, inner,
 * members, SubPlans.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "core/compat.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "parser/parsetree.h"
#include "plan/node_internal.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

static void read_node(PoNodeReader *reader, PlanState *state, int parent, PoNodeRole role,
					  SubPlan *subplan, List *ancestors);

/* Tells whether a plan node starts with the fields of Scan. */
static bool
has_scan_fields(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_SeqScan:
		case T_SampleScan:
		case T_IndexScan:
		case T_IndexOnlyScan:
		case T_BitmapHeapScan:
		case T_TidScan:
		case T_TidRangeScan:
		case T_SubqueryScan:
		case T_FunctionScan:
		case T_TableFuncScan:
		case T_ValuesScan:
		case T_CteScan:
		case T_NamedTuplestoreScan:
		case T_WorkTableScan:
		case T_ForeignScan:
		case T_CustomScan:
			return true;
		default:
			return false;
	}
}

/* Adds the range table entries that a plan node names to *used; a planstate_tree_walker callback. */
static bool
collect_relations(PlanState *state, Bitmapset **used)
{
	Plan	   *plan = state->plan;

	switch (nodeTag(plan))
	{
		case T_ForeignScan:
			*used = bms_add_members(*used, ((ForeignScan *) plan)->fs_relids);
			break;
		case T_CustomScan:
			*used = bms_add_members(*used, ((CustomScan *) plan)->custom_relids);
			break;
		case T_ModifyTable:
			*used = bms_add_member(*used, ((ModifyTable *) plan)->nominalRelation);
			if (((ModifyTable *) plan)->exclRelRTI)
				*used = bms_add_member(*used, ((ModifyTable *) plan)->exclRelRTI);
			break;
		case T_Append:
			*used = bms_add_members(*used, ((Append *) plan)->apprelids);
			break;
		case T_MergeAppend:
			*used = bms_add_members(*used, ((MergeAppend *) plan)->apprelids);
			break;
		default:
			if (has_scan_fields(plan) && ((Scan *) plan)->scanrelid > 0)
				*used = bms_add_member(*used, ((Scan *) plan)->scanrelid);
			break;
	}
	return planstate_tree_walker(state, collect_relations, used);
}

/* Tells nodes apart by what rules need to know. */
static PoNodeKind
node_kind(const Plan *plan)
{
	switch (nodeTag(plan))
	{
		case T_Append:
			return PO_NODE_APPEND;
		case T_MergeAppend:
			return PO_NODE_MERGE_APPEND;
		case T_ModifyTable:
			return PO_NODE_MODIFY;
		case T_BitmapAnd:
			return PO_NODE_BITMAP_AND;
		case T_BitmapOr:
			return PO_NODE_BITMAP_OR;
		case T_NestLoop:
			return PO_NODE_NESTED_LOOP;
		case T_MergeJoin:
			return PO_NODE_MERGE_JOIN;
		case T_HashJoin:
			return PO_NODE_HASH_JOIN;
		case T_SeqScan:
			return PO_NODE_SEQ_SCAN;
		case T_IndexScan:
			return PO_NODE_INDEX_SCAN;
		case T_IndexOnlyScan:
			return PO_NODE_INDEX_ONLY_SCAN;
		case T_BitmapIndexScan:
			return PO_NODE_BITMAP_INDEX_SCAN;
		case T_BitmapHeapScan:
			return PO_NODE_BITMAP_HEAP_SCAN;
		case T_SubqueryScan:
			return PO_NODE_SUBQUERY_SCAN;
		case T_CteScan:
			return PO_NODE_CTE_SCAN;
		case T_ForeignScan:
			return PO_NODE_FOREIGN_SCAN;
		case T_Gather:
		case T_GatherMerge:
			return PO_NODE_GATHER;
		case T_Material:
			return PO_NODE_MATERIALIZE;
		case T_Memoize:
			return PO_NODE_MEMOIZE;
		case T_Sort:
			return PO_NODE_SORT;
		case T_IncrementalSort:
			return PO_NODE_INCREMENTAL_SORT;
		case T_Agg:
			return PO_NODE_AGGREGATE;
		case T_Limit:
			return PO_NODE_LIMIT;
		case T_Hash:
			return PO_NODE_HASH;
		default:
			return PO_NODE_OTHER;
	}
}

/* Returns the name of an index, real or hypothetical. */
static char *
index_name(Oid indexid)
{
	const char *name = NULL;

	if (explain_get_index_name_hook)
		name = explain_get_index_name_hook(indexid);
	if (name == NULL)
		name = get_rel_name(indexid);
	return name ? pstrdup(name) : NULL;
}

/* Fills in the index of an index scan. */
static void
fill_index(PoNode *node, const Plan *plan)
{
	if (IsA(plan, IndexScan))
		node->indexid = ((const IndexScan *) plan)->indexid;
	else if (IsA(plan, IndexOnlyScan))
		node->indexid = ((const IndexOnlyScan *) plan)->indexid;
	else if (IsA(plan, BitmapIndexScan))
		node->indexid = ((const BitmapIndexScan *) plan)->indexid;
	if (OidIsValid(node->indexid))
		node->index_name = index_name(node->indexid);
}

/* Fills in the relation that range table entry rti stands for, and its alias. */
static void
fill_target(PoNodeReader *reader, PoNode *node, int rti)
{
	RangeTblEntry *rte = rt_fetch(rti, reader->stmt->rtable);
	char	   *alias = (char *) list_nth(reader->rtable_names, rti - 1);

	node->rti = rti;
	node->alias = pstrdup(alias ? alias : rte->eref->aliasname);
	if (rte->rtekind == RTE_RELATION)
	{
		node->relid = rte->relid;
		node->relation = get_rel_name(rte->relid);
	}
	else if (rte->rtekind == RTE_CTE)
		node->relation = pstrdup(rte->ctename);
}

/* Fills in what the node reads or changes. */
static void
fill_relation(PoNodeReader *reader, PoNode *node, PlanState *state)
{
	Plan	   *plan = state->plan;

	fill_index(node, plan);
	if (IsA(plan, ModifyTable))
		fill_target(reader, node, ((ModifyTable *) plan)->nominalRelation);
	else if (has_scan_fields(plan) && ((Scan *) plan)->scanrelid > 0)
		fill_target(reader, node, ((Scan *) plan)->scanrelid);
}

/* Fills in an Append's or Merge Append's pruning. */
static void
fill_pruning(PoNode *node, PlanState *state)
{
	int			present;

	if (IsA(state->plan, Append))
	{
		node->subplans_total = list_length(((Append *) state->plan)->appendplans);
		node->prunes_at_run = PO_HAS_PRUNING((Append *) state->plan);
		present = ((AppendState *) state)->as_nplans;
	}
	else if (IsA(state->plan, MergeAppend))
	{
		node->subplans_total = list_length(((MergeAppend *) state->plan)->mergeplans);
		node->prunes_at_run = PO_HAS_PRUNING((MergeAppend *) state->plan);
		present = ((MergeAppendState *) state)->ms_nplans;
	}
	else
		return;
	node->subplans_removed = node->subplans_total - present;
}

/* Fills in the estimates and the identity of a node. */
static void
fill_plan(PoNodeReader *reader, PoNode *node, PlanState *state)
{
	Plan	   *plan = state->plan;

	node->plan = plan;
	node->kind = node_kind(plan);
	node->type = po_node_text_type(plan);
	node->startup_cost = plan->startup_cost;
	node->total_cost = plan->total_cost;
	node->rows = plan->plan_rows;
	node->width = plan->plan_width;
	node->disabled = PO_PLAN_DISABLED(plan);
	node->parallel_aware = plan->parallel_aware;
	if (IsA(plan, NestLoop) || IsA(plan, MergeJoin) || IsA(plan, HashJoin))
		node->jointype = ((Join *) plan)->jointype;
	fill_relation(reader, node, state);
	fill_pruning(node, state);
}

/* Reads the InitPlans or SubPlans of a node, each plan once in the whole tree. */
static void
read_subplans(PoNodeReader *reader, List *subplans, int parent, PoNodeRole role, List *ancestors)
{
	ListCell   *lc;

	foreach(lc, subplans)
	{
		SubPlanState *state = lfirst_node(SubPlanState, lc);
		SubPlan    *subplan = state->subplan;

		if (bms_is_member(subplan->plan_id, reader->seen_subplans))
			continue;
		reader->seen_subplans = bms_add_member(reader->seen_subplans, subplan->plan_id);
		ancestors = lcons(subplan, ancestors);
		read_node(reader, state->planstate, parent, role, subplan, ancestors);
		ancestors = list_delete_first(ancestors);
	}
}

/* Reads an array of child plans. */
static void
read_members(PoNodeReader *reader, PlanState **states, int n, int parent, List *ancestors)
{
	for (int i = 0; i < n; i++)
		read_node(reader, states[i], parent, PO_ROLE_MEMBER, NULL, ancestors);
}

/* Reads the children that only certain nodes have. */
static void
read_special_children(PoNodeReader *reader, PlanState *state, int id, List *ancestors)
{
	ListCell   *lc;

	switch (nodeTag(state))
	{
		case T_AppendState:
			read_members(reader, ((AppendState *) state)->appendplans,
						 ((AppendState *) state)->as_nplans, id, ancestors);
			break;
		case T_MergeAppendState:
			read_members(reader, ((MergeAppendState *) state)->mergeplans,
						 ((MergeAppendState *) state)->ms_nplans, id, ancestors);
			break;
		case T_BitmapAndState:
			read_members(reader, ((BitmapAndState *) state)->bitmapplans,
						 ((BitmapAndState *) state)->nplans, id, ancestors);
			break;
		case T_BitmapOrState:
			read_members(reader, ((BitmapOrState *) state)->bitmapplans,
						 ((BitmapOrState *) state)->nplans, id, ancestors);
			break;
		case T_SubqueryScanState:
			read_node(reader, ((SubqueryScanState *) state)->subplan, id, PO_ROLE_SUBQUERY,
					  NULL, ancestors);
			break;
		case T_CustomScanState:
			foreach(lc, ((CustomScanState *) state)->custom_ps)
				read_node(reader, (PlanState *) lfirst(lc), id, PO_ROLE_MEMBER, NULL, ancestors);
			break;
		default:
			break;
	}
}

/* Returns the number of processes that ran the plan beneath a Gather. */
static double
count_processes(PlanState *gather)
{
	PlanState  *below = outerPlanState(gather);
	double		processes = 0;
	double		worker_loops = 0;

	if (below->instrument == NULL || below->worker_instrument == NULL)
		return 1;
	for (int i = 0; i < below->worker_instrument->num_workers; i++)
	{
		double		loops = below->worker_instrument->instrument[i].nloops;

		worker_loops += loops;
		processes += loops > 0;
	}
	if (below->instrument->nloops > worker_loops)
		processes += 1;
	return Max(processes, 1);
}

/*
 * Reads the outer child.  Only what a Gather has there ran in several processes:
 * the subplans of the Gather itself ran in the leader.
 */
static void
read_outer(PoNodeReader *reader, PlanState *state, int id, List *ancestors)
{
	double		processes = reader->processes;

	if (outerPlanState(state) == NULL)
		return;
	if (IsA(state, GatherState) || IsA(state, GatherMergeState))
		reader->processes = count_processes(state);
	read_node(reader, outerPlanState(state), id, PO_ROLE_OUTER, NULL, ancestors);
	reader->processes = processes;
}

/* Reads all children of a node in the order of EXPLAIN. */
static void
read_children(PoNodeReader *reader, PlanState *state, int id, List *ancestors)
{
	ancestors = lcons(state->plan, ancestors);
	read_subplans(reader, state->initPlan, id, PO_ROLE_INITPLAN, ancestors);
	read_outer(reader, state, id, ancestors);
	if (innerPlanState(state))
		read_node(reader, innerPlanState(state), id, PO_ROLE_INNER, NULL, ancestors);
	read_special_children(reader, state, id, ancestors);
	read_subplans(reader, state->subPlan, id, PO_ROLE_SUBPLAN, ancestors);
	ancestors = list_delete_first(ancestors);
}

/* A bitmap index scan names no relation: takes over that of the heap scan above. */
static void
inherit_relation(PoPlanTree *tree, PoNode *node)
{
	PoNode	   *above = po_node_parent(tree, node);

	if (node->kind != PO_NODE_BITMAP_INDEX_SCAN)
		return;
	while (above != NULL && above->kind != PO_NODE_BITMAP_HEAP_SCAN)
		above = po_node_parent(tree, above);
	if (above != NULL)
	{
		node->relid = above->relid;
		node->relation = above->relation;
		node->alias = above->alias;
		node->rti = above->rti;
	}
}

/* Returns the name of a subplan as EXPLAIN prints it; the server before 19 keeps it ready. */
static char *
subplan_name(const SubPlan *subplan, PoNodeRole role)
{
	const char *name = subplan->plan_name;

	if (strncmp(name, "CTE ", 4) == 0 || strncmp(name, "InitPlan ", 9) == 0 ||
		strncmp(name, "SubPlan ", 8) == 0)
		return pstrdup(name);
	return psprintf("%s %s", subplan->subLinkType == CTE_SUBLINK ? "CTE" :
					role == PO_ROLE_INITPLAN ? "InitPlan" : "SubPlan", name);
}

/* Tells whether a subquery is asked for all its rows; one for a single value is, to see that there is no second. */
static bool
reads_whole(const SubPlan *subplan)
{
	switch (subplan->subLinkType)
	{
		case EXPR_SUBLINK:
		case MULTIEXPR_SUBLINK:
		case ARRAY_SUBLINK:
			return true;
		default:
			return subplan->useHashTable;
	}
}

/* Reads a node and its subtree; subplan is given when the node is the root of one. */
static void
read_node(PoNodeReader *reader, PlanState *state, int parent, PoNodeRole role,
		  SubPlan *subplan, List *ancestors)
{
	PoNode	   *node;
	int			id;

	check_stack_depth();
	CHECK_FOR_INTERRUPTS();
	node = po_node_add(reader->tree, parent ? &reader->tree->nodes[parent - 1] : NULL);
	id = node->id;
	node->role = role;
	if (subplan != NULL)
	{
		node->subplan = subplan_name(subplan, role);
		node->hashed = subplan->useHashTable;
		node->correlated = (subplan->parParam != NIL);
		node->read_whole = reads_whole(subplan);
	}
	fill_plan(reader, node, state);
	inherit_relation(reader->tree, node);
	po_node_text_fill(reader, node, state, ancestors);
	po_node_stats_fill(reader, node, state);
	read_children(reader, state, id, ancestors);
}

/*
 * Appends the nodes of a started, and perhaps executed, query to the tree, with
 * what was measured beside them.  Everything is copied into the current memory
 * context, except the Plan nodes that the result refers to.
 */
void
po_node_read(PoPlanTree *tree, QueryDesc *desc)
{
	PoNodeReader reader = {0};
	Bitmapset  *used = NULL;

	collect_relations(desc->planstate, &used);
	reader.tree = tree;
	reader.stmt = desc->plannedstmt;
	reader.rtable_names = select_rtable_names_for_explain(desc->plannedstmt->rtable, used);
	reader.deparse_context = deparse_context_for_plan_tree(desc->plannedstmt,
														   reader.rtable_names);
	reader.prefix = bms_num_members(used) > 1;
	reader.processes = 1;
	read_node(&reader, desc->planstate, 0, PO_ROLE_ROOT, NULL, NIL);
	po_node_stats_statement(tree, desc);
}
