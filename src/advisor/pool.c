/*
 * pool.c
 *	  The candidate indexes of a workload.
 *
 * Every key worth trying for one statement is shown to the planner at once, first the
 * single columns, then pairs, then triples; what its plans scan is kept, and once more
 * after the first choice is taken away.  To these come their beginnings (smaller) and
 * their columns in other sequences (shared with other statements).
 */
#include "postgres.h"

#include "advisor/pool.h"
#include "advisor/served.h"
#include "advisor/writes.h"
#include "catalog/partition.h"
#include "core/relname.h"
#include "miscadmin.h"
#include "plan/access.h"
#include "plan/hypo_build.h"
#include "plan/size.h"
#include "storage/lmgr.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"
#include "utils/timestamp.h"

/* Most keys of one use of a table, and of one statement. */
#define MAX_KEYS_OF_ACCESS 96
#define MAX_KEYS_OF_QUERY 384

/* Statements with less than this share of the workload's cost add no candidates of their own. */
#define MIN_COST_SHARE 1e-5

/* A key that some statement could use. */
typedef struct PoolKey
{
	Oid			relid;
	PoKey		key;
} PoolKey;

typedef struct PoolEntry
{
	PoolKey		id;				/* hash key */
	bool		served;			/* an existing index does it */
	PoHypoIndex *index;			/* NULL when served */
	bool		kept;			/* it is a candidate */
	int			number;			/* of the candidate */
} PoolEntry;

/* The keys of one statement. */
typedef struct QueryKeys
{
	int			n;
	PoolEntry  *entries[MAX_KEYS_OF_QUERY];
} QueryKeys;

typedef struct PoolBuilder
{
	PoPool	   *pool;
	HTAB	   *keys;
	List	   *kept;			/* PoolEntry */
	PoExpressions *expressions;
	Oid			relation;		/* only indexes on it; InvalidOid: on any table */
	TimestampTz deadline;		/* 0: none */
} PoolBuilder;

/* Returns the entry of a key; makes it, with its hypothetical index, when it is new. */
static PoolEntry *
entry_of(PoolBuilder *builder, Oid relid, const PoKey *key)
{
	PoolKey		id;
	PoolEntry  *entry;
	bool		found;

	memset(&id, 0, sizeof(id));
	id.relid = relid;
	id.key.ncolumns = key->ncolumns;
	for (int i = 0; i < key->ncolumns; i++)
		id.key.columns[i] = key->columns[i];
	entry = hash_search(builder->keys, &id, HASH_ENTER, &found);
	if (!found)
	{
		entry->kept = false;
		entry->number = -1;
		entry->index = NULL;
		entry->served = po_served_by_existing(relid, key);
		if (!entry->served)
			entry->index = po_hypo_build_columns(relid, key, builder->expressions);
	}
	return entry;
}

/*
 * Translates a key of a partitioned table to the asked-for partition; returns the table
 * that the index would be on, or InvalidOid when it is none that was asked for.
 */
static Oid
target_of(const PoolBuilder *builder, Oid relid, PoKey *key)
{
	if (!OidIsValid(builder->relation) || builder->relation == relid)
		return relid;
	if (!get_rel_relispartition(builder->relation) ||
		!list_member_oid(get_partition_ancestors(builder->relation), relid))
		return InvalidOid;
	for (int i = 0; i < key->ncolumns; i++)
	{
		int			column = key->columns[i];
		AttrNumber	attnum;

		/* An expression of the partitioned table is not one of the partition's. */
		if (po_key_column_is_expression(column))
			return InvalidOid;
		attnum = get_attnum(builder->relation,
							get_attname(relid, PO_COLUMN_ATTNUM(column), false));

		key->columns[i] = attnum + abs(column) - PO_COLUMN_ATTNUM(column);
		if (column < 0)
			key->columns[i] = -key->columns[i];
	}
	LockRelationOid(builder->relation, AccessShareLock);
	return builder->relation;
}

