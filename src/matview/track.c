/*
 * track.c
 *	  Which views are refreshed incrementally, and what each has consumed.
 *
 * perf_optimizer.matview_incremental holds the registered views and their pinned
 * settings; dumps contain it.  perf_optimizer.matview_tracking holds what the
 * last refresh of each saw, which has no meaning elsewhere: without a row there
 * a view is compared in full.
 *
 * What was seen is a pg_snapshot, because transactions commit in another order
 * than they log.  The own transaction counts as not seen, since it may log more
 * after the refresh.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "core/guc.h"
#include "core/own.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "matview/arm.h"
#include "matview/log.h"
#include "matview/shape.h"
#include "matview/track.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "storage/lock.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/xid8.h"

/* The two locks of a log, as sub-objects of its relation. */
#define IN_USE 1				/* share: by a refresh until its transaction
								 * ends; exclusive: while rows are purged */
#define PURGED 2				/* exclusive: from a purge until its
								 * transaction ends */

/* The settings that functions in a view may depend on. */
static const char *const pinned[] = {
	"DateStyle", "IntervalStyle", "TimeZone", "bytea_output", "default_text_search_config",
	"extra_float_digits", "lc_monetary", "lc_numeric", "lc_time", "search_path"
};

/* Returns the elements of a text[] as char *. */
static List *
list_of_texts(Datum value)
{
	Datum	   *elements;
	int			n;
	List	   *list = NIL;

	deconstruct_array(DatumGetArrayTypeP(value), TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
		list = lappend(list, TextDatumGetCString(elements[i]));
	return list;
}

/* Returns the elements of an oid[] as a list in context. */
static List *
list_of_oids(Datum value, MemoryContext context)
{
	MemoryContext old = MemoryContextSwitchTo(context);
	ArrayType  *array = DatumGetArrayTypeP(value);
	List	   *list = NIL;

	for (int i = 0; i < ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array)); i++)
		list = lappend_oid(list, ((Oid *) ARR_DATA_PTR(array))[i]);
	MemoryContextSwitchTo(old);
	return list;
}

/* Returns column number column of the current SPI result's row; copied to context. */
static Datum
result_column(int row, int column, bool *isnull, int16 length, MemoryContext context)
{
	Datum		value = SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
	MemoryContext old;

	if (*isnull || length > 0)
		return value;
	old = MemoryContextSwitchTo(context);
	value = PointerGetDatum(PG_DETOAST_DATUM_COPY(value));
	MemoryContextSwitchTo(old);
	return value;
}

/* Fills *track from the current SPI result's row; what it points to is in context. */
static void
read_row(PoTrack *track, MemoryContext context)
{
	bool		isnull;
	Datum		value = result_column(0, 1, &isnull, -1, context);
	MemoryContext old = MemoryContextSwitchTo(context);

	track->settings = list_of_texts(value);
	MemoryContextSwitchTo(old);
	value = result_column(0, 5, &isnull, -1, context);
	track->reason = isnull ? NULL : MemoryContextStrdup(context, TextDatumGetCString(value));
	track->consumed = result_column(0, 4, &isnull, -1, context);
	track->current = !isnull;
	if (isnull)
		return;
	track->query_print = (uint64) DatumGetInt64(result_column(0, 2, &isnull, 8, context));
	track->view_print = (uint64) DatumGetInt64(result_column(0, 3, &isnull, 8, context));
	track->bases = list_of_oids(result_column(0, 6, &isnull, -1, context), context);
}

/* Reads what is known of a view; returns false when it is not registered. */
bool
po_track_read(Oid matview, PoTrack *track)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(matview)};
	MemoryContext context = CurrentMemoryContext;
	bool		found;

	memset(track, 0, sizeof(*track));
	SPI_connect();
	found = po_own_execute("SELECT i.settings, t.query_print, t.view_print, t.consumed, t.reason, t.bases "
						   "FROM perf_optimizer.matview_incremental i "
						   "LEFT JOIN perf_optimizer.matview_tracking t ON t.matview OPERATOR(pg_catalog.=) i.matview::pg_catalog.oid "
						   "WHERE i.matview OPERATOR(pg_catalog.=) $1", 1, types, values, NULL) > 0;
	if (found)
		read_row(track, context);
	SPI_finish();
	return found;
}

