/*
 * arm.c
 *	  Making a base note its changes: triggers and log.
 *
 * A base has a row trigger, which the server copies to its partitions, and a
 * TRUNCATE trigger on itself and on each partition.  They are ENABLE ALWAYS, so
 * that they fire for logical replication, and depend on the extension, so that
 * DROP EXTENSION takes them along.  A materialized view has a log only: our own
 * refresh of it feeds it (apply.c).
 *
 * Arming needs a lock that keeps writers out.  It waits for that lock only for a
 * moment, because whoever queues for it stops all writers behind it.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/relation.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/partition.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_trigger.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "core/own.h"
#include "core/relname.h"
#include "core/setting.h"
#include "core/subtransaction.h"
#include "matview/arm.h"
#include "matview/log.h"
#include "matview/shape.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

#define ROW_TRIGGER "perf_optimizer_capture_"
#define TRUNCATE_TRIGGER "perf_optimizer_truncate_"
#define LOCK_TIMEOUT "50ms"

/* Returns the base that a trigger of ours was made for, by its name; InvalidOid for other names. */
Oid
po_arm_base_of_trigger(const char *name)
{
	if (strncmp(name, ROW_TRIGGER, strlen(ROW_TRIGGER)) == 0)
		return (Oid) strtoul(name + strlen(ROW_TRIGGER), NULL, 10);
	if (strncmp(name, TRUNCATE_TRIGGER, strlen(TRUNCATE_TRIGGER)) == 0)
		return (Oid) strtoul(name + strlen(TRUNCATE_TRIGGER), NULL, 10);
	return InvalidOid;
}

/* Tells whether a relation has the trigger of that name, enabled always. */
static bool
has_trigger(Oid relid, const char *name)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found = false;

	ScanKeyInit(&keys[0], Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	ScanKeyInit(&keys[1], Anum_pg_trigger_tgname, BTEqualStrategyNumber, F_NAMEEQ, CStringGetDatum(name));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 2, keys);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
		found = ((Form_pg_trigger) GETSTRUCT(tuple))->tgenabled == TRIGGER_FIRES_ALWAYS;
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return found;
}

/* Tells whether a base and its partitions have all triggers that they need. */
static bool
has_triggers(Oid base)
{
	ListCell   *cell;

	foreach(cell, find_all_inheritors(base, AccessShareLock, NULL))
		if (!has_trigger(lfirst_oid(cell), psprintf(ROW_TRIGGER "%u", base)) ||
			!has_trigger(lfirst_oid(cell), psprintf(TRUNCATE_TRIGGER "%u", base)))
		return false;
	return true;
}

/* Tells whether a base's log is whole and holds what is needed. */
static bool
has_log(const PoShapeBase *base)
{
	PoLog		log;
	Relation	table;
	uint64		xid;
	bool		whole;

	if (!po_log_find(base->relid, &log) || !bms_is_subset(base->logged, log.logged) ||
		!bms_is_subset(base->used, log.used))
		return false;
	table = try_table_open(log.log, AccessShareLock);
	if (table == NULL)
		return false;
	whole = po_log_sentinel(table, &xid);
	table_close(table, NoLock);
	return whole;
}

/* Tells whether one base notes its changes. */
static bool
is_ready(const PoShapeBase *base)
{
	return has_log(base) &&
		(get_rel_relkind(base->relid) == RELKIND_MATVIEW || has_triggers(base->relid));
}

/*
 * Tells whether all bases (of PoShapeBase) note their changes.  Their logs are
 * locked against being started again until the transaction ends.
 */
bool
po_arm_is_ready(List *bases)
{
	ListCell   *cell;

	foreach(cell, bases)
		if (!is_ready(lfirst(cell)))
		return false;
	return true;
}

/* Makes DROP EXTENSION drop a trigger. */
static void
depend_on_extension(Oid trigger)
{
	ObjectAddress address;
	ObjectAddress extension;

	ObjectAddressSet(address, TriggerRelationId, trigger);
	ObjectAddressSet(extension, ExtensionRelationId, get_extension_oid("perf_optimizer", false));
	recordDependencyOn(&address, &extension, DEPENDENCY_AUTO_EXTENSION);
}