/* Collects the keys worth trying for one statement, each once, without those that exist. */
static void
collect_keys(PoolBuilder *builder, PoAdvisorQuery *query, QueryKeys *result)
{
	PoKey		keys[MAX_KEYS_OF_ACCESS];
	ListCell   *lc;

	result->n = 0;
	foreach(lc, query->accesses)
	{
		PoAccess   *access = (PoAccess *) lfirst(lc);
		int			n = po_candidate_generate(&access->needs, keys, MAX_KEYS_OF_ACCESS);

		for (int i = 0; i < n && result->n < MAX_KEYS_OF_QUERY; i++)
		{
			Oid			target = target_of(builder, access->relid, &keys[i]);
			PoolEntry  *entry;
			bool		known = false;

			if (!OidIsValid(target))
				continue;
			entry = entry_of(builder, target, &keys[i]);
			for (int j = 0; j < result->n && !known; j++)
				known = result->entries[j] == entry;
			if (!known && !entry->served)
				result->entries[result->n++] = entry;
		}
	}
}

/* Makes an entry a candidate. */
static void
keep(PoolBuilder *builder, PoolEntry *entry)
{
	if (entry->kept || list_length(builder->kept) >= PO_SET_MAX)
		return;
	entry->kept = true;
	builder->kept = lappend(builder->kept, entry);
}

/* Says whether two keys have the same columns, in any sequence and direction. */
static bool
same_columns(const PoKey *a, const PoKey *b)
{
	if (a->ncolumns != b->ncolumns)
		return false;
	for (int i = 0; i < a->ncolumns; i++)
	{
		bool		found = false;

		for (int j = 0; j < b->ncolumns; j++)
			found |= PO_COLUMN_ATTNUM(a->columns[i]) == PO_COLUMN_ATTNUM(b->columns[j]);
		if (!found)
			return false;
	}
	return true;
}

/* Keeps an entry that a plan used, its beginnings, and its columns in other sequences. */
static void
keep_family(PoolBuilder *builder, const QueryKeys *keys, PoolEntry *used)
{
	keep(builder, used);
	for (int i = 0; i < keys->n; i++)
	{
		PoolEntry  *other = keys->entries[i];

		if (other->id.relid == used->id.relid &&
			(po_candidate_is_prefix(&other->id.key, &used->id.key) ||
			 same_columns(&other->id.key, &used->id.key)))
			keep(builder, other);
	}
}

/* Plans a statement with all its keys up to a width, except those in without; returns the indexes used. */
static List *
try_keys(PoolBuilder *builder, PoAdvisorQuery *query, const QueryKeys *keys, int width, List *without)
{
	List	   *indexes = NIL;
	List	   *used = NIL;

	for (int i = 0; i < keys->n; i++)
	{
		if (keys->entries[i]->id.key.ncolumns <= width &&
			!list_member_ptr(without, keys->entries[i]->index))
			indexes = lappend(indexes, keys->entries[i]->index);
	}
	if (indexes == NIL)
		return NIL;
	CHECK_FOR_INTERRUPTS();
	builder->pool->planner_calls++;
	po_workload_plan(query, indexes, &used);
	return used;
}

/* Keeps the families of all entries whose index is in a list. */
static void
keep_used(PoolBuilder *builder, const QueryKeys *keys, List *used)
{
	for (int i = 0; i < keys->n; i++)
	{
		if (list_member_ptr(used, keys->entries[i]->index))
			keep_family(builder, keys, keys->entries[i]);
	}
}

/* Finds the candidates of one statement. */
static void
harvest(PoolBuilder *builder, PoAdvisorQuery *query)
{
	QueryKeys  *keys = palloc(sizeof(QueryKeys));

	collect_keys(builder, query, keys);
	for (int width = 1; width <= PO_KEY_COLUMNS && keys->n > 0; width++)
	{
		List	   *used = try_keys(builder, query, keys, width, NIL);

		keep_used(builder, keys, used);
		if (used != NIL)
			keep_used(builder, keys, try_keys(builder, query, keys, width, used));
	}
	pfree(keys);
}

/* Compares two statements by what they cost the workload, the most costly first. */
static int
compare_queries(const ListCell *a, const ListCell *b)
{
	const PoAdvisorQuery *qa = (const PoAdvisorQuery *) lfirst(a);
	const PoAdvisorQuery *qb = (const PoAdvisorQuery *) lfirst(b);
	double		ca = qa->weight * qa->cost;
	double		cb = qb->weight * qb->cost;

	if (ca != cb)
		return ca > cb ? -1 : 1;
	return strcmp(qa->text, qb->text);
}

