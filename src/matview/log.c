/*
 * log.c
 *	  The logs of changes to the tables that incrementally refreshed views read.
 *
 * One unlogged table for each base, shared by all views that read it, a member
 * of the extension: perf_optimizer.matview_log_<oid of the base>.  Its columns
 * are the transaction's number, the kind of row, and "c<number>" for each base
 * column that a view's keys or joins need.  It has no index and rows are only
 * appended, so writers never wait for one another.
 *
 * The first row is the sentinel.  A crash, a promotion and a restored backup
 * empty the table; then the sentinel is missing, writers log nothing, and every
 * view on the base is compared in full until the log is started again, which
 * happens under a lock that keeps writers of the base out.  The sentinel's own
 * transaction number tells a log from one that was started again.
 *
 * perf_optimizer.matview_log says which columns are logged.  Writers read it
 * through a cache (capture.c), so a change of it invalidates the base.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/tableam.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/dependency.h"
#include "catalog/indexing.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "core/own.h"
#include "executor/spi.h"
#include "executor/tuptable.h"
#include "matview/log.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/ruleutils.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

/* Columns of perf_optimizer.matview_log. */
#define REGISTRY_BASE 1
#define REGISTRY_LOG 2
#define REGISTRY_LOGGED 3
#define REGISTRY_USED 4
#define REGISTRY_COLUMNS 4

/* The transaction may have made files for a log. */
static bool made_storage = false;

/* Opens the table of logs; NULL when the extension is not there (any more). */
static Relation
open_registry(LOCKMODE lock)
{
	Oid			schema = get_namespace_oid("perf_optimizer", true);
	Oid			relid = OidIsValid(schema) ? get_relname_relid("matview_log", schema) : InvalidOid;

	return OidIsValid(relid) ? try_table_open(relid, lock) : NULL;
}

/* Returns the members of an int2[] as a set. */
static Bitmapset *
set_of_array(Datum value)
{
	ArrayType  *array = DatumGetArrayTypeP(value);
	int16	   *members = (int16 *) ARR_DATA_PTR(array);
	Bitmapset  *set = NULL;

	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)); i++)
		set = bms_add_member(set, members[i]);
	return set;
}

/* Returns a set of column numbers as an int2[]. */
static Datum
array_of_set(Bitmapset *set)
{
	Datum	   *members = palloc(sizeof(Datum) * Max(bms_num_members(set), 1));
	int			n = 0;
	int			member = -1;

	while ((member = bms_next_member(set, member)) >= 0)
		members[n++] = Int16GetDatum(member);
	return PointerGetDatum(construct_array(members, n, INT2OID, 2, true, TYPALIGN_SHORT));
}

/* Fills *log from a row of the registry. */
static void
read_registry_row(Relation registry, HeapTuple tuple, PoLog *log)
{
	Datum		values[REGISTRY_COLUMNS];
	bool		nulls[REGISTRY_COLUMNS];

	heap_deform_tuple(tuple, RelationGetDescr(registry), values, nulls);
	log->base = DatumGetObjectId(values[REGISTRY_BASE - 1]);
	log->log = DatumGetObjectId(values[REGISTRY_LOG - 1]);
	log->logged = set_of_array(values[REGISTRY_LOGGED - 1]);
	log->used = set_of_array(values[REGISTRY_USED - 1]);
}

/*
 * Finds the log of a base; returns false when it has none.  Sees what is
 * committed now and what this transaction did.  The sets are palloc'd.
 */
bool
po_log_find(Oid base, PoLog *log)
{
	Relation	registry = open_registry(AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	bool		found;

	if (registry == NULL)
		return false;
	ScanKeyInit(&key, REGISTRY_BASE, BTEqualStrategyNumber, F_OIDEQ, ObjectIdGetDatum(base));
	scan = systable_beginscan(registry, InvalidOid, false, NULL, 1, &key);
	tuple = systable_getnext(scan);
	found = HeapTupleIsValid(tuple);
	if (found)
		read_registry_row(registry, tuple, log);
	systable_endscan(scan);
	table_close(registry, AccessShareLock);
	return found;
}

/* Returns the OIDs of all bases that have a log. */
List *
po_log_bases(void)
{
	Relation	registry = open_registry(AccessShareLock);
	List	   *bases = NIL;
	SysScanDesc scan;
	HeapTuple	tuple;

	if (registry == NULL)
		return NIL;
	scan = systable_beginscan(registry, InvalidOid, false, NULL, 0, NULL);
	while (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		PoLog		log;

		read_registry_row(registry, tuple, &log);
		bases = lappend_oid(bases, log.base);
	}
	systable_endscan(scan);
	table_close(registry, AccessShareLock);
	return bases;
}

/* Returns the log's column that holds a base column, or 0. */
AttrNumber
po_log_column(Relation log, AttrNumber base_column)
{
	char		name[NAMEDATALEN];

	snprintf(name, sizeof(name), "c%d", base_column);
	for (int i = 0; i < RelationGetNumberOfAttributes(log); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(log), i);

		if (!att->attisdropped && strcmp(NameStr(att->attname), name) == 0)
			return att->attnum;
	}
	return InvalidAttrNumber;
}

