/*
 * result.c
 *	  Cached results: serving them, waiting for them, computing them.
 *
 * A result E was computed with a snapshot S, after the counters of its tables'
 * writers were read with none of them committing (core/writers.c).  When the counters still
 * have the same sum and none is committing, no change of these tables has become
 * visible since S: E is what any snapshot taken from S until now would give.  So:
 *
 * - A READ COMMITTED caller, whose statement would take a snapshot now, may have E.
 *   A change that the caller has seen committed, by whatever way it learnt of it, was announced
 *   before it became visible, so the counter shows it.
 * - A REPEATABLE READ caller sees its own snapshot R.  It may have E when S is not younger than
 *   R.  Snapshots have an order: xmax never falls, and among those of one xmax
 *   the transactions in progress only become fewer.  So S.xmax < R.xmax will do, and so
 *   will the same xmax and number in progress, unless the caller has a
 *   transaction number of its own, which R does not count.  It never publishes: the counters
 *   were read after R.
 * - A SERIALIZABLE caller has to read the tables, or the server would not notice its
 *   conflicts; it has no part in the cache.
 * - A caller that has changed a table of E computes for itself, and a transaction with
 *   changes of whatever kind publishes nothing.
 *
 * Rights need no look at a hit: GRANT, REVOKE, ALTER and CREATE of everything that might
 * change who may see what, or what the text means, move the counter of the
 * database, memberships and attributes of roles the one of roles, and all results
 * hang on both.  A session that has made temporary objects, which come before others
 * of their names, analyses the text each time and compares what it means.
 *
 * One backend computes while others wait (entry->computer, entry->finished).  They do not
 * wait for what cannot be shared: a result that is not kept, one that writers have
 * overtaken before.  Nor does a caller wait who may hold locks that the computing one waits
 * for: not when its transaction has a number, and otherwise it looks every
 * deadlock_timeout whether the other waits for a lock, because the deadlock detector knows
 * nothing of our waits.  An error, a cancel and the end of the process release the claim,
 * and one of the waiting takes over.
 */
#include "postgres.h"

#include "access/xact.h"
#include "access/xlog.h"
#include "cache/query.h"
#include "cache/result.h"
#include "cache/settings.h"
#include "cache/store.h"
#include "catalog/namespace.h"
#include "catalog/pg_collation.h"
#include "core/compat.h"
#include "core/preload.h"
#include "core/writers.h"
#include "miscadmin.h"
#include "pgstat.h"
#include "storage/ipc.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/timestamp.h"

/* One call of cached_query. */
typedef struct Call
{
	const PoCacheArgs *args;
	PoCacheKey	key;
	int64		ttl;			/* microseconds */
	bool		shares;			/* may wait for others, and publish for them */
	bool		looks;			/* may have others' results */
	bool		fixed;			/* sees the snapshot of its transaction: */
	uint64		xmax;
	uint32		xcnt;
	PoCacheQuery *query;		/* once it is prepared */
	bool		has_meaning;	/* query is to mean what it meant for others */
	char	   *value;			/* found */
	Size		length;
	PoCacheEntry *entry;		/* claimed */
	uint64		claim;
	uint64		waited;			/* claim that was waited for, 0: none */
} Call;

/* What a call does next. */
typedef enum Step
{
	STEP_AGAIN,
	STEP_SERVE,					/* value was found */
	STEP_COMPUTE,				/* for all: entry is claimed */
	STEP_ALONE					/* for this caller */
} Step;

/* ---- serving ---- */

/* Tells whether a caller that sees its transaction's snapshot may have what was computed with another. */
static bool
snapshot_allows(const Call *call, const PoCacheBasis *basis)
{
	if (!call->fixed || basis->xmax < call->xmax)
		return true;
	return basis->xmax == call->xmax && basis->xcnt == call->xcnt &&
		!TransactionIdIsValid(GetTopTransactionIdIfAny());
}

/* Tells whether a result is what computing it now would give the caller. */
static bool
is_exact(const Call *call, const PoCacheBasis *basis)
{
	return !basis->aging && !RecoveryInProgress() && snapshot_allows(call, basis) &&
		!po_writers_wrote(basis->slots, basis->nslots) && po_cache_query_is_current(basis);
}

/* Tells whether something is younger than the caller's limit times a factor. */
static bool
is_young(const Call *call, const PoCacheBasis *basis, int64 factor)
{
	int64		age = GetCurrentTimestamp() - basis->computed_at;

	return age >= 0 && age < call->ttl * factor;
}