/* Makes one AFTER trigger on a relation. */
static void
create_trigger(Oid relid, char *name, bool row, int16 events)
{
	CreateTrigStmt *stmt = makeNode(CreateTrigStmt);
	PoOwnScope	scope;
	ObjectAddress trigger;

	stmt->trigname = name;
	stmt->relation = makeRangeVar(get_namespace_name(get_rel_namespace(relid)), get_rel_name(relid), -1);
	stmt->funcname = list_make2(makeString("perf_optimizer"), makeString("capture_change"));
	stmt->row = row;
	stmt->timing = TRIGGER_TYPE_AFTER;
	stmt->events = events;
	po_own_begin(&scope);
	trigger = CreateTriggerFiringOn(stmt, NULL, relid, InvalidOid, InvalidOid, InvalidOid, InvalidOid,
									InvalidOid, NULL, false, false, TRIGGER_FIRES_ALWAYS);
	po_own_end(&scope);
	depend_on_extension(trigger.objectId);
	CommandCounterIncrement();
}

/* Tells whether a trigger of ours is for base, or was made for a base that relid never belonged to, in another database. */
static bool
is_for_base(Form_pg_trigger trigger, Oid base)
{
	Oid			other = po_arm_base_of_trigger(NameStr(trigger->tgname));

	if (!OidIsValid(other) || OidIsValid(trigger->tgparentid))
		return false;
	return other == base ||
		(other != trigger->tgrelid && !list_member_oid(get_partition_ancestors(trigger->tgrelid), other));
}

/* Returns the triggers of ours on a relation that are for base or for nothing here; copies follow theirs. */
static List *
find_triggers(Oid relid, Oid base)
{
	Relation	triggers = table_open(TriggerRelationId, AccessShareLock);
	List	   *found = NIL;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_trigger_tgrelid, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(relid));
	scan = systable_beginscan(triggers, TriggerRelidNameIndexId, true, NULL, 1, &key);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (is_for_base((Form_pg_trigger) GETSTRUCT(tuple), base))
			found = lappend_oid(found, ((Form_pg_trigger) GETSTRUCT(tuple))->oid);
	systable_endscan(scan);
	table_close(triggers, AccessShareLock);
	return found;
}

/* Drops the triggers of ours on a relation that are for base or for nothing here. */
static void
drop_triggers(Oid relid, Oid base)
{
	ListCell   *cell;

	foreach(cell, find_triggers(relid, base))
	{
		ObjectAddress address;

		ObjectAddressSet(address, TriggerRelationId, lfirst_oid(cell));
		performDeletion(&address, DROP_RESTRICT, PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY);
		CommandCounterIncrement();
	}
}

/* Drops the triggers for base on it and its partitions; the row triggers of partitions follow the base's. */
static void
drop_all_triggers(Oid base)
{
	ListCell   *cell;

	foreach(cell, find_all_inheritors(base, NoLock, NULL))
		if (get_rel_name(lfirst_oid(cell)) != NULL)
		drop_triggers(lfirst_oid(cell), base);
}

/* Makes the triggers of a base anew. */
static void
create_triggers(Oid base)
{
	ListCell   *cell;

	drop_all_triggers(base);
	create_trigger(base, psprintf(ROW_TRIGGER "%u", base), true,
				   TRIGGER_TYPE_INSERT | TRIGGER_TYPE_UPDATE | TRIGGER_TYPE_DELETE);
	foreach(cell, find_all_inheritors(base, NoLock, NULL))
		create_trigger(lfirst_oid(cell), psprintf(TRUNCATE_TRIGGER "%u", base), false, TRIGGER_TYPE_TRUNCATE);
}