/*
 * Makes the end of an aborted transaction durable before the files of its unlogged
 * tables are removed.  The server does not: it removes the file that says that a
 * table is unlogged at once, the other at the next checkpoint, and a crash before the
 * abort is on disk leaves WAL that makes the first one again; then the server does
 * not start, because the second one exists.  The last record that this process wrote
 * is that of the abort, and is flushed as a whole.
 */
static void
flush_abort(void)
{
	if (made_storage && !RecoveryInProgress())
		XLogFlush(ProcLastRecPtr + 1);
}

/* Transaction callback, after the abort has been recorded and before files are removed. */
static void
end_transaction(XactEvent event, void *arg)
{
	if (event == XACT_EVENT_ABORT)
		flush_abort();
	if (event == XACT_EVENT_ABORT || event == XACT_EVENT_COMMIT || event == XACT_EVENT_PREPARE)
		made_storage = false;
}

/* Subtransaction callback, at the same moment of a subtransaction's abort. */
static void
end_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	if (event == SUBXACT_EVENT_ABORT_SUB)
		flush_abort();
}

/* Runs one statement of ours, which may make files for a log, as the extension's owner; the caller has connected SPI. */
static void
run_as_owner(const char *sql)
{
	static bool registered = false;

	if (!registered)
	{
		RegisterXactCallback(end_transaction, NULL);
		RegisterSubXactCallback(end_subtransaction, NULL);
	}
	registered = true;
	made_storage = true;
	(void) po_own_execute(sql, 0, NULL, NULL, NULL);
}

/* Makes the table of a base's log, a member of the extension, and returns its OID. */
static Oid
create_log_table(Oid base)
{
	Oid			schema = get_namespace_oid("perf_optimizer", false);
	ObjectAddress table;
	ObjectAddress extension;

	run_as_owner(psprintf("CREATE UNLOGGED TABLE perf_optimizer.matview_log_%u "
						  "(xid pg_catalog.xid8 NOT NULL, kind pg_catalog.\"char\" NOT NULL) USING heap", base));
	ObjectAddressSet(table, RelationRelationId,
					 get_relname_relid(psprintf("matview_log_%u", base), schema));
	ObjectAddressSet(extension, ExtensionRelationId, get_extension_oid("perf_optimizer", false));
	recordDependencyOn(&table, &extension, DEPENDENCY_EXTENSION);
	return table.objectId;
}

/* Adds a column of the base to its log; a domain is stored as its base type. */
static void
add_log_column(Oid base, AttrNumber column)
{
	int32		typmod;
	Oid			type;
	Oid			collation;
	char	   *collate = "";

	get_atttypetypmodcoll(base, column, &type, &typmod, &collation);
	type = getBaseTypeAndTypmod(type, &typmod);
	if (OidIsValid(collation) && OidIsValid(get_typcollation(type)))
		collate = psprintf(" COLLATE %s", generate_collation_name(collation));
	run_as_owner(psprintf("ALTER TABLE perf_optimizer.matview_log_%u ADD COLUMN c%d %s%s", base, column,
						  format_type_extended(type, typmod,
											   FORMAT_TYPE_TYPEMOD_GIVEN | FORMAT_TYPE_FORCE_QUALIFY),
						  collate));
}

/*
 * Opens a log as try_table_open does, for writers, who do that twice a
 * transaction: without asking the catalog.
 */
