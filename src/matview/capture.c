/*
 * capture.c
 *	  Noting the changed rows of tables that incrementally refreshed views read.
 *
 * The row trigger hands each changed row here.  What the log needs of the row,
 * before and after the change, is kept in memory, each combination of values
 * once a transaction, and goes to the log when the transaction commits or is
 * prepared, with the number of its top transaction: rows of the base and of the
 * log become visible together.  What an aborted subtransaction noted stays,
 * because a needless recomputation is harmless.  Beyond MAX_ROWS or MAX_BYTES one
 * row says that anything may have changed.
 *
 * A refresh in the middle of a transaction copies the rows into the log and
 * leaves them here too: the copy may be rolled back by a savepoint, the changes
 * may not.
 *
 * What is logged of which relation is cached by relation; the relation cache's
 * invalidations empty the cache.  A change of it needs a lock that keeps writers
 * out, so it cannot change under a transaction that has written the base; only
 * the same transaction can do that, and then anything may have changed.
 */
#include "postgres.h"

#include "access/heapam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/partition.h"
#include "common/hashfn.h"
#include "core/compat.h"
#include "core/guc.h"
#include "core/relname.h"
#include "matview/capture.h"
#include "matview/log.h"
#include "miscadmin.h"
#include "storage/bufmgr.h"
#include "storage/lmgr.h"
#include "utils/datum.h"
#include "utils/inval.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/xid8.h"

/* Beyond these a transaction's changes of one base are not told apart. */
#define MAX_ROWS 100000
#define MAX_BYTES (32 * 1024 * 1024)

/* More rows than this are written as those of COPY are, which takes more to begin. */
#define MANY_ROWS 1000

/* A row of the set of a transaction's log rows. */
typedef struct CapturedRow
{
	MinimalTuple tuple;
	uint32		hash;
	char		status;
} CapturedRow;

/* Tells whether two log rows are the same. */
static inline bool
same_tuple(MinimalTuple a, MinimalTuple b)
{
	return a->t_len == b->t_len && memcmp(a, b, a->t_len) == 0;
}

#define SH_PREFIX rowset
#define SH_ELEMENT_TYPE CapturedRow
#define SH_KEY_TYPE MinimalTuple
#define SH_KEY tuple
#define SH_HASH_KEY(tb, key) hash_bytes((unsigned char *) (key), (key)->t_len)
#define SH_EQUAL(tb, a, b) same_tuple((a), (b))
#define SH_STORE_HASH
#define SH_GET_HASH(tb, a) (a)->hash
#define SH_SCOPE static inline
#define SH_DECLARE
#define SH_DEFINE
#include "lib/simplehash.h"

/* What a transaction has noted for one log. */
typedef struct CaptureBuffer
{
	Oid			log;
	TupleDesc	desc;			/* NULL: the log is not whole, nothing is
								 * noted */
	bool		everything;
	MinimalTuple first;			/* most transactions have but one row */
	rowset_hash *rows;			/* the others, or NULL */
	MemoryContext context;		/* holds rows and their tuples */
	Size		bytes;
} CaptureBuffer;

typedef struct CaptureKey
{
	Oid			relid;			/* the relation that is written */
	Oid			base;			/* itself or the partitioned table that is
								 * logged */
} CaptureKey;

/* What is logged of one relation. */
typedef struct CaptureEntry
{
	CaptureKey	key;
	bool		valid;
	bool		whole;			/* the log's sentinel has been seen */
	Oid			log;			/* InvalidOid: nothing is logged */
	int			ncolumns;		/* of the log */
	TupleDesc	desc;			/* the log's */
	AttrNumber *source;			/* for each column of the log the relation's,
								 * or 0 */
	Bitmapset  *used;			/* the relation's columns that matter */
	MemoryContext context;		/* holds desc, source and used */
} CaptureEntry;

static HTAB *entries = NULL;
static CaptureEntry *last_entry = NULL; /* the one that was asked for last */
static List *buffers = NIL;		/* of this transaction, in
								 * TopTransactionContext */