/* Returns the pinned settings as text[]: names and values of this session in turn. */
static Datum
session_settings(void)
{
	Datum		elements[lengthof(pinned) * 2];

	for (int i = 0; i < lengthof(pinned); i++)
	{
		elements[i * 2] = CStringGetTextDatum(pinned[i]);
		elements[i * 2 + 1] = CStringGetTextDatum(GetConfigOption(pinned[i], false, false));
	}
	return PointerGetDatum(construct_array(elements, lengthof(elements), TEXTOID, -1, false, TYPALIGN_INT));
}

/* Registers a view with this session's settings, or registers it anew. */
void
po_track_register(Oid matview)
{
	Oid			types[] = {OIDOID, TEXTARRAYOID};
	Datum		values[] = {ObjectIdGetDatum(matview), session_settings()};

	SPI_connect();
	(void) po_own_execute("INSERT INTO perf_optimizer.matview_incremental (matview, settings) VALUES ($1, $2) "
						  "ON CONFLICT (matview) DO UPDATE SET settings = excluded.settings",
						  2, types, values, NULL);
	(void) po_own_execute("DELETE FROM perf_optimizer.matview_tracking WHERE matview OPERATOR(pg_catalog.=) $1",
						  1, types, values, NULL);
	SPI_finish();
}

/* Forgets a view, whether it is registered or not. */
void
po_track_unregister(Oid matview)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(matview)};

	SPI_connect();
	(void) po_own_execute("DELETE FROM perf_optimizer.matview_incremental WHERE matview OPERATOR(pg_catalog.=) $1",
						  1, types, values, NULL);
	(void) po_own_execute("DELETE FROM perf_optimizer.matview_tracking WHERE matview OPERATOR(pg_catalog.=) $1",
						  1, types, values, NULL);
	SPI_finish();
}

/* Returns the OIDs of bases (of PoShapeBase) as an oid[]. */
static Datum
base_array(List *bases)
{
	Datum	   *elements = palloc(sizeof(Datum) * Max(list_length(bases), 1));

	for (int i = 0; i < list_length(bases); i++)
		elements[i] = ObjectIdGetDatum(((PoShapeBase *) list_nth(bases, i))->relid);
	return PointerGetDatum(construct_array(elements, list_length(bases), OIDOID, sizeof(Oid), true, TYPALIGN_INT));
}

/* Stores what a refresh of a registered view saw, or why the next one compares in full. */
void
po_track_store(Oid matview, List *bases, const PoTrack *track)
{
	Oid			types[] = {OIDOID, INT8OID, INT8OID, PG_SNAPSHOTOID, OIDARRAYOID, TEXTOID, JSONBOID};
	Datum		values[7];
	char		nulls[] = "       ";

	values[0] = ObjectIdGetDatum(matview);
	values[1] = Int64GetDatum((int64) track->query_print);
	values[2] = Int64GetDatum((int64) track->view_print);
	values[3] = track->consumed;
	values[4] = base_array(bases);
	values[5] = track->reason ? CStringGetTextDatum(track->reason) : (Datum) 0;
	values[6] = track->lookups;
	nulls[3] = track->current ? ' ' : 'n';
	nulls[5] = track->reason ? ' ' : 'n';
	nulls[6] = track->lookups ? ' ' : 'n';
	SPI_connect();
	(void) po_own_execute("INSERT INTO perf_optimizer.matview_tracking AS t (matview, query_print, view_print, consumed, bases, reason, lookups) "
						  "VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (matview) DO UPDATE SET query_print = excluded.query_print, "
						  "view_print = excluded.view_print, consumed = excluded.consumed, bases = excluded.bases, reason = excluded.reason, "
						  "lookups = coalesce(excluded.lookups, t.lookups)",
						  7, types, values, nulls);
	SPI_finish();
}