Relation
po_log_open(Oid log, LOCKMODE lock)
{
	Relation	table;

	LockRelationOid(log, lock);
	table = RelationIdGetRelation(log);
	if (table == NULL)
	{
		UnlockRelationOid(log, lock);
		return NULL;
	}
	pgstat_init_relation(table);
	return table;
}

/* Makes every process look again at what is logged of a base and of its partitions. */
static void
invalidate_base(Oid base)
{
	ListCell   *cell;

	foreach(cell, find_all_inheritors(base, NoLock, NULL))
		if (get_rel_relkind(lfirst_oid(cell)) != '\0')
		CacheInvalidateRelcacheByRelid(lfirst_oid(cell));
}

/* Writes the registry's row of a log. */
static void
store_log(const PoLog *log)
{
	Oid			types[] = {OIDOID, OIDOID, INT2ARRAYOID, INT2ARRAYOID};
	Datum		values[4];

	values[0] = ObjectIdGetDatum(log->base);
	values[1] = ObjectIdGetDatum(log->log);
	values[2] = array_of_set(log->logged);
	values[3] = array_of_set(log->used);
	(void) po_own_execute("INSERT INTO perf_optimizer.matview_log (base, log, logged, used) VALUES ($1, $2, $3, $4) "
						  "ON CONFLICT (base) DO UPDATE SET log = excluded.log, logged = excluded.logged, used = excluded.used",
						  4, types, values, NULL);
}

/*
 * Makes the log of a base hold at least these columns.  The caller holds a lock
 * that keeps all writers of the base out.
 */
void
po_log_widen(Oid base, Bitmapset *logged, Bitmapset *used)
{
	PoLog		log = {.base = base};
	bool		exists = po_log_find(base, &log);
	int			column = -1;

	SPI_connect();
	if (!exists || get_rel_name(log.log) == NULL)
	{
		log.log = create_log_table(base);
		log.logged = NULL;
	}
	while ((column = bms_next_member(logged, column)) >= 0)
		if (!bms_is_member(column, log.logged))
			add_log_column(base, column);
	log.logged = bms_union(log.logged, logged);
	log.used = bms_union(bms_union(log.used, used), logged);
	store_log(&log);
	SPI_finish();
	CommandCounterIncrement();
	invalidate_base(base);
}

/* Removes the log of a base, if it has one.  Its writers find out at their next row. */
void
po_log_drop(Oid base)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(base)};
	PoLog		log;

	if (!po_log_find(base, &log))
		return;
	SPI_connect();
	(void) po_own_execute("DELETE FROM perf_optimizer.matview_log WHERE base OPERATOR(pg_catalog.=) $1",
						  1, types, values, NULL);
	SPI_finish();
	if (get_rel_name(log.log) != NULL)
	{
		ObjectAddress table;

		ObjectAddressSet(table, RelationRelationId, log.log);
		performDeletion(&table, DROP_RESTRICT,
						PERFORM_DELETION_INTERNAL | PERFORM_DELETION_QUIETLY |
						PERFORM_DELETION_SKIP_EXTENSIONS);
	}
	CommandCounterIncrement();
	if (get_rel_name(base) != NULL)
		invalidate_base(base);
}

/*
 * Reads the sentinel of a log and sets *xid to the transaction that started it;
 * returns false when the log is not whole.  The caller has the log locked.
 */
bool
po_log_sentinel(Relation log, uint64 *xid)
{
	TupleTableSlot *slot;
	ItemPointerData first;
	bool		isnull;
	bool		found = false;

	if (RelationGetNumberOfBlocks(log) == 0)
		return false;
	slot = table_slot_create(log, NULL);
	ItemPointerSet(&first, 0, 1);
	if (table_tuple_fetch_row_version(log, &first, SnapshotSelf, slot))
	{
		found = DatumGetChar(slot_getattr(slot, PO_LOG_KIND, &isnull)) == PO_LOG_SENTINEL;
		*xid = U64FromFullTransactionId(DatumGetFullTransactionId(slot_getattr(slot, PO_LOG_XID, &isnull)));
	}
	ExecDropSingleTupleTableSlot(slot);
	return found;
}

/* Tells whether a transaction's number is among those that a pg_snapshot sees. */
static inline bool
is_consumed(Datum xid, Datum consumed)
{
	return DatumGetBool(DirectFunctionCall2(pg_visible_in_snapshot, xid, consumed));
}

