/*
 * utility.c
 *	  Commands that need our workers out of the way.
 *
 * DROP DATABASE, CREATE DATABASE ... TEMPLATE, RENAME and SET TABLESPACE want no
 * process connected to the database and give up after five seconds; one that
 * allows no connections any more should not have our workers either.  So we stop
 * our workers there first, keep new ones away until the transaction ends, and let
 * the launcher start them again then, however it ended.
 */
#include "postgres.h"

#include <signal.h>

#include "access/xact.h"
#include "catalog/pg_database.h"
#include "commands/dbcommands.h"
#include "commands/defrem.h"
#include "core/compat.h"
#include "miscadmin.h"
#include "sched/shared.h"
#include "sched/utility.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/timestamp.h"
#include "utils/wait_event.h"

#define WAIT_FOR_WORKERS_MS 10000
#define MAX_HELD 16

static ProcessUtility_hook_type prev_ProcessUtility = NULL;

/* Databases that the current transaction keeps free of workers. */
static Oid	held[MAX_HELD];
static int	nheld = 0;

/* The current transaction changes the list of databases. */
static bool rescan_pending = false;

/* Finds an option of a command by its name; NULL when it is not given. */
static DefElem *
find_option(List *options, const char *name)
{
	ListCell   *cell;

	foreach(cell, options)
	{
		DefElem    *option = lfirst_node(DefElem, cell);

		if (strcmp(option->defname, name) == 0 && option->arg != NULL)
			return option;
	}
	return NULL;
}

/* Returns the template that CREATE DATABASE copies, or NULL for the default one. */
static const char *
template_of(CreatedbStmt *stmt)
{
	DefElem    *option = find_option(stmt->options, "template");

	return option != NULL ? defGetString(option) : NULL;
}

/* Tells whether ALTER DATABASE moves the database or shuts it; other options do not mind our workers. */
static bool
moves_or_shuts(AlterDatabaseStmt *stmt)
{
	return find_option(stmt->options, "tablespace") != NULL ||
		find_option(stmt->options, "allow_connections") != NULL;
}

/* Returns the name of the database that a command wants for itself, or NULL. */
static const char *
database_wanted(Node *stmt)
{
	if (IsA(stmt, DropdbStmt))
		return ((DropdbStmt *) stmt)->dbname;
	if (IsA(stmt, CreatedbStmt))
		return template_of((CreatedbStmt *) stmt);
	if (IsA(stmt, AlterDatabaseStmt) && moves_or_shuts((AlterDatabaseStmt *) stmt))
		return ((AlterDatabaseStmt *) stmt)->dbname;
	if (IsA(stmt, RenameStmt) && ((RenameStmt *) stmt)->renameType == OBJECT_DATABASE)
		return ((RenameStmt *) stmt)->subname;
	return NULL;
}

/* Terminates the workers of a database; returns whether there were any.  Takes the lock. */
static bool
terminate_workers(Oid dboid)
{
	PoDatabase *db;
	bool		any = false;

	LWLockAcquire(po_sched_lock, LW_SHARED);
	db = po_shared_find_database(dboid);
	if (db != NULL && db->state != PO_DB_IDLE)
	{
		any = true;
		if (db->pid != 0)
			kill(db->pid, SIGTERM);
	}
	for (int i = 0; i < po_sched->nrunners; i++)
	{
		PoRunner   *runner = &po_sched->runners[i];

		if (runner->dboid != dboid || runner->phase == PO_RUNNER_FREE ||
			runner->phase == PO_RUNNER_GONE)
			continue;
		any = true;
		if (runner->pid != 0)
			kill(runner->pid, SIGTERM);
	}
	LWLockRelease(po_sched_lock);
	return any;
}