/* Returns a transaction number of now with its epoch. */
static uint64
widen(TransactionId xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32		epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return ((uint64) epoch << 32) | xid;
}

/* qsort callback for uint64. */
static int
compare_uint64(const void *a, const void *b)
{
	uint64		left = *(const uint64 *) a;
	uint64		right = *(const uint64 *) b;

	return left < right ? -1 : left > right;
}

/* Returns what a snapshot sees as a pg_snapshot, the own transaction not among it. */
Datum
po_track_snapshot(Snapshot snapshot)
{
	TransactionId own = GetTopTransactionIdIfAny();
	uint64	   *running = palloc(sizeof(uint64) * (snapshot->xcnt + 1));
	uint64		xmax = widen(snapshot->xmax);
	int			n = 0;
	StringInfoData text;

	for (uint32 i = 0; i < snapshot->xcnt; i++)
		running[n++] = widen(snapshot->xip[i]);
	if (TransactionIdIsValid(own) && widen(own) < xmax)
		running[n++] = widen(own);
	qsort(running, n, sizeof(uint64), compare_uint64);
	initStringInfo(&text);
	appendStringInfo(&text, UINT64_FORMAT ":" UINT64_FORMAT ":",
					 n > 0 ? Min(running[0], widen(snapshot->xmin)) : widen(snapshot->xmin), xmax);
	for (int i = 0; i < n; i++)
		if (i == 0 || running[i] != running[i - 1])
			appendStringInfo(&text, "%s" UINT64_FORMAT, i > 0 ? "," : "", running[i]);
	return DirectFunctionCall1(pg_snapshot_in, CStringGetDatum(text.data));
}

/* Returns the pg_snapshots of all views that read a base and are current, in the current context. */
static List *
consumed_of_base(Oid base)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(base)};
	MemoryContext context = CurrentMemoryContext;
	List	   *consumed = NIL;
	uint64		rows;

	SPI_connect();
	rows = po_own_execute("SELECT consumed FROM perf_optimizer.matview_tracking "
						  "WHERE $1 OPERATOR(pg_catalog.=) ANY (bases) AND consumed IS NOT NULL", 1, types, values, NULL);
	for (uint64 i = 0; i < rows; i++)
	{
		bool		isnull;
		Datum		value = result_column(i, 1, &isnull, -1, context);
		MemoryContext old = MemoryContextSwitchTo(context);

		consumed = lappend(consumed, DatumGetPointer(value));
		MemoryContextSwitchTo(old);
	}
	SPI_finish();
	return consumed;
}

/*
 * Gives up the view whose refresh lies back furthest, other than matview, so
 * that the log of a base can be purged: its next refresh compares in full.
 */
static void
give_up_laggard(Oid matview, Oid base)
{
	Oid			types[] = {OIDOID, OIDOID};
	Datum		values[] = {ObjectIdGetDatum(matview), ObjectIdGetDatum(base)};

	SPI_connect();
	(void) po_own_execute("UPDATE perf_optimizer.matview_tracking SET consumed = NULL, "
						  "reason = 'it was not refreshed while much changed, and the changes were not kept for it' "
						  "WHERE matview OPERATOR(pg_catalog.=) (SELECT t.matview FROM perf_optimizer.matview_tracking t "
						  "WHERE t.matview OPERATOR(pg_catalog.<>) $1 AND $2 OPERATOR(pg_catalog.=) ANY (t.bases) AND t.consumed IS NOT NULL "
						  "ORDER BY pg_catalog.pg_snapshot_xmin(t.consumed) LIMIT 1)", 2, types, values, NULL);
	SPI_finish();
}

