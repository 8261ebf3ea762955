/*
 * apply_job.c
 *	  Carrying out a suggestion: the statements that perf_optimizer itself proposes.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "core/guc.h"
#include "core/progress.h"
#include "jobs/apply.h"
#include "jobs/build.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/parser.h"
#include "tcop/utility.h"
#include "utils/guc.h"
#include "utils/snapmgr.h"

/* Tells whether ALTER TABLE does only what suggestions do. */
static bool
is_suggested_alter(const AlterTableStmt *statement)
{
	ListCell   *lc;

	foreach(lc, statement->cmds)
	{
		switch (lfirst_node(AlterTableCmd, lc)->subtype)
		{
			case AT_SetStatistics:
			case AT_ValidateConstraint:
			case AT_DropConstraint:
			case AT_SetRelOptions:
				break;
			default:
				return false;
		}
	}
	return true;
}

/* Tells whether a statement is of a sort that suggestions are made of. */
static bool
is_suggestion(Node *statement)
{
	switch (nodeTag(statement))
	{
		case T_IndexStmt:
		case T_ReindexStmt:
		case T_CreateStatsStmt:
		case T_VacuumStmt:
			return true;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) statement)->objtype == OBJECT_MATVIEW;
		case T_DropStmt:
			return ((DropStmt *) statement)->removeType == OBJECT_INDEX ||
				((DropStmt *) statement)->removeType == OBJECT_STATISTIC_EXT;
		case T_AlterTableStmt:
			return is_suggested_alter((AlterTableStmt *) statement);
		default:
			return false;
	}
}

/* Returns one statement's own text. */
static char *
statement_text(const char *text, const RawStmt *raw)
{
	const char *start = text + Max(raw->stmt_location, 0);

	return raw->stmt_len > 0 ? pnstrdup(start, raw->stmt_len) : pstrdup(start);
}

/*
 * Splits a text into its statements.  Raises 42601 when there is none, 22023 for one
 * that is no suggestion.
 */
static List *
split_statements(const char *text, List **raws)
{
	List	   *texts = NIL;
	ListCell   *lc;

	*raws = raw_parser(text, RAW_PARSE_DEFAULT);
	if (*raws == NIL)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("argument \"definition\" holds no statement"),
				 errhint("Pass what a suggestion's definition or suggested_sql says.")));
	foreach(lc, *raws)
	{
		RawStmt    *raw = lfirst_node(RawStmt, lc);

		if (!is_suggestion(raw->stmt))
			ereport(ERROR,
					(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
					 errmsg("%s is not a statement that suggestions are made of",
							CreateCommandName(raw->stmt)),
					 errhint("Use perf_optimizer.schedule_command for SQL of your own.")));
		texts = lappend(texts, statement_text(text, raw));
	}
	return texts;
}

/*
 * Checks a text of suggested statements and returns it with a name for each index, so
 * that a build that fails can be undone.  *target gets what it is about, for people.
 */
char *
po_apply_prepare(const char *definition, char **target)
{
	List	   *raws;
	List	   *texts = split_statements(definition, &raws);
	StringInfoData command;
	ListCell   *lc;
	ListCell   *lc2;

	initStringInfo(&command);
	*target = NULL;
	forboth(lc, texts, lc2, raws)
	{
		char	   *text = (char *) lfirst(lc);
		Node	   *statement = lfirst_node(RawStmt, lc2)->stmt;

		if (IsA(statement, IndexStmt))
		{
			PoBuild    *build = po_build_prepare(text);

			text = build->sql;
			if (*target == NULL)
				*target = build->name;
		}
		if (*target == NULL)
			*target = pstrdup(CreateCommandName(statement));
		appendStringInfo(&command, "%s%s", command.len > 0 ? ";\n" : "", text);
	}
	return command.data;
}

/* Raises 42601 and 22023 as split_statements does, and 42501 for a superuser's where that is off. */
static void
validate(PoJob *job)
{
	List	   *raws;

	(void) split_statements(job->command, &raws);
	po_exec_check_superuser(job->owner);
}

/* Some statements wait until every older snapshot is gone. */
static bool
waits_for_snapshots(const PoJob *job)
{
	return po_exec_waits_for_snapshots(job->command);
}

/* Reads the index of a stored statement again; NULL when the statement creates none, or a second attempt finds it built. */
static PoBuild *
read_build(const char *text, const RawStmt *raw, MemoryContext memory)
{
	const IndexStmt *statement = (const IndexStmt *) raw->stmt;
	PoBuild    *build;

	if (!IsA(statement, IndexStmt))
		return NULL;
	build = palloc0(sizeof(PoBuild));
	build->name = statement->idxname;
	build->sql = unconstify(char *, text);
	build->concurrent = statement->concurrent;
	StartTransactionCommand();
	build->relid = RangeVarGetRelid(statement->relation, NoLock, false);
	CommitTransactionCommand();
	MemoryContextSwitchTo(memory);
	return build;
}

/* Carries out one statement. */
static void
run_one(const char *text, const RawStmt *raw, PoJobRun *run)
{
	PoBuild    *build = read_build(text, raw, run->memory);
	PoExecResult result;

	SetConfigOption("lock_timeout",
					psprintf("%d", po_exec_waits_for_snapshots(text) ? 0 : po_guc_job_lock_timeout),
					PGC_USERSET, PGC_S_SESSION);
	if (build != NULL)
	{
		po_build_run(build, run->attempt > 1);
		return;
	}
	po_progress_report(CreateCommandName(raw->stmt), 0, 0);
	po_exec_top_level(text, &result);
	if (result.rows_affected >= 0)
		run->rows_affected = result.rows_affected;
}

/* Carries out the statements one after the other. */
static void
run(PoJobRun *run)
{
	List	   *raws;
	List	   *texts;
	ListCell   *lc;
	ListCell   *lc2;

	po_exec_quiet_settings();
	texts = split_statements(run->job->command, &raws);
	forboth(lc, texts, lc2, raws)
	{
		MemoryContextSwitchTo(run->memory);
		run_one((const char *) lfirst(lc), lfirst_node(RawStmt, lc2), run);
	}
	run->detail = run->job->command;
}

const PoJobKind po_apply_kind = {
	.name = "apply",
	.retry_after_crash = true,
	.validate = validate,
	.waits_for_snapshots = waits_for_snapshots,
	.run = run,
};
