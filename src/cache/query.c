/*
 * query.c
 *	  A statement of cached_query: whether its result may be kept, and computing it.
 *
 * A result is kept when its tables' writers are all seen, when the statement's
 * functions depend on nothing but the tables, the key of the result and the
 * clock, and when every table's rows are the same for all sessions of the role.  Row security
 * needs no care of its own: the rewritten query holds the policies' conditions, and they are
 * judged like the rest.
 *
 * The order of events is what makes results right.  The counters for the meaning of
 * statements and for roles are read before the text is analysed, those of the tables when
 * the plan has told which they are, and the snapshot is taken after all of them.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/transam.h"
#include "access/xlog.h"
#include "cache/query.h"
#include "cache/settings.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_subscription.h"
#include "catalog/pg_type.h"
#include "common/hashfn.h"
#include "core/compat.h"
#include "core/writers.h"
#include "executor/executor.h"
#include "funcapi.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "optimizer/optimizer.h"
#include "plan/stability.h"
#include "portability/instr_time.h"
#include "tcop/tcopprot.h"
#include "utils/fmgroids.h"
#include "utils/jsonb.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

#define BASE_SLOTS 2			/* of statements and roles, at the start of
								 * all slots */

/* ---- what may be kept ---- */

/* Raises 0A000 for what is no plain SELECT; the text parses to one statement. */
static void
require_select(const char *text)
{
	RawStmt    *raw = linitial_node(RawStmt, pg_parse_query(text));
	SelectStmt *select = (SelectStmt *) raw->stmt;

	if (IsA(select, SelectStmt))
		while (select->larg != NULL)
			select = select->larg;
	if (!IsA(select, SelectStmt) || select->intoClause != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cached_query runs no other statements than SELECT"),
				 errhint("Pass a SELECT, VALUES or TABLE statement in \"query\".")));
}

/* Raises 0A000 for a SELECT that does more than read or whose result is another each time. */
static void
require_repeatable(const PoStatement *statement)
{
	if (statement->plan->hasModifyingCTE || statement->plan->rowMarks != NIL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cached_query runs no SELECT that changes or locks rows"),
				 errhint("Run the statement itself.")));
	if (contain_volatile_functions((Node *) statement->query))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("cached_query runs no SELECT that calls VOLATILE functions"),
				 errdetail("Their results may differ from call to call, and what they do would be left out."),
				 errhint("Run the statement itself, or declare your function STABLE or IMMUTABLE when it is.")));
}

/*
 * Returns why the rows of a relation cannot be kept, or NULL; sets *aging when a
 * caller who takes stale results may have them.
 */
static const char *
refuse_relation(Oid relid, bool *aging)
{
	char		kind = get_rel_relkind(relid);

	if (kind == RELKIND_VIEW)
		return NULL;
	if (kind == RELKIND_FOREIGN_TABLE)
	{
		*aging = true;
		return psprintf("it reads foreign table \"%s\", whose changes nobody sees", get_rel_name(relid));
	}
	if (relid < FirstNormalObjectId || get_rel_namespace(relid) == get_namespace_oid("perf_optimizer", true))
		return psprintf("it reads \"%s\", which is changed without being counted", get_rel_name(relid));
	if (kind != RELKIND_RELATION && kind != RELKIND_MATVIEW && kind != RELKIND_PARTITIONED_TABLE)
		return psprintf("it reads \"%s\", which is no table", get_rel_name(relid));
	if (get_rel_persistence(relid) == RELPERSISTENCE_TEMP)
		return psprintf("it reads temporary table \"%s\"", get_rel_name(relid));
	return NULL;
}

/* Tells whether a subscription of this database commits prepared transactions, which nobody sees. */
static bool
has_two_phase_subscription(void)
{
	Relation	table = table_open(SubscriptionRelationId, AccessShareLock);
	SysScanDesc scan = systable_beginscan(table, InvalidOid, false, NULL, 0, NULL);
	bool		found = false;
	HeapTuple	tuple;

	while (!found && HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		Form_pg_subscription form = (Form_pg_subscription) GETSTRUCT(tuple);

		found = form->subdbid == MyDatabaseId && form->subtwophasestate != LOGICALREP_TWOPHASE_STATE_DISABLED;
	}
	systable_endscan(scan);
	table_close(table, AccessShareLock);
	return found;
}