/* Copies a result for the caller. */
static void
copy_value(Call *call, const PoCacheEntry *entry)
{
	call->length = entry->value.length;
	call->value = palloc(Max(call->length, 1));
	po_store_copy(&entry->value, call->value);
}

/* Tells whether an entry's result may be looked at. */
static bool
has_result(const Call *call, const PoCacheEntry *entry)
{
	return entry->has_value && (!call->has_meaning || entry->basis.meaning == call->query->basis.meaning);
}

/* Serves the caller from an entry, exactly or, on request, with what it was; the lock is held. */
static bool
serve(Call *call, PoCacheEntry *entry)
{
	bool		exact;

	if (!has_result(call, entry) || !is_young(call, &entry->basis, 1))
		return false;
	exact = is_exact(call, &entry->basis);
	if (!exact && !po_cache_stale)
		return false;
	copy_value(call, entry);
	pg_atomic_fetch_add_u64(&entry->hits, 1);
	po_store_count(PO_CACHE_HITS, 1);
	if (!exact)
		po_store_count(PO_CACHE_STALE, 1);
	return true;
}

/* Serves a caller who takes stale results, while another computes, with one that is past its age by no more than that age. */
static bool
serve_old(Call *call, PoCacheEntry *entry)
{
	if (!po_cache_stale || !has_result(call, entry) || !is_young(call, &entry->basis, 2))
		return false;
	copy_value(call, entry);
	pg_atomic_fetch_add_u64(&entry->hits, 1);
	po_store_count(PO_CACHE_HITS, 1);
	po_store_count(PO_CACHE_STALE, 1);
	return true;
}

/* Looks for a result. */
static bool
look_up(Call *call)
{
	PoCacheEntry *entry;
	bool		served;

	LWLockAcquire(po_cache_lock, LW_SHARED);
	entry = po_store_find(&call->key);
	served = entry != NULL && serve(call, entry);
	LWLockRelease(po_cache_lock);
	return served;
}

/* Gives the caller the rows of a found result. */
static void
emit(const Call *call, PoRow *row)
{
	for (Size at = 0; at < call->length; at += MAXALIGN(VARSIZE(call->value + at)))
	{
		po_row_datum(row, PointerGetDatum(call->value + at));
		po_srf_emit(row);
	}
}

/* ---- claims ---- */

/* Claims an entry; the lock is held. */
static Step
claim(Call *call, PoCacheEntry *entry)
{
	if (entry->has_value && !po_cache_query_is_current(&entry->basis))
		po_store_count(PO_CACHE_INVALIDATIONS, 1);
	entry->computer = MyProc;
	entry->dropped = false;
	entry->unshared = false;
	call->entry = entry;
	call->claim = ++entry->claim;
	return STEP_COMPUTE;
}

/* Tells whether an entry says that its result is not kept, and may be believed. */
static bool
is_kept_out(const Call *call, const PoCacheEntry *entry)
{
	return entry->kept_out && !(entry->basis.aging && po_cache_stale) &&
		is_young(call, &entry->basis, 1) && po_cache_query_is_current(&entry->basis);
}

/* Decides about an entry that another backend computes; the lock is held. */
static Step
join(Call *call, PoCacheEntry *entry)
{
	if (serve_old(call, entry))
		return STEP_SERVE;
	if (entry->moving || !call->shares || entry->computer->waitStatus == PROC_WAIT_STATUS_WAITING)
		return STEP_ALONE;
	if (call->waited == 0)
		po_store_count(PO_CACHE_WAITS, 1);
	call->waited = entry->claim;
	return STEP_AGAIN;
}

/* Decides what to do without a result, with the lock held; sets *entry to what is to be waited for. */
static Step
decide(Call *call, PoCacheEntry **wait_for)
{
	PoCacheEntry *entry = po_store_find(&call->key);

	if (entry != NULL && serve(call, entry))
		return STEP_SERVE;
	if (entry != NULL && is_kept_out(call, entry))
		return STEP_ALONE;
	if (entry != NULL && entry->computer != NULL)
	{
		*wait_for = entry;
		return join(call, entry);
	}
	if (!call->shares ||
		(entry != NULL && entry->unshared && call->waited != 0 && call->waited == entry->claim))
		return STEP_ALONE;
	if (entry == NULL)
		entry = po_store_add(&call->key);
	return entry != NULL ? claim(call, entry) : STEP_ALONE;
}

