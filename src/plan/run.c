/*
 * run.c
 *	  From a planned statement to its nodes, with or without executing it.
 *
 * Execution happens in a subtransaction that is always rolled back.  What does
 * not obey transactions stays: sequences move, session-level advisory locks are
 * held, what functions send elsewhere is sent.  Deferred triggers do not fire.
 */
#include "postgres.h"

#include "access/xact.h"
#include "core/compat.h"
#include "core/subtransaction.h"
#include "executor/executor.h"
#include "executor/instrument.h"
#include "miscadmin.h"
#include "plan/run.h"
#include "portability/instr_time.h"
#include "tcop/dest.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* Plans that are to be executed. */
typedef struct Run
{
	PoStatement *statement;
	PoPlanTree *tree;			/* NULL: nodes are not measured */
	double	   *ms;
} Run;

/*
 * Takes the pruning at executor start out of a plan made without parameter
 * values: the server before 16 would look for the values there.
 */
static void
strip_initial_pruning(Plan *plan)
{
	PartitionPruneInfo *info = NULL;
	ListCell   *lc;
	ListCell   *lc2;

	if (IsA(plan, Append))
		info = PO_INITIAL_PRUNING((Append *) plan);
	else if (IsA(plan, MergeAppend))
		info = PO_INITIAL_PRUNING((MergeAppend *) plan);
	if (info == NULL)
		return;
	foreach(lc, info->prune_infos)
		foreach(lc2, (List *) lfirst(lc))
		lfirst_node(PartitionedRelPruneInfo, lc2)->initial_pruning_steps = NIL;
}

static void strip_plan(Plan *plan);

/* Applies strip_initial_pruning to a list of plans. */
static void
strip_plans(List *plans)
{
	ListCell   *lc;

	foreach(lc, plans)
		strip_plan((Plan *) lfirst(lc));
}

/* Applies strip_initial_pruning to a plan and all below it, SubPlans excepted. */
static void
strip_plan(Plan *plan)
{
	if (plan == NULL)
		return;
	check_stack_depth();
	strip_initial_pruning(plan);
	strip_plan(outerPlan(plan));
	strip_plan(innerPlan(plan));
	if (IsA(plan, Append))
		strip_plans(((Append *) plan)->appendplans);
	else if (IsA(plan, MergeAppend))
		strip_plans(((MergeAppend *) plan)->mergeplans);
	else if (IsA(plan, SubqueryScan))
		strip_plan(((SubqueryScan *) plan)->subplan);
	else if (IsA(plan, CustomScan))
		strip_plans(((CustomScan *) plan)->custom_plans);
}

static bool plan_prunes(Plan *plan);

/* Tells whether some plan of a list leaves out partitions during execution. */
static bool
any_prunes(List *plans)
{
	ListCell   *lc;

	foreach(lc, plans)
		if (plan_prunes((Plan *) lfirst(lc)))
		return true;
	return false;
}

/* Tells whether a plan leaves out partitions during execution, SubPlans excepted. */
static bool
plan_prunes(Plan *plan)
{
	if (plan == NULL)
		return false;
	check_stack_depth();
	if (IsA(plan, Append) &&
		(PO_HAS_PRUNING((Append *) plan) || any_prunes(((Append *) plan)->appendplans)))
		return true;
	if (IsA(plan, MergeAppend) &&
		(PO_HAS_PRUNING((MergeAppend *) plan) || any_prunes(((MergeAppend *) plan)->mergeplans)))
		return true;
	if (IsA(plan, SubqueryScan) && plan_prunes(((SubqueryScan *) plan)->subplan))
		return true;
	return plan_prunes(outerPlan(plan)) || plan_prunes(innerPlan(plan));
}

/* Tells whether the plan of a planned statement leaves out partitions during execution. */
bool
po_run_prunes(const PoStatement *statement)
{
	return statement->plan != NULL &&
		(plan_prunes(statement->plan->planTree) || any_prunes(statement->plan->subplans));
}

/* Returns the executor's flags for showing a plan without running it. */
static int
explain_flags(PoStatement *statement, PlannedStmt *plan)
{
	if (statement->nparams == 0 || statement->params != NULL)
		return EXEC_FLAG_EXPLAIN_ONLY;
	strip_plan(plan->planTree);
	strip_plans(plan->subplans);
	return EXEC_FLAG_EXPLAIN_ONLY | PO_GENERIC_FLAG;
}