/* Adds the counter of a relation to a basis; false when there are too many. */
static bool
add_slot(PoCacheBasis *basis, Oid relid)
{
	uint16		slot = po_writers_slot(relid);

	for (int i = 0; i < basis->nslots; i++)
		if (basis->slots[i] == slot)
			return true;
	if (basis->nslots == PO_CACHE_MAX_SLOTS)
		return false;
	basis->slots[basis->nslots++] = slot;
	return true;
}

/* Returns why a result cannot be kept at all or not by strict callers (*aging), and adds its tables to the basis. */
static const char *
find_refusal(PoCacheQuery *query, bool *aging)
{
	const char *aging_refusal = NULL;
	const char *refusal = po_stability_refusal(query->statement->query, true);
	ListCell   *cell;

	if (refusal != NULL)
		return refusal;
	foreach(cell, query->statement->plan->relationOids)
	{
		bool		ages = false;

		refusal = refuse_relation(lfirst_oid(cell), &ages);
		if (refusal != NULL && !ages)
			return refusal;
		if (refusal != NULL)
			aging_refusal = refusal;
		if (!add_slot(&query->basis, lfirst_oid(cell)))
			return psprintf("it reads more than %d tables", PO_CACHE_MAX_SLOTS - BASE_SLOTS);
	}
	if (RecoveryInProgress())
		aging_refusal = "this server is a standby, where nobody sees the changes";
	else if (has_two_phase_subscription())
		aging_refusal = "a subscription of this database commits prepared transactions, which nobody sees";
	*aging = aging_refusal != NULL;
	return aging_refusal;
}

/* Judges the planned statement: sets refusal, and in the basis what the result hangs on. */
static void
judge(PoCacheQuery *query)
{
	bool		aging = false;
	const char *refusal = find_refusal(query, &aging);

	query->basis.aging = aging;
	query->refusal = aging && po_cache_stale ? NULL : refusal;
	if (refusal != NULL && !aging)
		query->basis.nslots = BASE_SLOTS;
}

/* Reads the counters of the basis; notes whether all is quiet and means what it meant before. */
static void
read_counters(PoCacheQuery *query, uint64 base_sum)
{
	uint64		sum;

	query->quiet = po_writers_sum(query->basis.slots, query->basis.nslots, &query->basis.sum);
	if (!po_writers_sum(query->basis.slots, BASE_SLOTS, &sum) || sum != base_sum)
		query->quiet = false;
}

/* Returns a hash of what the statement means, names resolved. */
static uint64
hash_meaning(const PoStatement *statement)
{
	char	   *text = nodeToString(statement->query);

	return hash_bytes_extended((unsigned char *) text, strlen(text), 0);
}

/*
 * Analyses and plans a statement with its parameters, judges it and reads the counters; the
 * result is allocated in the current memory context.  Raises what po_query_parse and
 * po_query_plan raise, and 0A000 for what is not to be cached.
 */
PoCacheQuery *
po_cache_query_prepare(const PoCacheArgs *args)
{
	PoCacheQuery *query = palloc0(sizeof(PoCacheQuery));
	PoParams	params = {.nvalues = args->nvalues,.values = args->values};
	uint64		base_sum;

	query->basis.nslots = BASE_SLOTS;
	query->basis.slots[0] = po_writers_cluster_slot();
	query->basis.slots[1] = po_writers_database_slot();
	(void) po_writers_sum(query->basis.slots, BASE_SLOTS, &base_sum);
	query->statement = po_query_parse(args->query, &params);
	require_select(args->query);
	(void) po_query_plan(query->statement);
	require_repeatable(query->statement);
	query->basis.meaning = hash_meaning(query->statement);
	judge(query);
	read_counters(query, base_sum);
	return query;
}

/* Tells whether nothing that a basis stands on has changed. */
bool
po_cache_query_is_current(const PoCacheBasis *basis)
{
	uint64		sum;

	return po_writers_sum(basis->slots, basis->nslots, &sum) && sum == basis->sum;
}

/* Returns a transaction's number with its epoch; xid is not in the future. */
uint64
po_cache_query_widen(TransactionId xid)
{
	FullTransactionId next = ReadNextFullTransactionId();
	uint32		epoch = EpochFromFullTransactionId(next);

	if (xid > XidFromFullTransactionId(next))
		epoch--;
	return ((uint64) epoch << 32) | xid;
}