/* Finds a result, or claims it, or waits for it until it is found or to be computed. */
static Step
find_or_claim(Call *call)
{
	Step		step;

	if (!call->looks)
		return STEP_ALONE;
	if (look_up(call))
		return STEP_SERVE;
	for (;;)
	{
		PoCacheEntry *wait_for = NULL;

		LWLockAcquire(po_cache_lock, LW_EXCLUSIVE);
		step = decide(call, &wait_for);
		LWLockRelease(po_cache_lock);
		if (step != STEP_AGAIN)
			break;
		(void) ConditionVariableTimedSleep(&wait_for->finished, DeadlockTimeout, PG_WAIT_EXTENSION);
	}
	ConditionVariableCancelSleep();
	return step;
}

/* Ends a claim and wakes those who wait for it; the lock is held. */
static void
end_claim(PoCacheEntry *entry)
{
	entry->computer = NULL;
	ConditionVariableBroadcast(&entry->finished);
}

/* Error cleanup: gives a claim back, so that another takes over. */
static void
abandon(int code, Datum arg)
{
	Call	   *call = (Call *) DatumGetPointer(arg);

	if (call->entry == NULL)
		return;
	LWLockAcquire(po_cache_lock, LW_EXCLUSIVE);
	end_claim(call->entry);
	if (!call->entry->has_value)
		po_store_remove(call->entry);
	LWLockRelease(po_cache_lock);
	call->entry = NULL;
}

/* Gives a claim back without a result for others; kept_out: for as long as the basis holds. */
static void
give_up(Call *call, bool kept_out)
{
	PoCacheEntry *entry = call->entry;

	LWLockAcquire(po_cache_lock, LW_EXCLUSIVE);
	entry->unshared = true;
	entry->kept_out = kept_out;
	entry->moving = !kept_out;
	if (kept_out)
	{
		entry->has_value = false;
		entry->basis = call->query->basis;
		entry->basis.computed_at = GetCurrentTimestamp();
	}
	end_claim(entry);
	LWLockRelease(po_cache_lock);
	call->entry = NULL;
}

/* Publishes what was computed for a claim, unless it has been overtaken or invalidated. */
static void
publish(Call *call, const PoCacheResult *result)
{
	PoCacheEntry *entry = call->entry;

	LWLockAcquire(po_cache_lock, LW_EXCLUSIVE);
	entry->kept_out = false;
	entry->moving = !po_cache_stale && !po_cache_query_is_current(&call->query->basis);
	entry->unshared = entry->moving || entry->dropped || TransactionIdIsValid(GetTopTransactionIdIfAny());
	if (!entry->unshared && po_store_put(entry, result->value.data, result->value.len))
	{
		entry->basis = call->query->basis;
		entry->rows = result->rows;
		entry->compute_ms = result->ms;
	}
	else
		entry->unshared = true;
	end_claim(entry);
	LWLockRelease(po_cache_lock);
	call->entry = NULL;
}

/* ---- computing ---- */

/* Says why a result is not kept. */
static void
say_refusal(const PoCacheQuery *query)
{
	ereport(NOTICE,
			(errmsg("the result is not cached: %s", query->refusal),
			 query->basis.aging ?
			 errhint("SET perf_optimizer.result_cache_stale = on to get results up to their age limit all the same.") : 0));
}

/* Prepares the query, if need be. */
static void
prepare(Call *call)
{
	if (call->query == NULL)
		call->query = po_cache_query_prepare(call->args);
}

/* Computes a claimed result for the caller and for others. */
static void
compute_shared(Call *call, PoRow *row)
{
	PoCacheResult result;

	prepare(call);
	if (call->query->refusal != NULL)
	{
		give_up(call, true);
		say_refusal(call->query);
	}
	else if (!call->query->quiet && !po_cache_stale)
		give_up(call, false);
	else if (!call->query->quiet)
		call->query->basis.aging = true;
	po_cache_query_compute(call->query, row, &result);
	if (call->entry == NULL)
		return;
	if (result.too_large)
	{
		po_store_count(PO_CACHE_REFUSED, 1);
		give_up(call, true);
	}
	else
		publish(call, &result);
}

/* Computes a result for the caller alone. */
static void
compute_alone(Call *call, PoRow *row)
{
	PoCacheResult result;

	prepare(call);
	po_cache_query_compute(call->query, row, &result);
}

/* Computes a result. */
static void
compute(Call *call, Step step, PoRow *row)
{
	po_store_count(PO_CACHE_MISSES, 1);
	if (step == STEP_ALONE)
		compute_alone(call, row);
	else
	{
		PG_ENSURE_ERROR_CLEANUP(abandon, PointerGetDatum(call));
		{
			compute_shared(call, row);
		}
		PG_END_ENSURE_ERROR_CLEANUP(abandon, PointerGetDatum(call));
	}
	if (call->query->refusal != NULL)
		po_store_count(PO_CACHE_REFUSED, 1);
}