/* Waits until the workers of a database have ended, for a bounded time. */
static void
stop_workers(Oid dboid)
{
	TimestampTz end = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), WAIT_FOR_WORKERS_MS);

	ConditionVariablePrepareToSleep(&po_sched->progress);
	while (terminate_workers(dboid) && GetCurrentTimestamp() < end)
		(void) ConditionVariableTimedSleep(&po_sched->progress, 100, PG_WAIT_EXTENSION);
	ConditionVariableCancelSleep();
}

/*
 * Lets workers into the databases again that this transaction has kept to
 * itself.  Before its end the launcher would see the old state of pg_database.
 */
static void
end_of_transaction(XactEvent event, void *arg)
{
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT && event != XACT_EVENT_PREPARE)
		return;
	if (nheld > 0)
		rescan_pending = true;
	while (nheld > 0)
	{
		PoDatabase *db;

		nheld--;
		LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
		db = po_shared_find_database(held[nheld]);
		if (db != NULL && db->held > 0)
		{
			db->held--;
			db->wanted = true;
		}
		LWLockRelease(po_sched_lock);
	}
	if (rescan_pending)
		po_shared_wake_launcher(true);
	rescan_pending = false;
}

/* Has end_of_transaction called in this session. */
static void
watch_transaction(void)
{
	static bool registered = false;

	if (!registered)
		RegisterXactCallback(end_of_transaction, NULL);
	registered = true;
}

/* Keeps new workers away from a database until the end of the transaction. */
static void
hold_database(Oid dboid)
{
	PoDatabase *db;

	watch_transaction();
	if (nheld == MAX_HELD)
		return;					/* many in one transaction: its workers are
								 * only stopped */
	LWLockAcquire(po_sched_lock, LW_EXCLUSIVE);
	db = po_shared_add_database(dboid);
	if (db != NULL)
	{
		db->held++;
		held[nheld++] = dboid;
	}
	LWLockRelease(po_sched_lock);
}

/* Runs the command as it would run without us. */
static void
run_command(PlannedStmt *pstmt, const char *query, bool read_only, ProcessUtilityContext context,
			ParamListInfo params, QueryEnvironment *env, DestReceiver *dest, QueryCompletion *qc)
{
	if (prev_ProcessUtility)
		prev_ProcessUtility(pstmt, query, read_only, context, params, env, dest, qc);
	else
		standard_ProcessUtility(pstmt, query, read_only, context, params, env, dest, qc);
}

/* Tells whether a command ends a prepared transaction, whose changes nobody has announced. */
static bool
ends_prepared(Node *stmt)
{
	return IsA(stmt, TransactionStmt) &&
		(((TransactionStmt *) stmt)->kind == TRANS_STMT_COMMIT_PREPARED ||
		 ((TransactionStmt *) stmt)->kind == TRANS_STMT_ROLLBACK_PREPARED);
}

/*
 * Hook: clears the way for commands on whole databases, when the role may run
 * them, and tells launcher and scheduler what they cannot see by themselves.
 */
static void
process_utility(PlannedStmt *pstmt, const char *query, bool read_only,
				ProcessUtilityContext context, ParamListInfo params, QueryEnvironment *env,
				DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *stmt = pstmt->utilityStmt;
	bool		rescan = IsA(stmt, CreatedbStmt) || IsA(stmt, AlterDatabaseStmt);
	bool		prepared = ends_prepared(stmt);
	const char *name = database_wanted(stmt);
	Oid			dboid = name != NULL ? get_database_oid(name, true) : InvalidOid;

	if (OidIsValid(dboid) && dboid != MyDatabaseId && PO_DATABASE_OWNERCHECK(dboid, GetUserId()))
	{
		hold_database(dboid);
		stop_workers(dboid);
	}
	if (rescan)
	{
		watch_transaction();
		rescan_pending = true;
	}
	run_command(pstmt, query, read_only, context, params, env, dest, qc);
	if (prepared)
		po_shared_wake_database(MyDatabaseId);
}

/* Installs the hook; called once while preloading. */
void
po_utility_init(void)
{
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = process_utility;
}
