/*
 * suggestion_sql.c
 *	  SQL functions that have a worker carry out or try a suggestion.
 */
#include "postgres.h"

#include "common/hashfn.h"
#include "core/args.h"
#include "core/relname.h"
#include "core/statements.h"
#include "fmgr.h"
#include "jobs/apply.h"
#include "jobs/build.h"
#include "jobs/verify_command.h"
#include "mb/pg_wchar.h"
#include "sched/once.h"
#include "utils/builtins.h"

PG_FUNCTION_INFO_V1(perf_optimizer_apply_suggestion);
PG_FUNCTION_INFO_V1(perf_optimizer_verify_suggestion);

/* Most bytes of the target in a job's name. */
#define NAME_TARGET_BYTES 100

/* Fills what both kinds of one-off jobs have in common and starts the run. */
static int64
start(const char *kind, char *target, char *command)
{
	PoJob		job = {0};
	uint32		hash = hash_bytes((const unsigned char *) command, (int) strlen(command));
	int			length = pg_mbcliplen(target, (int) strlen(target), NAME_TARGET_BYTES);

	job.kind = pstrdup(kind);
	job.target = target;
	job.command = command;

	/*
	 * The same work is the same job; other work of the same target is another
	 * one.
	 */
	job.name = psprintf("%s %.*s %08x", kind, length, target, hash);
	job.max_attempts = 2;
	return po_once_start(&job);
}

/* SQL: apply_suggestion(definition). */
Datum
perf_optimizer_apply_suggestion(PG_FUNCTION_ARGS)
{
	char	   *target;
	char	   *command = po_apply_prepare(po_args_text(fcinfo, 0, "definition"), &target);

	PG_RETURN_INT64(start("apply", target, command));
}

/* SQL: verify_suggestion(definition, queries, keep). */
Datum
perf_optimizer_verify_suggestion(PG_FUNCTION_ARGS)
{
	PoBuild    *build = po_build_prepare(po_args_text(fcinfo, 0, "definition"));
	PoStatementsView view;
	char	  **queries;
	int			n = po_args_text_array(fcinfo, 1, "queries", false, &queries);

	po_args_require(fcinfo, 2, "keep");
	if (PG_ARGISNULL(1))
		po_statements_find(&view, "verify_suggestion without queries");
	else if (n == 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"queries\" must be null or not empty"),
				 errhint("Pass NULL to take the statements of pg_stat_statements.")));
	PG_RETURN_INT64(start("verify", build->name,
						  po_verify_job_command(build, po_relname_qualified(build->relid), queries,
												PG_ARGISNULL(1) ? -1 : n, PG_GETARG_BOOL(2))));
}
