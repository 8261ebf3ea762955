/*
 * verify_job.c
 *	  Trying one suggested index on a workload.
 *
 * The job's command is a JSON object: the definition, the queries (null: the recorded
 * statements) and whether to keep an index that pays.
 */
#include "postgres.h"

#include "access/xact.h"
#include "advisor/checks.h"
#include "advisor/workload.h"
#include "core/compat.h"
#include "core/json.h"
#include "core/progress.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "jobs/trial.h"
#include "jobs/verify_command.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/snapmgr.h"

/* What the command says. */
typedef struct Options
{
	char	   *table;			/* qualified */
	PoBuild		build;			/* without the table's OID */
	char	  **queries;
	int			nqueries;		/* -1: the recorded statements */
	bool		keep;
} Options;

/* Returns the command of a job that verifies an index; queries: NULL and n -1 for the recorded statements. */
char *
po_verify_job_command(const PoBuild *build, const char *table, char **queries, int n, bool keep)
{
	PoJson		json = {0};

	po_json_begin_object(&json, NULL);
	po_json_text(&json, "definition", build->sql);
	po_json_text(&json, "index", build->name);
	po_json_text(&json, "table", table);
	po_json_bool(&json, "concurrent", build->concurrent);
	po_json_bool(&json, "keep", keep);
	if (n >= 0)
	{
		po_json_begin_array(&json, "queries");
		for (int i = 0; i < n; i++)
			po_json_text(&json, NULL, queries[i]);
		po_json_end_array(&json);
	}
	po_json_end_object(&json);
	return JsonbToCString(NULL, &po_json_finish(&json)->root, 0);
}

/* Returns a string of the object; raises 22023 when it is not there. */
static char *
get_text(Jsonb *object, const char *key)
{
	JsonbValue	value;

	if (getKeyJsonValueFromContainer(&object->root, key, strlen(key), &value) == NULL ||
		value.type != jbvString)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("the job's command has no \"%s\"", key),
				 errhint("Call perf_optimizer.verify_suggestion again.")));
	return pnstrdup(value.val.string.val, value.val.string.len);
}

/* Returns a boolean of the object, false when it is not there. */
static bool
get_bool(Jsonb *object, const char *key)
{
	JsonbValue	value;

	return getKeyJsonValueFromContainer(&object->root, key, strlen(key), &value) != NULL &&
		value.type == jbvBool && value.val.boolean;
}

/* Reads the array of queries, if there is one. */
static void
get_queries(Jsonb *object, Options *options)
{
	JsonbValue	value;
	uint32		n;

	options->nqueries = -1;
	if (getKeyJsonValueFromContainer(&object->root, "queries", strlen("queries"), &value) == NULL ||
		value.type != jbvBinary || !JsonContainerIsArray(value.val.binary.data))
		return;
	n = JsonContainerSize(value.val.binary.data);
	options->queries = palloc0(sizeof(char *) * Max(n, 1));
	options->nqueries = (int) n;
	for (uint32 i = 0; i < n; i++)
	{
		JsonbValue *element = getIthJsonbValueFromContainer(value.val.binary.data, i);

		options->queries[i] = element->type == jbvString
			? pnstrdup(element->val.string.val, element->val.string.len) : pstrdup("");
	}
}

/* Reads the command; raises 22023 and 22P02 for one that is not ours. */
static void
read_command(const char *command, Options *options)
{
	Jsonb	   *object = DatumGetJsonbP(DirectFunctionCall1(jsonb_in, CStringGetDatum(command)));

	memset(options, 0, sizeof(Options));
	options->build.sql = get_text(object, "definition");
	options->build.name = get_text(object, "index");
	options->build.concurrent = get_bool(object, "concurrent");
	options->table = get_text(object, "table");
	options->keep = get_bool(object, "keep");
	get_queries(object, options);
}

/* Raises 42501 for a superuser's job where those are off, and what reading the command raises. */
static void
validate(PoJob *job)
{
	Options		options;

	read_command(job->command, &options);
	po_exec_check_superuser(job->owner);
}

/* A concurrent build waits until every older snapshot is gone. */
static bool
waits_for_snapshots(const PoJob *job)
{
	return true;
}

/* Collects the workload and finds the table. */
static PoWorkload *
collect(PoJobRun *run, Options *options)
{
	PoWorkload *workload;

	po_progress_report("planning the statements", 0, 0);
	StartTransactionCommand();
	PushActiveSnapshot(GetTransactionSnapshot());
	MemoryContextSwitchTo(run->memory);
	read_command(run->job->command, options);
	options->build.relid = DatumGetObjectId(DirectFunctionCall1(regclassin, CStringGetDatum(options->table)));
	workload = options->nqueries >= 0
		? po_workload_from_texts(options->queries, NULL, options->nqueries)
		: po_workload_from_statistics("verify_suggestion without queries");
	po_checks_add(workload);
	PopActiveSnapshot();
	CommitTransactionCommand();
	MemoryContextSwitchTo(run->memory);
	return workload;
}

/* Tries the index; after a crash what the attempt before has built goes first. */
static void
run(PoJobRun *run)
{
	Options		options;
	PoWorkload *workload;

	po_exec_quiet_settings();
	workload = collect(run, &options);
	if (run->attempt > 1)
		po_build_remove(&options.build);
	(void) po_trial_run(run, &options.build, workload, options.keep);
}

const PoJobKind po_verify_kind = {
	.name = "verify",
	.retry_after_crash = true,
	.validate = validate,
	.waits_for_snapshots = waits_for_snapshots,
	.run = run,
};
