/*
 * writers.c
 *	  Which relations the transactions of all backends change, as counters.
 *
 * Whoever keeps something that was computed from tables has to know whether it
 * still is what the tables say.  A fixed array of counters in shared memory tells:
 * a relation has the counter that its number hashes to, one that is shared only
 * means needless work.  One counter stands for everything in a database (what its
 * statements mean, DDL), and one for roles and their memberships.
 *
 * A counter holds the number of changes in the upper bits and in the lower
 * ones how many transactions that changed the relation are committing right now.  A
 * transaction notes in its own memory what it changes.  Before it commits, which is
 * before anybody else can see the changes, it adds one to each counter of
 * these; after it has become visible it takes that one off again and adds a change.
 * So:
 *
 *	  Let a reader read a counter with nobody committing, then take a snapshot.
 *	  As long as the counter has the same value, no change of the relation has
 *	  become visible since the snapshot.
 *
 * For had one become visible, its transaction would have added to the counter
 * before, and after the reading, or else the reading would have found it
 * committing; a counter never falls back to an old value.  The same holds for the
 * sum of several counters, because none ever falls below what it was.
 *
 * There is no lock: the counters are atomics, the rest is the backend's own.  A
 * backend that dies without its transaction callbacks takes the server's shared memory with it.
 *
 * The callers note what they see: the executor's result relations and
 * utility statements (cache/watch.c), and whatever of ours writes without them.
 * Transactions of workers that pass no hook, logical replication's above all, count as
 * a change of everything in their database; so does COMMIT PREPARED, whose
 * transaction may have been prepared before a restart.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/partition.h"
#include "common/hashfn.h"
#include "core/shmem.h"
#include "core/writers.h"
#include "miscadmin.h"
#include "port/atomics.h"
#include "postmaster/bgworker.h"
#include "replication/logicalworker.h"
#include "utils/inval.h"
#include "utils/lsyscache.h"

#define NCOUNTERS 16384			/* slots fit into uint16 */
#define COMMITTING ((UINT64CONST(1) << 20) - 1) /* mask of those that commit
												 * now */
#define DONE (UINT64CONST(1) << 20) /* one change */
#define KNOWN 256				/* relations whose slot is remembered; a power
								 * of two */

/* The slot of a relation. */
typedef struct Known
{
	Oid			relid;
	uint16		slot;
} Known;

static pg_atomic_uint64 *counters = NULL;
static LWLock *lock = NULL;		/* comes with every area; not used */

/* What this transaction changed: a set, and its members in a row. */
static uint64 noted[NCOUNTERS / 64];
static uint16 members[NCOUNTERS];
static int	nmembers = 0;
static bool committing = false; /* the counters know */

static Known known[KNOWN];

/* Tells the size of the counters. */
static Size
area_size(void)
{
	return sizeof(pg_atomic_uint64) * NCOUNTERS;
}

/* Starts all counters at zero. */
static void
init_area(void *area)
{
	for (int i = 0; i < NCOUNTERS; i++)
		pg_atomic_init_u64((pg_atomic_uint64 *) area + i, 0);
}

/* Tells whether changes are counted in this server. */
bool
po_writers_counting(void)
{
	return counters != NULL;
}

/* Returns the slot of an object of this database. */
static inline uint16
slot_of(Oid object)
{
	return 1 + hash_combine(murmurhash32(MyDatabaseId), murmurhash32(object)) % (NCOUNTERS - 1);
}

/* Relation cache callback: partitions may have come or gone. */
static void
forget_known(Datum arg, Oid relid)
{
	memset(known, 0, sizeof(known));
}

/*
 * Returns the slot of a relation; a partition's is that of the topmost partitioned
 * table, because a writer of that may reach any of them.  Reads the catalog.
 */
uint16
po_writers_slot(Oid relid)
{
	Known	   *place = &known[relid & (KNOWN - 1)];
	static bool registered = false;
	Oid			top = relid;

	if (likely(place->relid == relid))
		return place->slot;
	if (!registered)
		CacheRegisterRelcacheCallback(forget_known, (Datum) 0);
	registered = true;
	if (get_rel_relispartition(relid))
	{
		List	   *ancestors = get_partition_ancestors(relid);

		if (ancestors != NIL)
			top = llast_oid(ancestors);
	}
	place->relid = relid;
	place->slot = slot_of(top);
	return place->slot;
}