/* Tells whether a log, which the caller has locked, is whole but was started after a pg_snapshot. */
bool
po_log_is_newer(Relation log, Datum consumed)
{
	uint64		xid;

	return po_log_sentinel(log, &xid) &&
		!is_consumed(FullTransactionIdGetDatum(FullTransactionIdFromU64(xid)), consumed);
}

/*
 * Empties a log and starts it with a new sentinel.  The caller holds a lock that
 * keeps all writers of the base out.
 */
void
po_log_restart(PoLog *log)
{
	SPI_connect();
	run_as_owner(psprintf("TRUNCATE perf_optimizer.matview_log_%u", log->base));
	run_as_owner(psprintf("INSERT INTO perf_optimizer.matview_log_%u (xid, kind) "
						  "VALUES (pg_catalog.pg_current_xact_id(), '%c')", log->base, PO_LOG_SENTINEL));
	SPI_finish();
	CommandCounterIncrement();
}

/*
 * Declares a log that has grown too large dead by deleting its sentinel, unless
 * another transaction has done or is doing so: writers that come later log
 * nothing.
 */
void
po_log_kill(Relation log)
{
	TupleTableSlot *slot = table_slot_create(log, NULL);
	Snapshot	snapshot = GetLatestSnapshot();
	ItemPointerData first;
	TM_FailureData failure;
	uint64		xid;

	/*
	 * The snapshot keeps a sentinel that is seen from here on from being
	 * removed before it is locked.
	 */
	PushActiveSnapshot(snapshot);
	ItemPointerSet(&first, 0, 1);
	if (po_log_sentinel(log, &xid) &&
		table_tuple_lock(log, &first, GetActiveSnapshot(), slot, GetCurrentCommandId(false),
						 LockTupleExclusive, LockWaitSkip, 0, &failure) == TM_Ok)
	{
		simple_table_tuple_delete(log, &first, GetActiveSnapshot());
		CacheInvalidateRelcache(log);
	}
	PopActiveSnapshot();
	ExecDropSingleTupleTableSlot(slot);
}

/*
 * Counts what snapshot sees of a log and the pg_snapshot consumed does not.
 * The caller has the log locked.
 */
void
po_log_pending(Relation log, Snapshot snapshot, Datum consumed, PoLogPending *pending)
{
	TableScanDesc scan = table_beginscan_strat(log, snapshot, 0, NULL, true, false);
	TupleTableSlot *slot = table_slot_create(log, NULL);

	memset(pending, 0, sizeof(*pending));
	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;
		char		kind = DatumGetChar(slot_getattr(slot, PO_LOG_KIND, &isnull));

		CHECK_FOR_INTERRUPTS();
		if (kind == PO_LOG_SENTINEL || is_consumed(slot_getattr(slot, PO_LOG_XID, &isnull), consumed))
			continue;
		if (kind == PO_LOG_EVERYTHING)
			pending->everything = true;
		else
			pending->changes++;
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
}

/* Tells whether every pg_snapshot in a list sees a transaction. */
static bool
is_consumed_by_all(Datum xid, List *consumed)
{
	ListCell   *cell;

	foreach(cell, consumed)
		if (!is_consumed(xid, PointerGetDatum(lfirst(cell))))
		return false;
	return true;
}

/*
 * Deletes the rows that all views have consumed, and returns how many are left.
 * The caller keeps other purges of this log out until its transaction ends.
 */
int64
po_log_purge(Relation log, List *consumed)
{
	Snapshot	snapshot = RegisterSnapshot(GetLatestSnapshot());
	TableScanDesc scan = table_beginscan_strat(log, snapshot, 0, NULL, true, false);
	TupleTableSlot *slot = table_slot_create(log, NULL);
	int64		left = 0;

	while (table_scan_getnextslot(scan, ForwardScanDirection, slot))
	{
		bool		isnull;

		CHECK_FOR_INTERRUPTS();
		if (DatumGetChar(slot_getattr(slot, PO_LOG_KIND, &isnull)) == PO_LOG_SENTINEL)
			continue;
		if (is_consumed_by_all(slot_getattr(slot, PO_LOG_XID, &isnull), consumed))
			simple_table_tuple_delete(log, &slot->tts_tid, snapshot);
		else
			left++;
	}
	ExecDropSingleTupleTableSlot(slot);
	table_endscan(scan);
	UnregisterSnapshot(snapshot);
	return left;
}