/* Makes one base note its changes; the caller keeps its writers out. */
static void
arm_base(const PoShapeBase *base)
{
	PoLog		log;
	Relation	table;
	uint64		xid;
	bool		whole;

	po_log_widen(base->relid, base->logged, base->used);
	if (!po_log_find(base->relid, &log))
		elog(ERROR, "log of relation %u is missing", base->relid);
	table = table_open(log.log, AccessShareLock);
	whole = po_log_sentinel(table, &xid);
	table_close(table, NoLock);
	if (!whole)
		po_log_restart(&log);
	if (get_rel_relkind(base->relid) != RELKIND_MATVIEW && !has_triggers(base->relid))
		create_triggers(base->relid);
}

/* Arms what is not ready; raises 55P03 when writers do not make room in time. */
static void
arm_bases(List *bases)
{
	ListCell   *cell;

	foreach(cell, bases)
	{
		PoShapeBase *base = lfirst(cell);

		if (is_ready(base))
			continue;
		LockRelationOid(base->relid, ShareRowExclusiveLock);
		list_free(find_all_inheritors(base->relid, ShareRowExclusiveLock, NULL));
		arm_base(base);
	}
}

/* Makes all bases note their changes, unless a lock cannot be had in a moment. */
static void
arm_soon(void *bases)
{
	int			level = NewGUCNestLevel();

	po_setting_for_level("lock_timeout", LOCK_TIMEOUT);
	arm_bases((List *) bases);
	AtEOXact_GUC(false, level);
}

/*
 * Makes all bases (of PoShapeBase) note their changes; the rights to do so have
 * been checked.  Returns NULL, or, when locks cannot be had in a moment, why not;
 * then nothing has happened.
 */
const char *
po_arm_try(List *bases)
{
	ErrorData  *error = po_subtransaction_keep(arm_soon, bases);

	if (error == NULL)
		return NULL;
	if (error->sqlerrcode != ERRCODE_LOCK_NOT_AVAILABLE)
		ReThrowError(error);
	return "its tables were being written to, so their changes cannot be noted yet";
}

/* Tells whether this session is in the middle of reading or writing a relation that it has locked, and that may be gone. */
static bool
is_in_use(Oid relid)
{
	Relation	rel = try_relation_open(relid, NoLock);
	bool		in_use = rel != NULL && (rel->rd_refcnt > 1 || AfterTriggerPendingOnRel(relid));

	if (rel)
		relation_close(rel, NoLock);
	return in_use;
}

/* Locks relations that nobody uses, at once: all of them or, returning false, none. */
static bool
lock_unused(List *relids)
{
	for (int i = 0; i < list_length(relids); i++)
	{
		bool		locked = ConditionalLockRelationOid(list_nth_oid(relids, i), AccessExclusiveLock);

		if (locked && !is_in_use(list_nth_oid(relids, i)))
			continue;
		for (int j = locked ? i : i - 1; j >= 0; j--)
			UnlockRelationOid(list_nth_oid(relids, j), AccessExclusiveLock);
		return false;
	}
	return true;
}

/* Returns what has to be locked to stop noting the changes of a base: itself, its partitions, its log, as far as they are there. */
static List *
find_armed(Oid base)
{
	List	   *relids = NIL;
	PoLog		log;

	if (get_rel_name(base) != NULL && get_rel_relkind(base) != RELKIND_MATVIEW)
		relids = find_all_inheritors(base, NoLock, NULL);
	if (po_log_find(base, &log) && get_rel_name(log.log) != NULL)
		relids = lappend_oid(relids, log.log);
	return relids;
}

/*
 * Stops noting the changes of a base that may be gone already.  Returns false,
 * having done nothing, when a lock cannot be had at once or a statement of this
 * session that is not at its end uses the base.
 */
bool
po_arm_remove(Oid base)
{
	if (!lock_unused(find_armed(base)))
		return false;
	if (get_rel_name(base) != NULL && get_rel_relkind(base) != RELKIND_MATVIEW)
		drop_all_triggers(base);
	po_log_drop(base);
	return true;
}
