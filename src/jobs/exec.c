/*
 * exec.c
 *	  Running SQL at top level in a worker, and the worker's settings for it.
 *
 * As psql would send them one by one: each statement is a transaction of its
 * own unless the text opens one, so VACUUM, CREATE INDEX CONCURRENTLY and CALL
 * of a procedure that commits all work.  The first error ends the text.
 */
#include "postgres.h"

#include <limits.h>

#include "access/xact.h"
#include "core/compat.h"
#include "core/guc.h"
#include "jobs/exec.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/parsenodes.h"
#include "parser/analyze.h"
#include "pgstat.h"
#include "tcop/cmdtag.h"
#include "tcop/pquery.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/portal.h"
#include "utils/snapmgr.h"

/* Command tags are kept up to this length. */
#define MAX_TAGS 2000

/*
 * Gives a runner the settings for work that is ours: limits that a role or a
 * database sets for its sessions do not fit it, and a lock is not waited for
 * without end.
 */
void
po_exec_quiet_settings(void)
{
	static const char *const unlimited[] = {
		"statement_timeout", "idle_in_transaction_session_timeout", "transaction_timeout",
	};

	for (int i = 0; i < lengthof(unlimited); i++)
		if (GetConfigOption(unlimited[i], true, false) != NULL)
			SetConfigOption(unlimited[i], "0", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("lock_timeout", psprintf("%d", po_guc_job_lock_timeout),
					PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("default_transaction_read_only", "off", PGC_USERSET, PGC_S_SESSION);
	SetConfigOption("default_transaction_isolation", "read committed", PGC_USERSET, PGC_S_SESSION);
}

/* Raises 0A000 for a statement that needs a client. */
static void
refuse_client_statements(Node *stmt)
{
	if (IsA(stmt, CopyStmt) && ((CopyStmt *) stmt)->filename == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("a job has no client that COPY could read from or write to"),
				 errhint("Use COPY with a file or a program, or INSERT ... SELECT.")));
}

/* Plans one statement; the plans live in the current memory context. */
static List *
plan_statement(RawStmt *parsetree, const char *sql)
{
	bool		snapshot = analyze_requires_snapshot(parsetree);
	List	   *queries;
	List	   *plans;

	if (snapshot)
		PushActiveSnapshot(GetTransactionSnapshot());
	queries = pg_analyze_and_rewrite_fixedparams(parsetree, sql, NULL, 0, NULL);
	plans = pg_plan_queries(queries, sql, CURSOR_OPT_PARALLEL_OK, NULL);
	if (snapshot)
		PopActiveSnapshot();
	return plans;
}

/* Runs the plans of one statement through a portal, as a client's statement. */
static void
run_portal(List *plans, const char *sql, CommandTag tag, QueryCompletion *qc)
{
	Portal		portal = CreatePortal("", true, true);
	DestReceiver *receiver = CreateDestReceiver(DestNone);

	portal->visible = false;
	PortalDefineQuery(portal, NULL, sql, tag, plans, NULL);
	PortalStart(portal, NULL, 0, InvalidSnapshot);
	PO_PORTAL_RUN(portal, receiver, qc);
	receiver->rDestroy(receiver);
	PortalDrop(portal, false);
}

/* Adds what a statement did to the result. */
static void
note_completion(const QueryCompletion *qc, CommandTag tag, StringInfo tags, PoExecResult *result)
{
	char		line[COMPLETION_TAG_BUFSIZE];

	/* A SELECT reads rows; only what changes some counts. */
	if (command_tag_display_rowcount(qc->commandTag) && tag != CMDTAG_SELECT)
		result->rows_affected = Max(result->rows_affected, 0) + qc->nprocessed;
	if (qc->commandTag == CMDTAG_UNKNOWN || tags->len > MAX_TAGS)
		return;
	if (command_tag_display_rowcount(qc->commandTag))
		snprintf(line, sizeof(line), "%s %llu", GetCommandTagName(qc->commandTag),
				 (unsigned long long) qc->nprocessed);
	else
		snprintf(line, sizeof(line), "%s", GetCommandTagName(qc->commandTag));
	appendStringInfo(tags, "%s%s", tags->len > 0 ? "; " : "", line);
}

/* Runs one statement, in a transaction of its own unless a block is open. */
static void
run_statement(RawStmt *parsetree, const char *sql, StringInfo tags, PoExecResult *result)
{
	CommandTag	tag = CreateCommandTag(parsetree->stmt);
	QueryCompletion qc;
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer statement",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old;

	InitializeQueryCompletion(&qc);
	refuse_client_statements(parsetree->stmt);
	SetCurrentStatementStartTimestamp();
	StartTransactionCommand();
	old = MemoryContextSwitchTo(memory);
	run_portal(plan_statement(parsetree, sql), sql, tag, &qc);
	CommitTransactionCommand();
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
	note_completion(&qc, tag, tags, result);
}

/*
 * Runs a text of one or more statements; called outside any transaction.  Raises
 * what a statement raises, and 25001 when the text leaves a transaction open.
 */
void
po_exec_top_level(const char *sql, PoExecResult *result)
{
	StringInfoData tags;
	MemoryContext memory = CurrentMemoryContext;
	List	   *parsetrees;
	ListCell   *cell;

	initStringInfo(&tags);
	result->rows_affected = -1;
	debug_query_string = sql;
	pgstat_report_activity(STATE_RUNNING, sql);
	parsetrees = pg_parse_query(sql);
	foreach(cell, parsetrees)
	{
		CHECK_FOR_INTERRUPTS();
		MemoryContextSwitchTo(memory);
		run_statement(lfirst_node(RawStmt, cell), sql, &tags, result);
	}
	if (IsTransactionBlock())
		ereport(ERROR,
				(errcode(ERRCODE_ACTIVE_SQL_TRANSACTION),
				 errmsg("the command ends inside a transaction that it has opened"),
				 errdetail("Its changes are rolled back."),
				 errhint("End the command with COMMIT.")));
	pgstat_report_activity(STATE_IDLE, NULL);
	debug_query_string = NULL;
	/* The last transaction took the context that was current with it. */
	MemoryContextSwitchTo(memory);
	result->tags = tags.data;
}

/* Tells whether a list of options asks for CONCURRENTLY. */
static bool
asks_concurrently(List *options)
{
	ListCell   *cell;

	foreach(cell, options)
		if (strcmp(lfirst_node(DefElem, cell)->defname, "concurrently") == 0)
		return true;
	return false;
}

/* Tells whether ALTER TABLE detaches a partition concurrently. */
static bool
detaches_concurrently(AlterTableStmt *stmt)
{
	ListCell   *cell;

	foreach(cell, stmt->cmds)
	{
		AlterTableCmd *cmd = lfirst_node(AlterTableCmd, cell);

		if (cmd->subtype == AT_DetachPartition && castNode(PartitionCmd, cmd->def)->concurrent)
			return true;
	}
	return false;
}

/* Tells whether a statement waits until every older snapshot is gone. */
static bool
statement_waits(Node *stmt)
{
	if (IsA(stmt, IndexStmt))
		return ((IndexStmt *) stmt)->concurrent;
	if (IsA(stmt, DropStmt))
		return ((DropStmt *) stmt)->concurrent;
	if (IsA(stmt, ReindexStmt))
		return asks_concurrently(((ReindexStmt *) stmt)->params);
	return IsA(stmt, AlterTableStmt) && detaches_concurrently((AlterTableStmt *) stmt);
}

/*
 * Tells whether a text holds a statement that waits until every older snapshot is
 * gone, as far as it stands in the text itself and not in a function.
 */
bool
po_exec_waits_for_snapshots(const char *sql)
{
	ListCell   *cell;

	foreach(cell, pg_parse_query(sql))
		if (statement_waits(lfirst_node(RawStmt, cell)->stmt))
		return true;
	return false;
}

/* Raises 42501 when a role is a superuser whose commands are switched off. */
void
po_exec_check_superuser(Oid owner)
{
	if (superuser_arg(owner) && !po_guc_allow_superuser_jobs)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("commands of superusers are switched off"),
				 errhint("Schedule as another role, or set perf_optimizer.allow_superuser_jobs.")));
}