/* Makes the executor's description of one plan under the active snapshot. */
static QueryDesc *
create_desc(PoStatement *statement, PlannedStmt *plan, int instrument)
{
	/*
	 * A zero queryid keeps statistics extensions from counting this as a
	 * call.
	 */
	plan->queryId = 0;
	return CreateQueryDesc(plan, statement->text, GetActiveSnapshot(), InvalidSnapshot,
						   None_Receiver, statement->params, NULL, instrument);
}

/*
 * Returns the nodes of a planned statement without executing it.  The result
 * lives in the current memory context and refers to the statement's plans.  Needs
 * an active snapshot; raises what starting the executor raises, as EXPLAIN does.
 */
PoPlanTree *
po_run_explain(PoStatement *statement)
{
	PoPlanTree *tree = po_node_tree_create();
	ListCell   *lc;

	foreach(lc, statement->plans)
	{
		PlannedStmt *plan = lfirst_node(PlannedStmt, lc);
		QueryDesc  *desc = create_desc(statement, plan, 0);

		ExecutorStart(desc, explain_flags(statement, plan));
		po_node_read(tree, desc);
		ExecutorEnd(desc);
		FreeQueryDesc(desc);
	}
	po_node_account(tree);
	return tree;
}

/*
 * Executes one plan to its end, discards its rows and adds the time to *ms; reads
 * its nodes into tree, or measures nothing but the time when tree is NULL.
 */
static void
execute_plan(PoStatement *statement, PlannedStmt *plan, PoPlanTree *tree, double *ms)
{
	QueryDesc  *desc;
	instr_time	start;
	instr_time	duration;
	MemoryContext old = CurrentMemoryContext;

	UpdateActiveSnapshotCommandId();
	desc = create_desc(statement, plan, tree ? INSTRUMENT_TIMER | INSTRUMENT_BUFFERS | INSTRUMENT_ROWS : 0);
	INSTR_TIME_SET_CURRENT(start);
	ExecutorStart(desc, 0);
	PO_EXECUTOR_RUN(desc, 0);
	ExecutorFinish(desc);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	*ms += INSTR_TIME_GET_MILLISEC(duration);
	MemoryContextSwitchTo(old);
	if (tree)
	{
		if (plan == statement->plan)
			tree->result_rows = (double) desc->estate->es_processed;
		po_node_read(tree, desc);
	}
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
	CommandCounterIncrement();
}

/* Raises 22023 when the statement has parameters without values. */
static void
require_values(PoStatement *statement)
{
	if (statement->nparams > 0 && statement->params == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("cannot execute a statement whose parameters have no values"),
				 errdetail("Parameters of the statement: %d.", statement->nparams),
				 errhint("Pass one value for each of them in \"params\".")));
}

/* Executes all plans of a run under a snapshot of their own. */
static void
execute_plans(void *arg)
{
	const Run  *run = (const Run *) arg;
	ListCell   *lc;

	PushCopiedSnapshot(GetTransactionSnapshot());
	foreach(lc, run->statement->plans)
		execute_plan(run->statement, lfirst_node(PlannedStmt, lc), run->tree, run->ms);
	PopActiveSnapshot();
}

/* Executes all plans and undoes what they did, whatever happens; errors pass through. */
static void
execute_rolled_back(PoStatement *statement, PoPlanTree *tree, double *ms)
{
	Run			run = {statement, tree, ms};
	ErrorData  *error = po_subtransaction_undo(execute_plans, &run);

	if (error != NULL)
		ReThrowError(error);
}

/*
 * Executes a planned statement once and returns its nodes with what was measured.
 * Runs with the caller's rights in a subtransaction that is rolled back whatever
 * happens; errors, a cancel and a timeout pass through.  The result lives in the
 * current memory context.  Raises 22023 when parameters have no values.
 */
PoPlanTree *
po_run_execute(PoStatement *statement)
{
	PoPlanTree *tree = po_node_tree_create();

	require_values(statement);
	tree->executed = true;
	execute_rolled_back(statement, tree, &tree->execution_ms);
	po_node_account(tree);
	return tree;
}

/*
 * Executes a planned statement once, as po_run_execute does but without measuring
 * its nodes, and returns the milliseconds that it took.
 */
double
po_run_time(PoStatement *statement)
{
	double		ms = 0;

	require_values(statement);
	execute_rolled_back(statement, NULL, &ms);
	return ms;
}