/* Compares two entries: by table name, then narrow before wide, then by columns. */
static int
compare_entries(const ListCell *a, const ListCell *b)
{
	const PoolEntry *ea = (const PoolEntry *) lfirst(a);
	const PoolEntry *eb = (const PoolEntry *) lfirst(b);

	if (ea->id.relid != eb->id.relid)
		return strcmp(po_relname_qualified(ea->id.relid), po_relname_qualified(eb->id.relid));
	if (ea->id.key.ncolumns != eb->id.key.ncolumns)
		return ea->id.key.ncolumns - eb->id.key.ncolumns;
	for (int i = 0; i < ea->id.key.ncolumns; i++)
	{
		int			ca = ea->id.key.columns[i];
		int			cb = eb->id.key.columns[i];

		if (ca != cb)
			return PO_COLUMN_ATTNUM(ca) != PO_COLUMN_ATTNUM(cb) ?
				PO_COLUMN_ATTNUM(ca) - PO_COLUMN_ATTNUM(cb) :
				abs(ca) != abs(cb) ? abs(ca) - abs(cb) : cb - ca;
	}
	return 0;
}

/* Says whether a candidate could matter to a statement: it starts with a column that the statement reaches it by. */
static bool
is_relevant(const PoolEntry *entry, const QueryKeys *keys)
{
	for (int i = 0; i < keys->n; i++)
	{
		const PoolEntry *own = keys->entries[i];

		if (own->id.relid == entry->id.relid &&
			PO_COLUMN_ATTNUM(own->id.key.columns[0]) == PO_COLUMN_ATTNUM(entry->id.key.columns[0]))
			return true;
	}
	return false;
}

/* Numbers the kept entries and fills in the pool's arrays. */
static void
fill_pool(PoolBuilder *builder, PoWorkload *workload)
{
	PoPool	   *pool = builder->pool;
	List	   *writes = po_writes_collect(workload);
	QueryKeys  *keys = palloc(sizeof(QueryKeys));
	ListCell   *lc;

	list_sort(builder->kept, compare_entries);
	pool->candidates = palloc0(sizeof(PoSearchCandidate) * (list_length(builder->kept) + 1));
	pool->indexes = palloc0(sizeof(PoHypoIndex *) * (list_length(builder->kept) + 1));
	pool->relevant = palloc0(sizeof(PoSet) * (list_length(workload->queries) + 1));
	foreach(lc, builder->kept)
	{
		PoolEntry  *entry = (PoolEntry *) lfirst(lc);
		PoSearchCandidate *candidate = &pool->candidates[pool->ncandidates];

		CHECK_FOR_INTERRUPTS();
		candidate->relid = entry->id.relid;
		candidate->key = entry->id.key;
		candidate->size = (double) po_size_bytes(entry->index);
		candidate->write_cost = po_writes_cost(writes, entry->index, workload->measured);
		pool->indexes[pool->ncandidates] = entry->index;
		entry->number = pool->ncandidates++;
	}
	foreach(lc, workload->queries)
	{
		ListCell   *lc2;

		collect_keys(builder, (PoAdvisorQuery *) lfirst(lc), keys);
		foreach(lc2, builder->kept)
		{
			if (is_relevant((PoolEntry *) lfirst(lc2), keys))
				po_set_add(&pool->relevant[foreach_current_index(lc)],
						   ((PoolEntry *) lfirst(lc2))->number);
		}
	}
	pfree(keys);
}

/* Adds up the workload's cost as things are. */
static double
total_cost(const PoWorkload *workload)
{
	double		total = 0;
	ListCell   *lc;

	foreach(lc, workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);

		total += query->weight * query->cost;
	}
	return total;
}

/*
 * Finds the candidate indexes of a workload, on one table or (InvalidOid) on any, in
 * the current memory context; puts the workload's queries in order of their cost.
 * After the deadline (0: none) no further statements are looked at.
 */
PoPool *
po_pool_build(PoWorkload *workload, Oid relation, TimestampTz deadline)
{
	PoolBuilder builder = {palloc0(sizeof(PoPool)), NULL, NIL, workload->expressions, relation, deadline};
	HASHCTL		control = {0};
	double		total = total_cost(workload);
	ListCell   *lc;

	control.keysize = sizeof(PoolKey);
	control.entrysize = sizeof(PoolEntry);
	control.hcxt = CurrentMemoryContext;
	builder.keys = hash_create("perf_optimizer candidate keys", 256, &control,
							   HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	list_sort(workload->queries, compare_queries);
	foreach(lc, workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);

		if (deadline != 0 && GetCurrentTimestamp() >= deadline)
			break;
		if (query->weight * query->cost >= MIN_COST_SHARE * total)
			harvest(&builder, query);
	}
	fill_pool(&builder, workload);
	return builder.pool;
}