/* Relation cache callback: forgets what is logged of a relation, or of all. */
static void
forget_entries(Datum arg, Oid relid)
{
	HASH_SEQ_STATUS status;
	CaptureEntry *entry;

	if (entries == NULL)
		return;
	hash_seq_init(&status, entries);
	while ((entry = hash_seq_search(&status)) != NULL)
		if (relid == InvalidOid || entry->key.relid == relid || entry->key.base == relid ||
			entry->log == relid)
			entry->valid = entry->whole = false;
}

/* Makes the cache on first use. */
static void
create_entries(void)
{
	HASHCTL		ctl = {.keysize = sizeof(CaptureKey),.entrysize = sizeof(CaptureEntry),
	.hcxt = CacheMemoryContext};

	entries = hash_create("perf_optimizer captured relations", 32, &ctl,
						  HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	CacheRegisterRelcacheCallback(forget_entries, (Datum) 0);
}

/* Fills the columns of an entry from the log's registration. */
static void
fill_columns(CaptureEntry *entry, const PoLog *log, Relation table)
{
	MemoryContext old = MemoryContextSwitchTo(entry->context);
	int			column = -1;

	entry->desc = CreateTupleDescCopy(RelationGetDescr(table));
	entry->ncolumns = RelationGetNumberOfAttributes(table);
	entry->source = palloc0(sizeof(AttrNumber) * entry->ncolumns);
	while ((column = bms_next_member(log->logged, column)) >= 0)
		entry->source[po_log_column(table, column) - 1] = po_relname_column(log->base, entry->key.relid, column);
	column = -1;
	while ((column = bms_next_member(log->used, column)) >= 0)
		entry->used = bms_add_member(entry->used, po_relname_column(log->base, entry->key.relid, column));
	MemoryContextSwitchTo(old);
}

/* Reads again what is logged of a relation. */
static void
fill_entry(CaptureEntry *entry)
{
	PoLog		log;
	Relation	table;

	if (entry->context)
		MemoryContextReset(entry->context);
	else
		entry->context = AllocSetContextCreate(CacheMemoryContext, "perf_optimizer captured columns",
											   ALLOCSET_SMALL_SIZES);
	entry->log = InvalidOid;
	entry->whole = false;
	entry->source = NULL;
	entry->used = NULL;
	entry->valid = true;		/* an invalidation from here on counts */
	if (!po_log_find(entry->key.base, &log) ||
		(entry->key.relid != entry->key.base &&
		 !list_member_oid(get_partition_ancestors(entry->key.relid), entry->key.base)))
		return;
	table = try_table_open(log.log, AccessShareLock);
	if (table == NULL)
		return;
	fill_columns(entry, &log, table);
	entry->log = log.log;
	table_close(table, AccessShareLock);
}

/* Returns what is logged of a relation for a base. */
static CaptureEntry *
get_entry(Oid relid, Oid base)
{
	CaptureKey	key = {relid, base};
	CaptureEntry *entry = last_entry;
	bool		found;

	if (entry && entry->valid && entry->key.relid == relid && entry->key.base == base)
		return entry;
	if (entries == NULL)
		create_entries();
	entry = hash_search(entries, &key, HASH_ENTER, &found);
	if (!found)
	{
		entry->valid = entry->whole = false;
		entry->context = NULL;
	}
	for (int attempt = 0; !entry->valid && attempt < 10; attempt++)
		fill_entry(entry);
	last_entry = entry;
	return entry;
}

/* Returns a copy of the descriptor of an entry's log, NULL when the log is not whole; remembers that it is. */
static TupleDesc
look_at_log(CaptureEntry *entry)
{
	Relation	log = po_log_open(entry->log, RowExclusiveLock);
	TupleDesc	desc = NULL;
	uint64		xid;

	if (log == NULL)
		return NULL;
	entry->whole = po_log_sentinel(log, &xid);
	if (entry->whole)
		desc = CreateTupleDescCopy(RelationGetDescr(log));
	table_close(log, NoLock);
	return desc;
}

/*
 * Makes the buffer of an entry's log; without a descriptor when the log is not whole.
 * That it was so once is remembered until the log is declared dead or started again,
 * which invalidates the entry; rows that reach a dead log meanwhile are harmless, and
 * the lock on the base keeps it from being started again.  So it is not opened
 * before the transaction ends.
 */
static CaptureBuffer *
create_buffer(CaptureEntry *entry)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	CaptureBuffer *buffer = palloc0(sizeof(CaptureBuffer));

	buffer->log = entry->log;
	if (entry->valid && entry->whole)
		buffer->desc = CreateTupleDescCopy(entry->desc);
	else
		buffer->desc = look_at_log(entry);
	buffers = lappend(buffers, buffer);
	MemoryContextSwitchTo(old);
	return buffer;
}