/* Returns the slot of what statements of this database mean. */
uint16
po_writers_database_slot(void)
{
	return slot_of(InvalidOid);
}

/* Returns the slot of roles. */
uint16
po_writers_cluster_slot(void)
{
	return 0;
}

/* Notes that this transaction changes what a slot stands for. */
static inline void
note_slot(uint16 slot)
{
	uint64		bit = UINT64CONST(1) << (slot % 64);

	if (noted[slot / 64] & bit)
		return;
	noted[slot / 64] |= bit;
	members[nmembers++] = slot;
	if (committing)
		pg_atomic_fetch_add_u64(&counters[slot], 1);
}

/* Notes that this transaction is about to change rows of a relation, or has. */
void
po_writers_note(Oid relid)
{
	if (counters != NULL)
		note_slot(po_writers_slot(relid));
}

/* Notes that this transaction changes what statements in this database mean, or what nobody can name. */
void
po_writers_note_database(void)
{
	if (counters != NULL)
		note_slot(po_writers_database_slot());
}

/* Notes that this transaction changes roles. */
void
po_writers_note_cluster(void)
{
	if (counters != NULL)
		note_slot(po_writers_cluster_slot());
}

/* Lets all see that this transaction is committing. */
static void
announce(void)
{
	if (committing)
		return;
	for (int i = 0; i < nmembers; i++)
		pg_atomic_fetch_add_u64(&counters[members[i]], 1);
	committing = true;
}

/*
 * Announces that a prepared transaction will be committed: everything in the
 * database may change until the end of the current transaction, which the command has
 * to itself.
 */
void
po_writers_begin_prepared(void)
{
	if (counters == NULL)
		return;
	note_slot(po_writers_database_slot());
	note_slot(po_writers_cluster_slot());
	announce();
}

/* Forgets what the transaction noted, and counts it when it was announced. */
static void
finish(void)
{
	for (int i = 0; i < nmembers; i++)
	{
		if (committing)
			pg_atomic_fetch_add_u64(&counters[members[i]], DONE - 1);
		noted[members[i] / 64] = 0;
	}
	nmembers = 0;
	committing = false;
}

/* Tells whether this process may write without anybody noting it: a worker of others that noted nothing. */
static bool
writes_unseen(void)
{
	if (MyBgworkerEntry == NULL)
		return false;
	if (IsLogicalWorker())
		return true;
	return nmembers == 0 && strcmp(MyBgworkerEntry->bgw_library_name, "perf_optimizer") != 0;
}

/* Announces the changes before they can be seen, and counts them when they can. */
static void
at_xact(XactEvent event, void *arg)
{
	if (likely(nmembers == 0 && MyBgworkerEntry == NULL))
		return;
	switch (event)
	{
		case XACT_EVENT_PRE_COMMIT:
			if (TransactionIdIsValid(GetTopTransactionIdIfAny()))
			{
				if (writes_unseen())
					note_slot(po_writers_database_slot());
				announce();
			}
			break;
		case XACT_EVENT_COMMIT:
		case XACT_EVENT_ABORT:
		case XACT_EVENT_PREPARE:
			finish();
			break;
		default:
			break;
	}
}

/*
 * Adds up counters; returns whether nobody is committing a change of any of
 * them.  What the caller reads of the tables it reads after this, or before.
 */
bool
po_writers_sum(const uint16 *slots, int n, uint64 *sum)
{
	bool		quiet = true;

	pg_memory_barrier();
	*sum = 0;
	for (int i = 0; i < n; i++)
	{
		uint64		value = pg_atomic_read_u64(&counters[slots[i]]);

		if (value & COMMITTING)
			quiet = false;
		*sum += value;
	}
	pg_memory_barrier();
	return quiet;
}

/* Tells whether this transaction has changed any of the slots. */
bool
po_writers_wrote(const uint16 *slots, int n)
{
	if (nmembers == 0)
		return false;
	for (int i = 0; i < n; i++)
		if (noted[slots[i] / 64] & (UINT64CONST(1) << (slots[i] % 64)))
			return true;
	return false;
}

/* Makes the counters; called once while preloading, by whoever has a use for them. */
void
po_writers_init(void)
{
	static const PoShmemArea area = {
		.name = "perf_optimizer writers",
		.size = area_size,
		.init = init_area,
		.pointer = (void **) &counters,
		.lock = &lock
	};

	po_shmem_register(&area);
	RegisterXactCallback(at_xact, NULL);
}
