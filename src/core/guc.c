/*
 * guc.c
 *	  The settings of perf_optimizer.*, sorted by name.
 *
 * Settings that need shared memory or background workers (PGC_POSTMASTER) are
 * defined only while the library is preloaded.
 */
#include "postgres.h"

#include <limits.h>

#include "core/guc.h"
#include "core/preload.h"
#include "utils/guc.h"

bool		po_guc_allow_superuser_jobs = true;
int			po_guc_history_retention = 30 * 24 * 60;
int			po_guc_job_lock_timeout = 10 * 1000;
int			po_guc_matview_log_limit = 256 * 1024;
int			po_guc_max_workers = 4;
bool		po_guc_run_jobs = true;
int			po_guc_runner_linger = 5 * 1000;
int			po_guc_runner_max_runs = 1000;

/* Defines the settings of scheduled jobs. */
static void
define_jobs(void)
{
	DefineCustomBoolVariable("perf_optimizer.allow_superuser_jobs",
							 "Lets superusers schedule and run commands.",
							 "Their refresh, archive and maintenance jobs are not affected.",
							 &po_guc_allow_superuser_jobs, true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("perf_optimizer.history_retention",
							"How long runs of jobs stay in the history.",
							"The last run of each job always stays.",
							&po_guc_history_retention, 30 * 24 * 60, 1, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MIN, NULL, NULL, NULL);
	DefineCustomIntVariable("perf_optimizer.job_lock_timeout",
							"How long refresh, archive and maintenance jobs wait for a lock.",
							"Zero waits without limit.",
							&po_guc_job_lock_timeout, 10 * 1000, 0, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	if (po_preload_done())
		DefineCustomIntVariable("perf_optimizer.max_workers",
								"Jobs that run at one time in the whole cluster.",
								"Each takes one of max_worker_processes while it runs.",
								&po_guc_max_workers, 4, 1, 1024,
								PGC_POSTMASTER, 0, NULL, NULL, NULL);
	DefineCustomBoolVariable("perf_optimizer.run_jobs",
							 "Starts scheduled jobs when they are due.",
							 "Off keeps runs waiting; what is running goes on.",
							 &po_guc_run_jobs, true,
							 PGC_SIGHUP, 0, NULL, NULL, NULL);
	DefineCustomIntVariable("perf_optimizer.runner_linger",
							"How long a worker waits for another job of its role before it ends.",
							"A job that comes meanwhile needs no new process.",
							&po_guc_runner_linger, 5 * 1000, 0, 10 * 60 * 1000,
							PGC_SIGHUP, GUC_UNIT_MS, NULL, NULL, NULL);
	DefineCustomIntVariable("perf_optimizer.runner_max_runs",
							"After how many runs a worker makes way for a new process.",
							"1 gives each run a process of its own.",
							&po_guc_runner_max_runs, 1000, 1, INT_MAX,
							PGC_SIGHUP, 0, NULL, NULL, NULL);
}

/* Defines the settings of materialized views. */
static void
define_matviews(void)
{
	DefineCustomIntVariable("perf_optimizer.matview_log_limit",
							"How large the log of changes of one table may become.",
							"Beyond it views are compared in full, and the log starts anew.",
							&po_guc_matview_log_limit, 256 * 1024, 64, INT_MAX,
							PGC_SIGHUP, GUC_UNIT_KB, NULL, NULL, NULL);
}

/* Defines every setting; called once from _PG_init. */
void
po_guc_init(void)
{
	define_jobs();
	define_matviews();
}

/* Makes misspelt perf_optimizer.* settings an error; call after all definitions. */
void
po_guc_reserve(void)
{
	MarkGUCPrefixReserved("perf_optimizer");
}