/* Returns this transaction's buffer of an entry's log. */
static CaptureBuffer *
get_buffer(CaptureEntry *entry)
{
	ListCell   *cell;

	foreach(cell, buffers)
		if (((CaptureBuffer *) lfirst(cell))->log == entry->log)
		return lfirst(cell);
	return create_buffer(entry);
}

/* Forgets the rows of a buffer: anything may have changed. */
static void
give_up_rows(CaptureBuffer *buffer)
{
	if (buffer->context)
		MemoryContextDelete(buffer->context);
	buffer->context = NULL;
	buffer->rows = NULL;
	buffer->first = NULL;
	buffer->everything = true;
}

/* Builds the log's row for a row of the relation, in a context; values fetched from a toast table stay in the current one. */
static MinimalTuple
form_row(CaptureEntry *entry, CaptureBuffer *buffer, TupleTableSlot *slot, MemoryContext context)
{
	Datum		values[MaxTupleAttributeNumber];
	bool		nulls[MaxTupleAttributeNumber];
	MemoryContext old;
	MinimalTuple tuple;

	values[PO_LOG_XID - 1] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	values[PO_LOG_KIND - 1] = CharGetDatum(PO_LOG_CHANGE);
	nulls[PO_LOG_XID - 1] = nulls[PO_LOG_KIND - 1] = false;
	for (int i = PO_LOG_FIXED_COLUMNS; i < buffer->desc->natts; i++)
	{
		nulls[i] = true;
		if (entry->source[i] != InvalidAttrNumber)
			values[i] = slot_getattr(slot, entry->source[i], &nulls[i]);
		if (!nulls[i] && TupleDescAttr(buffer->desc, i)->attlen == -1)
			values[i] = PointerGetDatum(PG_DETOAST_DATUM_PACKED(values[i]));
	}
	old = MemoryContextSwitchTo(context);
	tuple = PO_FORM_MINIMAL_TUPLE(buffer->desc, values, nulls);
	MemoryContextSwitchTo(old);
	return tuple;
}

/* Makes the empty set of the rows after the first. */
static void
create_rows(CaptureBuffer *buffer)
{
	buffer->context = AllocSetContextCreate(TopTransactionContext, "perf_optimizer captured rows",
											ALLOCSET_DEFAULT_SIZES);
	buffer->rows = rowset_create(buffer->context, 8, NULL);
}

/* Adds a row to those after the first, unless it is among them or is the first itself. */
static void
add_row(CaptureEntry *entry, CaptureBuffer *buffer, TupleTableSlot *slot)
{
	MinimalTuple tuple = form_row(entry, buffer, slot, buffer->context);
	bool		found = same_tuple(buffer->first, tuple);

	if (!found)
		(void) rowset_insert(buffer->rows, tuple, &found);
	if (found)
		pfree(tuple);
	else
		buffer->bytes += tuple->t_len;
	if (buffer->rows->members > MAX_ROWS || buffer->bytes > MAX_BYTES)
		give_up_rows(buffer);
}

