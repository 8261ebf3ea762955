/*
 * session.c
 *	  The session of a runner between two runs.
 *
 * A run finds the session as a new connection would: what the run before it left
 * is discarded, and a process that was let in with rights or settings that have
 * changed since is not used again.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_db_role_setting.h"
#include "commands/async.h"
#include "commands/prepare.h"
#include "commands/sequence.h"
#include "common/hashfn.h"
#include "core/compat.h"
#include "miscadmin.h"
#include "nodes/pg_list.h"
#include "sched/session.h"
#include "storage/lock.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/inval.h"
#include "utils/portal.h"
#include "utils/syscache.h"

static bool stale = false;
static uint32 role_hash;
static uint32 database_hash;
static uint32 settings;

/* Notices a change of the role, the database or of memberships. */
static void
rights_changed(Datum arg, PO_SYSCACHE_ID cache, uint32 hash)
{
	if (hash == 0 || (cache == AUTHOID && hash == role_hash) ||
		(cache == DATABASEOID && hash == database_hash) || cache == AUTHMEMMEMROLE)
		stale = true;
}

/* Returns a number that stands for the stored settings of a role in a database; either may be 0, for any. */
static uint32
settings_of(Relation rel, Oid dboid, Oid roleid)
{
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	uint32		result = 0;

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(dboid));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(roleid));
	scan = systable_beginscan(rel, DbRoleSettingDatidRolidIndexId, true, NULL, 2, keys);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		result = hash_combine(hash_uint32(HeapTupleHeaderGetRawXmin(tuple->t_data)),
							  hash_bytes((const unsigned char *) &tuple->t_self, sizeof(ItemPointerData)));
	systable_endscan(scan);
	return result;
}

/* Returns a number that changes with what ALTER ROLE and ALTER DATABASE set for our sessions; in a transaction. */
static uint32
current_settings(void)
{
	Relation	rel = table_open(DbRoleSettingRelationId, AccessShareLock);
	Oid			roleid = GetAuthenticatedUserId();
	uint32		result = settings_of(rel, MyDatabaseId, roleid);

	result = hash_combine(result, settings_of(rel, MyDatabaseId, InvalidOid));
	result = hash_combine(result, settings_of(rel, InvalidOid, roleid));
	result = hash_combine(result, settings_of(rel, InvalidOid, InvalidOid));
	table_close(rel, AccessShareLock);
	return result;
}

/* Has changes of the rights and settings with which this process was let in noticed from now on. */
void
po_session_watch_role(Oid dboid, Oid roleid)
{
	StartTransactionCommand();
	settings = current_settings();
	CommitTransactionCommand();
	role_hash = GetSysCacheHashValue1(AUTHOID, ObjectIdGetDatum(roleid));
	database_hash = GetSysCacheHashValue1(DATABASEOID, ObjectIdGetDatum(dboid));
	CacheRegisterSyscacheCallback(AUTHOID, rights_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(DATABASEOID, rights_changed, (Datum) 0);
	CacheRegisterSyscacheCallback(AUTHMEMMEMROLE, rights_changed, (Datum) 0);
}

/* Tells whether a new process would find other rights or settings; in a transaction that has just begun. */
bool
po_session_is_stale(void)
{
	return stale || current_settings() != settings;
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