/* Notes which snapshot the caller sees and what it may share. */
static void
look_at_transaction(Call *call)
{
	call->looks = !IsolationIsSerializable();
	call->fixed = IsolationUsesXactSnapshot();
	call->shares = call->looks && !call->fixed && !TransactionIdIsValid(GetTopTransactionIdIfAny());
	if (call->fixed)
	{
		Snapshot	snapshot = GetTransactionSnapshot();

		call->xmax = po_cache_query_widen(snapshot->xmax);
		call->xcnt = snapshot->xcnt;
	}
}

/* Tells whether this session has temporary objects, which may come before others. */
static bool
has_temporary_objects(void)
{
	return OidIsValid(LookupExplicitNamespace("pg_temp", true));
}

/*
 * Puts the rows of a query's result into the caller's result set, cached or computed.  ttl
 * is in microseconds.  Raises what the query raises, and 0A000 for what is not to be cached.
 */
void
po_result_fetch(const PoCacheArgs *args, int64 ttl, PoRow *row)
{
	Call		call = {.args = args,.ttl = ttl};
	MemoryContext memory = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer cached query",
												 ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(memory);
	Step		step;

	look_at_transaction(&call);
	po_cache_key_build(args, &call.key);
	if (has_temporary_objects())
	{
		prepare(&call);
		call.has_meaning = true;
	}
	step = call.has_meaning && call.query->refusal != NULL ? STEP_ALONE : find_or_claim(&call);
	if (step == STEP_SERVE)
		emit(&call, row);
	else
		compute(&call, step, row);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(memory);
}

/* ---- invalidation ---- */

/* Tells whether an entry is to be invalidated: role is whose, InvalidOid for any; may raise an error for a bad pattern. */
static bool
matches(const PoCacheEntry *entry, Oid role, const char *pattern, const char *tag)
{
	char	   *key = palloc(entry->key.length);
	PoCacheKeyHead head;
	bool		match;

	po_store_copy(&entry->key, key);
	memcpy(&head, key, sizeof(head));
	match = head.database == MyDatabaseId && (role == InvalidOid || head.role == role) &&
		(tag == NULL || po_cache_key_has_tag(key, tag)) &&
		(pattern == NULL ||
		 DatumGetBool(DirectFunctionCall2Coll(textlike, C_COLLATION_OID,
											  CStringGetTextDatum(po_cache_key_query(key)),
											  CStringGetTextDatum(pattern))));
	pfree(key);
	return match;
}

/* Invalidates an entry; returns whether it had a result. */
static bool
drop(PoCacheEntry *entry)
{
	bool		had_value = entry->has_value;

	if (entry->computer == NULL)
		po_store_remove(entry);
	else
	{
		entry->has_value = false;
		entry->dropped = true;
	}
	return had_value;
}

/*
 * Invalidates results of this database whose query is LIKE pattern and that have the tag, NULL
 * for any: a superuser's call all roles', others' their own.  Returns how many.  What is being
 * computed is not kept.  Raises 22025 for a bad pattern.
 */
int64
po_result_invalidate(const char *pattern, const char *tag)
{
	Oid			role = superuser() ? InvalidOid : GetUserId();
	int64		dropped = 0;

	LWLockAcquire(po_cache_lock, LW_EXCLUSIVE);
	for (int i = 0; i < po_store_capacity(); i++)
	{
		PoCacheEntry *entry = po_store_entry(i);

		if (entry->used && matches(entry, role, pattern, tag) && drop(entry))
			dropped++;
	}
	LWLockRelease(po_cache_lock);
	po_store_count(PO_CACHE_INVALIDATIONS, dropped);
	return dropped;
}

/* ---- the start ---- */

/* Tells whether an entry may go before others: what has no result or an overtaken one. */
static bool
is_useless(const PoCacheEntry *entry)
{
	return !entry->has_value || !po_cache_query_is_current(&entry->basis);
}

/* Raises 55000 unless there is a cache. */
void
po_result_require(void)
{
	po_preload_require("the result cache");
	if (!po_store_ready())
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the result cache is off"),
				 errhint("Set perf_optimizer.result_cache_size in postgresql.conf, such as to '16MB', and restart the server.")));
}

/* Makes the cache's shared memory; called once while preloading. */
void
po_result_init(void)
{
	po_store_init(is_useless);
}
