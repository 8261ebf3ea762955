/*
 * tuning_job.c
 *	  Trying the best suggested index of the recorded workload, night after night.
 *
 * Each run takes the best suggestion that fits into the budget, on a table of the job's
 * owner, builds it, and keeps it only if its statements, really run, pay for it.  While
 * it is on trial the index has a name of the job's own, so that a run that crashed
 * leaves nothing that the next one does not find.
 */
#include "postgres.h"

#include "access/xact.h"
#include "advisor/checks.h"
#include "advisor/suggest.h"
#include "catalog/pg_class.h"
#include "core/compat.h"
#include "core/progress.h"
#include "core/relname.h"
#include "core/statements.h"
#include "executor/spi.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "jobs/trial.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* The search for the best index ends after this time. */
#define SEARCH_LIMIT_MS 60000

/* What the comment on an index that a job keeps begins with; such indexes count against its budget. */
#define KEPT_COMMENT "perf_optimizer index tuning, job "

/* Raises 55000 without pg_stat_statements, 22023 for a budget that is none, 42501 for a superuser's where those are off. */
static void
validate(PoJob *job)
{
	PoStatementsView view;

	po_statements_find(&view, "tuning of indexes");
	if (job->command != NULL && strtoll(job->command, NULL, 10) <= 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"storage_budget_bytes\" must be positive"),
				 errhint("Pass NULL for no storage budget.")));
	po_exec_check_superuser(job->owner);
}

/* A concurrent build waits until every older snapshot is gone. */
static bool
waits_for_snapshots(const PoJob *job)
{
	return true;
}

/* Returns the name of the job's index while it is on trial. */
static char *
trial_name(const PoJob *job)
{
	return psprintf("perf_optimizer_trial_" INT64_FORMAT, job->job_id);
}

/* Runs a query of ours; returns a bigint, 0 when there is no row. */
static int64
query_int8(const char *sql)
{
	int64		result = 0;
	bool		isnull;

	if (SPI_connect() != SPI_OK_CONNECT || SPI_execute(sql, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not run \"%s\"", sql);
	if (SPI_processed == 1)
	{
		Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, 1, &isnull);

		result = isnull ? 0 : DatumGetInt64(value);
	}
	SPI_finish();
	return result;
}

/* Returns what is left of the budget after the indexes that the job has kept; negative for none. */
static int64
budget_left(const PoJob *job)
{
	int64		left;

	if (job->command == NULL)
		return -1;
	left = strtoll(job->command, NULL, 10) -
		query_int8(psprintf("SELECT pg_catalog.sum(pg_catalog.pg_relation_size(c.oid))::pg_catalog.int8"
							" FROM pg_catalog.pg_description d JOIN pg_catalog.pg_class c ON c.oid OPERATOR(pg_catalog.=) d.objoid"
							" WHERE d.classoid OPERATOR(pg_catalog.=) 'pg_catalog.pg_class'::pg_catalog.regclass"
							" AND d.objsubid OPERATOR(pg_catalog.=) 0 AND c.relkind OPERATOR(pg_catalog.=) 'i'"
							" AND d.description OPERATOR(pg_catalog.=) %s",
							quote_literal_cstr(psprintf(KEPT_COMMENT INT64_FORMAT, job->job_id))));
	return Max(left, 0);
}

/* Finds what an earlier run has left on trial; called in a transaction. */
static bool
find_leftover(const PoJob *job, PoBuild *build)
{
	build->name = trial_name(job);
	build->concurrent = true;
	build->relid = (Oid) query_int8(psprintf(
											 "SELECT i.indrelid::pg_catalog.int8 FROM pg_catalog.pg_class c"
											 " JOIN pg_catalog.pg_index i ON i.indexrelid OPERATOR(pg_catalog.=) c.oid"
											 " WHERE c.relname OPERATOR(pg_catalog.=) %s", quote_literal_cstr(build->name)));
	return OidIsValid(build->relid);
}

/* Takes the best suggestion that the job may build; NULL when there is none. */
static const PoSuggestion *
choose(PoWorkload *workload, int64 budget)
{
	PoSuggestOptions options = {
		.budget = budget,
		.max_indexes = -1,
		.min_improvement_pct = 1,
		.time_limit_ms = SEARCH_LIMIT_MS,
	};
	const char *ended_by;
	ListCell   *lc;

	if (budget == 0)
		return NULL;
	foreach(lc, po_suggest_indexes(workload, &options, &ended_by))
	{
		const PoSuggestion *suggestion = (const PoSuggestion *) lfirst(lc);

		/*
		 * An index of a partitioned table cannot be built without blocking
		 * writes.
		 */
		if (get_rel_relkind(suggestion->index->relid) != RELKIND_PARTITIONED_TABLE &&
			PO_OWNS_RELATION(suggestion->index->relid, GetUserId()))
			return suggestion;
	}
	return NULL;
}

/* What one run of the job has to do. */
typedef struct Trial
{
	PoBuild		leftover;		/* its relid is InvalidOid without one */
	PoBuild		build;
	PoWorkload *workload;
	char	   *name;			/* that the index gets if it is kept; NULL:
								 * nothing to do */
	char	   *table;
} Trial;

/* Looks for a leftover and for the best suggestion. */
static void
make_plan(PoJobRun *run, Trial *plan)
{
	const PoSuggestion *best;

	po_progress_report("searching for the best index", 0, 0);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(run->memory);
	(void) find_leftover(run->job, &plan->leftover);
	plan->workload = po_workload_from_statistics("tuning of indexes");
	po_checks_add(plan->workload);
	best = choose(plan->workload, budget_left(run->job));
	if (best != NULL)
	{
		plan->build.relid = best->index->relid;
		plan->build.name = trial_name(run->job);
		plan->build.sql = po_build_name(best->index->definition, plan->build.name);
		plan->build.concurrent = true;
		plan->name = best->index->name;
		plan->table = po_relname_qualified(best->index->relid);
	}
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(run->memory);
}

/* Gives an index that stays its own name, and a comment that says where it comes from. */
static void
keep_index(const PoJobRun *run, const Trial *plan)
{
	char	   *schema;
	PoExecResult result;

	StartTransactionCommand();
	schema = MemoryContextStrdup(run->memory, get_namespace_name(get_rel_namespace(plan->build.relid)));
	CommitTransactionCommand();
	MemoryContextSwitchTo(run->memory);
	po_exec_top_level(psprintf("BEGIN; COMMENT ON INDEX %s IS %s; ALTER INDEX %s RENAME TO %s; COMMIT",
							   quote_qualified_identifier(schema, plan->build.name),
							   quote_literal_cstr(psprintf(KEPT_COMMENT INT64_FORMAT, run->job->job_id)),
							   quote_qualified_identifier(schema, plan->build.name),
							   quote_identifier(plan->name)), &result);
}

/* Tries the best index. */
static void
run(PoJobRun *run)
{
	Trial		plan = {0};

	po_exec_quiet_settings();
	make_plan(run, &plan);
	if (OidIsValid(plan.leftover.relid))
		po_build_remove(&plan.leftover);
	if (plan.name == NULL)
		run->detail = "no index within the budget helps the recorded statements";
	else if (po_trial_run(run, &plan.build, plan.workload, true))
		keep_index(run, &plan);
}

const PoJobKind po_tuning_kind = {
	.name = "index_tuning",
	.retry_after_crash = true,
	.validate = validate,
	.waits_for_snapshots = waits_for_snapshots,
	.run = run,
};