/* ---- computing ---- */

/* Takes the rows of the executor. */
typedef struct Receiver
{
	DestReceiver pub;
	PoRow	   *row;			/* the caller's rows */
	PoCacheResult *result;
	TupleDesc	desc;			/* of the query's rows */
	FmgrInfo	to_jsonb;
	MemoryContext memory;		/* reset for each row */
} Receiver;

/* rStartup callback: prepares the conversion of rows. */
static void
begin_rows(DestReceiver *self, int operation, TupleDesc type)
{
	Receiver   *receiver = (Receiver *) self;

	receiver->desc = BlessTupleDesc(CreateTupleDescCopy(type));
	fmgr_info(F_TO_JSONB, &receiver->to_jsonb);
	receiver->to_jsonb.fn_expr = (Node *)
		makeFuncExpr(F_TO_JSONB, JSONBOID, list_make1(makeNullConst(RECORDOID, -1, InvalidOid)),
					 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);
}

/* Appends a row to the value that is kept, while that is not too large. */
static void
keep_row(PoCacheResult *result, Jsonb *json)
{
	static const char padding[MAXIMUM_ALIGNOF] = {0};
	Size		size = MAXALIGN(VARSIZE(json));

	result->rows++;
	if (result->too_large)
		return;
	if (result->value.len + size > po_store_max_value())
	{
		result->too_large = true;
		return;
	}
	appendBinaryStringInfo(&result->value, (char *) json, VARSIZE(json));
	appendBinaryStringInfo(&result->value, padding, size - VARSIZE(json));
}

/* receiveSlot callback: makes jsonb of a row, for the caller and to be kept. */
static bool
take_row(TupleTableSlot *slot, DestReceiver *self)
{
	Receiver   *receiver = (Receiver *) self;
	MemoryContext old = MemoryContextSwitchTo(receiver->memory);
	HeapTuple	tuple;
	Datum		json;

	slot_getallattrs(slot);
	tuple = heap_form_tuple(receiver->desc, slot->tts_values, slot->tts_isnull);
	json = FunctionCall1(&receiver->to_jsonb, HeapTupleGetDatum(tuple));
	po_row_datum(receiver->row, json);
	po_srf_emit(receiver->row);
	keep_row(receiver->result, DatumGetJsonbP(json));
	MemoryContextSwitchTo(old);
	MemoryContextReset(receiver->memory);
	return true;
}

/* rShutdown and rDestroy callback: nothing to do. */
static void
end_rows(DestReceiver *self)
{
}

/* Executes the plan with the active snapshot. */
static void
execute(const PoStatement *statement, DestReceiver *dest)
{
	QueryDesc  *desc = CreateQueryDesc(statement->plan, statement->text, GetActiveSnapshot(),
									   InvalidSnapshot, dest, statement->params, NULL, 0);

	ExecutorStart(desc, 0);
	PO_EXECUTOR_RUN(desc, 0);
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
}

/*
 * Computes a prepared query: its rows go to the caller's result set and into result,
 * allocated in the current memory context, and the basis learns the snapshot.  Raises what the
 * statement raises.
 */
void
po_cache_query_compute(PoCacheQuery *query, PoRow *row, PoCacheResult *result)
{
	Receiver	receiver = {.pub = {take_row, begin_rows, end_rows, end_rows, DestNone}};
	instr_time	start;
	instr_time	duration;
	Snapshot	snapshot;

	INSTR_TIME_SET_CURRENT(start);
	memset(result, 0, sizeof(*result));
	initStringInfo(&result->value);
	receiver.row = row;
	receiver.result = result;
	receiver.memory = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer cached row",
											ALLOCSET_DEFAULT_SIZES);
	query->basis.computed_at = GetCurrentTimestamp();
	PushActiveSnapshot(GetTransactionSnapshot());
	snapshot = GetActiveSnapshot();
	query->basis.xmax = po_cache_query_widen(snapshot->xmax);
	query->basis.xcnt = snapshot->xcnt;
	execute(query->statement, &receiver.pub);
	PopActiveSnapshot();
	MemoryContextDelete(receiver.memory);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	result->ms = INSTR_TIME_GET_MILLISEC(duration);
}
