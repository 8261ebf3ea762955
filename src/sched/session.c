/*
 * session.c
 *	  The session of a runner between two runs.
 *
 * A run finds the session as a new connection would: what the run before it left
 * is discarded, and a process that was let in by rights that have changed since
 * is not used again.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/namespace.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "core/compat.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "sched/session.h"
#include "storage/lock.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/portal.h"
#include "utils/syscache.h"

static bool stale = false;
static uint32 role_hash;
static uint32 database_hash;

/* Notices a change of the role, the database or of memberships. */
static void
rights_changed(Datum arg, PO_SYSCACHE_ID cache, uint32 hash)
{
	if (hash == 0 || (cache == AUTHOID && hash == role_hash) ||
		(cache == DATABASEOID && hash == database_hash) || cache == AUTHMEMMEMROLE)
		stale = true;
}

/* Has changes of the rights by which this process was let in noticed from now on. */
void
po_session_watch_role(Oid dboid, Oid roleid)
{
	role_hash = GetSysCacheHashValue1(AUTHOID, ObjectIdGetDatum(roleid));
	database_hash = GetSysCacheHashValue1(DATABASEOID, ObjectIdGetDatum(dboid));
	CacheRegisterSyscacheCallback(AUTHOID, rights_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(DATABASEOID, rights_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, rights_changed, (Datum) 0);
}

/* Tells whether the rights have changed; as of the start of the current transaction. */
bool
po_session_is_stale(void)
{
	return stale;
}

/*
 * Does what DISCARD ALL does, and resets the role, but keeps plans: they hold
 * nothing of a run, and ours are among them.
 */
static void
discard(void)
{
	PortalHashTableDeleteAll();
	SetPGVariable("session_authorization", NIL, false);
	SetPGVariable("role", NIL, false);
	ResetAllOptions();
	DropAllPreparedStatements();
	Async_UnlistenAll();
	LockReleaseAll(USER_LOCKMETHOD, true);
	ResetTempTableNamespace();
	ResetSequenceCaches();
}

/*
 * Discards what a run left in the session; false when that failed and the process
 * must not be used for another.  Called outside any transaction, with cancels
 * held off.
 */
bool
po_session_reset(void)
{
	MemoryContext memory = CurrentMemoryContext;
	volatile bool done = false;

	PG_TRY();
	{
		StartTransactionCommand();
		discard();
		CommitTransactionCommand();
		done = true;
	}
	PG_CATCH();
	{
		HOLD_INTERRUPTS();
		MemoryContextSwitchTo(memory);
		EmitErrorReport();
		AbortOutOfAnyTransaction();
		FlushErrorState();
		RESUME_INTERRUPTS();
		/* The error has ended the caller's hold. */
		HOLD_CANCEL_INTERRUPTS();
	}
	PG_END_TRY();
	MemoryContextSwitchTo(memory);
	return done;
}
