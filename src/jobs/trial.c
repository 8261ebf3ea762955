/*
 * trial.c
 *	  Building an index on trial: measure, build, measure again, keep or drop.
 *
 * The steps are transactions of their own: no snapshot may be held while an index is
 * built concurrently.
 */
#include "postgres.h"

#include "access/xact.h"
#include "advisor/verify.h"
#include "core/progress.h"
#include "core/relname.h"
#include "jobs/exec.h"
#include "jobs/trial.h"
#include "miscadmin.h"
#include "sched/attempt.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"

/* Starts a transaction that changes nothing, with a snapshot; what it allocates lives as long as the run. */
static void
begin_reading(const PoJobRun *run)
{
	StartTransactionCommand();
	XactReadOnly = true;
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(run->memory);
}

/* Ends what begin_reading started. */
static void
end_reading(const PoJobRun *run)
{
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(run->memory);
}

/* Measures all statements in a transaction of its own. */
static void
measure(const PoJobRun *run, PoVerification *verification, bool after)
{
	po_progress_report(after ? "measuring with the index" : "measuring without the index", 0, 0);
	begin_reading(run);
	po_verify_measure(verification, after);
	end_reading(run);
}

/* Collects statistics on the expressions of the new index, which the planner judges it by. */
static void
analyze_table(const PoJobRun *run, const PoVerification *verification)
{
	PoExecResult result;
	char	   *name;

	if (verification->index->expressions == NIL)
		return;
	po_progress_report("analyzing the table", 0, 0);
	StartTransactionCommand();
	name = MemoryContextStrdup(run->memory, po_relname_qualified(verification->index->relid));
	CommitTransactionCommand();
	MemoryContextSwitchTo(run->memory);
	po_exec_top_level(psprintf("ANALYZE %s", name), &result);
}

/* Measures with the index, and drops it when that fails: what is not judged does not stay. */
static void
measure_built(const PoJobRun *run, const PoBuild *build, PoVerification *verification)
{
	PG_TRY();
	{
		analyze_table(run, verification);
		measure(run, verification, true);
	}
	PG_CATCH();
	{
		ErrorData  *error;

		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(run->memory);
		error = CopyErrorData();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		MemoryContextSwitchTo(run->memory);
		po_attempt_spare();
		RESUME_INTERRUPTS();
		po_build_drop(build);
		ReThrowError(error);
	}
	PG_END_TRY();
}

/*
 * Tries an index on a workload, which must have been collected by this process in the
 * run's memory; called outside any transaction.  The verdict becomes the run's detail.
 * Returns whether the index was kept: if it pays and keep is set.
 */
bool
po_trial_run(PoJobRun *run, const PoBuild *build, PoWorkload *workload, bool keep)
{
	PoVerification *verification;
	bool		built;

	begin_reading(run);
	verification = po_verify_begin(build->sql, workload);
	end_reading(run);
	built = verification->statements != NIL;
	if (built)
	{
		measure(run, verification, false);
		po_build_run(build, false);
		measure_built(run, build, verification);
		po_verify_judge(verification);
		keep = keep && verification->pays;
		if (!keep)
			po_build_drop(build);
	}
	run->detail = po_verify_report(verification, built, built && keep);
	return built && keep;
}