/* Deletes what all views have consumed from a log; the purge lock is held and no refresh has it in use. */
static void
purge_log(Oid matview, const PoLog *log)
{
	Relation	table = try_table_open(log->log, RowExclusiveLock);
	int64		limit = (int64) po_guc_matview_log_limit * 1024 / 2;

	if (table == NULL)
		return;
	if (po_log_purge(table, consumed_of_base(log->base)) > 0 &&
		(int64) RelationGetNumberOfBlocks(table) * BLCKSZ > limit)
	{
		CommandCounterIncrement();
		give_up_laggard(matview, log->base);
		(void) po_log_purge(table, consumed_of_base(log->base));
	}
	table_close(table, NoLock);
}

/*
 * Keeps the rows of a log that the snapshot to be taken will not see from being
 * purged before this transaction has ended, and recorded what it saw.
 */
void
po_track_hold(Oid log)
{
	LockDatabaseObject(RelationRelationId, log, IN_USE, ShareLock);
}

/* Takes one of a log's locks, or says that somebody has it; the server's own function is not in all minor releases. */
static bool
try_lock(Oid log, uint16 which)
{
	LOCKTAG		tag;

	SET_LOCKTAG_OBJECT(tag, MyDatabaseId, RelationRelationId, log, which);
	return LockAcquire(&tag, ExclusiveLock, false, true) != LOCKACQUIRE_NOT_AVAIL;
}

/*
 * Deletes what all views have consumed from the logs of bases (of PoShapeBase),
 * each unless it is in use.  A refresh that ran beside would need rows that no
 * committed record asks to keep; one that starts later sees all rows that are
 * deleted.  Two purges would meet at the same rows.
 */
void
po_track_purge(Oid matview, List *bases)
{
	ListCell   *cell;

	foreach(cell, bases)
	{
		PoLog		log;

		if (!po_log_find(((PoShapeBase *) lfirst(cell))->relid, &log) ||
			!try_lock(log.log, PURGED) ||
			!try_lock(log.log, IN_USE))
			continue;
		purge_log(matview, &log);
		UnlockDatabaseObject(RelationRelationId, log.log, IN_USE, ExclusiveLock);
	}
}

/* Tells whether a registered view reads a base as far as is known. */
static bool
is_read(Oid base)
{
	Oid			types[] = {OIDOID};
	Datum		values[] = {ObjectIdGetDatum(base)};
	bool		found;

	SPI_connect();
	found = po_own_execute("SELECT FROM perf_optimizer.matview_tracking t JOIN perf_optimizer.matview_incremental i "
						   "ON i.matview::pg_catalog.oid OPERATOR(pg_catalog.=) t.matview "
						   "WHERE $1 OPERATOR(pg_catalog.=) ANY (t.bases)", 1, types, values, NULL) > 0;
	SPI_finish();
	return found;
}

/* Tells whether any view is registered, or any table notes its changes still. */
bool
po_track_is_used(void)
{
	bool		used;

	if (po_log_bases() != NIL)
		return true;
	SPI_connect();
	used = po_own_execute("SELECT FROM perf_optimizer.matview_incremental LIMIT 1", 0, NULL, NULL, NULL) > 0;
	SPI_finish();
	return used;
}

/* Forgets the views that do not exist any more. */
void
po_track_forget_dropped(void)
{
	SPI_connect();
	(void) po_own_execute("DELETE FROM perf_optimizer.matview_incremental i WHERE NOT EXISTS "
						  "(SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) i.matview)", 0, NULL, NULL, NULL);
	(void) po_own_execute("DELETE FROM perf_optimizer.matview_tracking t WHERE NOT EXISTS "
						  "(SELECT FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) t.matview)", 0, NULL, NULL, NULL);
	SPI_finish();
}

/* Stops noting the changes of bases that no registered view reads, as far as their locks are free. */
void
po_track_sweep(void)
{
	ListCell   *cell;

	foreach(cell, po_log_bases())
		if (!is_read(lfirst_oid(cell)))
		(void) po_arm_remove(lfirst_oid(cell));
}