/* Notes one image of a row; the current context is short-lived. */
static void
note_row(CaptureEntry *entry, CaptureBuffer *buffer, TupleTableSlot *slot)
{
	if (buffer->first == NULL)
	{
		buffer->first = form_row(entry, buffer, slot, TopTransactionContext);
		return;
	}
	if (buffer->rows == NULL)
		create_rows(buffer);
	add_row(entry, buffer, slot);
}

/* Tells whether a column has the same image in two rows. */
static bool
is_same(AttrNumber column, TupleTableSlot *old, TupleTableSlot *new)
{
	Form_pg_attribute att = TupleDescAttr(old->tts_tupleDescriptor, column - 1);
	bool		old_null;
	bool		new_null;
	Datum		old_value = slot_getattr(old, column, &old_null);
	Datum		new_value = slot_getattr(new, column, &new_null);

	if (old_null || new_null)
		return old_null && new_null;
	return datumIsEqual(old_value, new_value, att->attbyval, att->attlen);
}

/* Tells whether an update left all columns that matter as they were. */
static bool
is_untouched(CaptureEntry *entry, TupleTableSlot *old, TupleTableSlot *new)
{
	int			column = -1;

	while ((column = bms_next_member(entry->used, column)) >= 0)
		if (column == InvalidAttrNumber || !is_same(column, old, new))
			return false;
	return true;
}

/* Tells whether an update left all logged columns as they were, so that both images make one row of the log. */
static bool
has_one_image(CaptureEntry *entry, TupleTableSlot *old, TupleTableSlot *new)
{
	for (int i = 0; i < entry->ncolumns; i++)
		if (entry->source[i] != InvalidAttrNumber && !is_same(entry->source[i], old, new))
			return false;
	return true;
}

/* Returns the buffer to note a change in; NULL when nothing is left to note. */
static CaptureBuffer *
open_buffer(CaptureEntry *entry)
{
	CaptureBuffer *buffer;

	if (!OidIsValid(entry->log))
		return NULL;
	buffer = get_buffer(entry);
	if (buffer->desc == NULL || buffer->everything)
		return NULL;
	if (buffer->desc->natts != entry->ncolumns)
	{
		give_up_rows(buffer);
		return NULL;
	}
	return buffer;
}

/* Tells whether changes of a relation are logged for a base. */
bool
po_capture_wants(Relation rel, Oid base)
{
	return OidIsValid(get_entry(RelationGetRelid(rel), base)->log);
}

/*
 * Notes a change of a row of rel for the log of base: old is NULL for an insert,
 * new for a delete.  The caller's transaction has written the row, and its
 * current memory context is short-lived.
 */
void
po_capture_change(Relation rel, Oid base, TupleTableSlot *old, TupleTableSlot *new)
{
	CaptureEntry *entry = get_entry(RelationGetRelid(rel), base);
	CaptureBuffer *buffer = open_buffer(entry);

	if (buffer == NULL || (old && new && is_untouched(entry, old, new)))
		return;
	if (old)
		note_row(entry, buffer, old);
	if (new && !buffer->everything && !(old && has_one_image(entry, old, new)))
		note_row(entry, buffer, new);
}

/* Notes that anything in rel may have changed, for the log of base. */
void
po_capture_everything(Relation rel, Oid base)
{
	CaptureBuffer *buffer = open_buffer(get_entry(RelationGetRelid(rel), base));

	if (buffer)
		give_up_rows(buffer);
}

/* Writes one row into a log, which is a heap. */
static void
write_row(Relation log, MinimalTuple tuple, BulkInsertState bulk)
{
	HeapTuple	row = heap_tuple_from_minimal_tuple(tuple);

	heap_insert(log, row, GetCurrentCommandId(true), 0, bulk);
	heap_freetuple(row);
}

/* Writes the row that says that anything may have changed. */
static void
write_everything(Relation log)
{
	Datum		values[MaxTupleAttributeNumber];
	bool		nulls[MaxTupleAttributeNumber];

	memset(nulls, true, sizeof(nulls));
	nulls[PO_LOG_XID - 1] = nulls[PO_LOG_KIND - 1] = false;
	values[PO_LOG_XID - 1] = FullTransactionIdGetDatum(GetTopFullTransactionId());
	values[PO_LOG_KIND - 1] = CharGetDatum(PO_LOG_EVERYTHING);
	write_row(log, PO_FORM_MINIMAL_TUPLE(RelationGetDescr(log), values, nulls), NULL);
}

/* Writes the rows of a buffer after the first. */
static void
write_others(CaptureBuffer *buffer, Relation log)
{
	BulkInsertState bulk = buffer->rows->members > MANY_ROWS ? GetBulkInsertState() : NULL;
	rowset_iterator iterator;
	CapturedRow *row;

	rowset_start_iterate(buffer->rows, &iterator);
	while ((row = rowset_iterate(buffer->rows, &iterator)) != NULL)
		write_row(log, row->tuple, bulk);
	if (bulk)
		FreeBulkInsertState(bulk);
}

/* Writes all rows of a buffer. */
static void
write_rows(CaptureBuffer *buffer, Relation log)
{
	if (buffer->first)
		write_row(log, buffer->first, NULL);
	if (buffer->rows)
		write_others(buffer, log);
}

/*
 * Tells whether a log has outgrown its limit.  Where this process has written
 * last is asked first, which spares a call of the kernel: it is at or near the
 * end of a log that grows.
 */
static bool
is_too_large(Relation log)
{
	BlockNumber blocks = RelationGetTargetBlock(log);

	if (blocks == InvalidBlockNumber)
		blocks = RelationGetNumberOfBlocks(log);
	return (int64) blocks * (BLCKSZ / 1024) > po_guc_matview_log_limit;
}

/* Writes what a buffer holds into its log; a log that has grown too large is declared dead instead. */
static void
write_buffer(CaptureBuffer *buffer)
{
	Relation	log = po_log_open(buffer->log, RowExclusiveLock);

	if (log == NULL)
		return;					/* dropped by this transaction */
	if (RelationGetNumberOfAttributes(log) != buffer->desc->natts)
		give_up_rows(buffer);
	if (is_too_large(log))
		po_log_kill(log);
	else if (buffer->everything)
		write_everything(log);
	else
		write_rows(buffer, log);
	table_close(log, NoLock);
}

/* Writes what this transaction has noted into the logs. */
static void
write_buffers(void)
{
	MemoryContext old = MemoryContextSwitchTo(TopTransactionContext);
	ListCell   *cell;

	foreach(cell, buffers)
	{
		CaptureBuffer *buffer = lfirst(cell);

		if (buffer->desc && (buffer->everything || buffer->first))
			write_buffer(buffer);
	}
	MemoryContextSwitchTo(old);
}

/*
 * Copies what this transaction has noted into the logs, for a refresh in the
 * same transaction; it will be written again at commit.
 */
void
po_capture_copy(void)
{
	write_buffers();
	CommandCounterIncrement();
}

/* Transaction callback: writes the logs before the end, forgets the buffers at the end. */
static void
end_transaction(XactEvent event, void *arg)
{
	if (likely(buffers == NIL))
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
		case XACT_EVENT_PRE_PREPARE:
			write_buffers();
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			buffers = NIL;
			break;
		default:
			break;
	}
}

/*
 * Subtransaction callback: an abort may give up the lock that kept a log from
 * being started again, so logs that were not whole are looked at again.
 */
static void
end_subtransaction(SubXactEvent event, SubTransactionId subid, SubTransactionId parent, void *arg)
{
	ListCell   *cell;

	if (event != SUBXACT_EVENT_ABORT_SUB)
		return;
	foreach(cell, buffers)
		if (((CaptureBuffer *) lfirst(cell))->desc == NULL)
		buffers = foreach_delete_current(buffers, cell);
}

/* Prepares capturing; called once from _PG_init. */
void
po_capture_init(void)
{
	RegisterXactCallback(end_transaction, NULL);
	RegisterSubXactCallback(end_subtransaction, NULL);
}
