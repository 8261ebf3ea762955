/*
 * overlap.c
 *	  Which indexes of an inventory do what others do, or nothing.
 *
 * Indexes are compared with the others of their table only.  A partitioned index
 * counts as a whole: what its parts did is added up to it, and only it is judged.
 */
#include "postgres.h"

#include "advisor/overlap.h"
#include "catalog/pg_class.h"
#include "catalog/pg_index.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/hsearch.h"
#include "utils/lsyscache.h"

/* The verdict on an index, found by its OID. */
typedef struct Entry
{
	Oid			relid;			/* hash key */
	PoIndexVerdict *verdict;
} Entry;

/* What is known of a declared foreign key and its copies in partitions. */
typedef struct KeyRoot
{
	Oid			constraint;		/* hash key */
	bool		has_leaf;		/* some table is not partitioned itself */
	bool		leaf_unserved;
	bool		whole_unserved;
} KeyRoot;

typedef struct Judging
{
	PoOverlap  *overlap;
	HTAB	   *entries;
} Judging;

/* Returns the verdict on an index; NULL for one that is not looked at. */
static PoIndexVerdict *
verdict_of(Judging *judging, Oid relid)
{
	Entry	   *entry = hash_search(judging->entries, &relid, HASH_FIND, NULL);

	return entry ? entry->verdict : NULL;
}

/* Makes an empty verdict for each index. */
static void
make_verdicts(Judging *judging, const PoInventory *inventory)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(Entry),.hcxt = CurrentMemoryContext};
	int			n = 0;
	ListCell   *lc;

	for (int i = 0; i < inventory->ntables; i++)
		n += list_length(inventory->tables[i]->indexes);
	judging->overlap->verdicts = MemoryContextAllocExtended(CurrentMemoryContext, Max(n, 1) * sizeof(PoIndexVerdict),
															MCXT_ALLOC_HUGE | MCXT_ALLOC_ZERO);
	judging->entries = hash_create("perf_optimizer verdicts", Max(n, 16), &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	for (int i = 0; i < inventory->ntables; i++)
		foreach(lc, inventory->tables[i]->indexes)
	{
		PoIndexVerdict *verdict = &judging->overlap->verdicts[judging->overlap->nverdicts++];

		verdict->index = lfirst(lc);
		((Entry *) hash_search(judging->entries, &verdict->index->relid, HASH_ENTER, NULL))->verdict = verdict;
	}
}

/* Adds up what was counted of each index and its parts. */
static void
add_up(Judging *judging)
{
	for (int i = 0; i < judging->overlap->nverdicts; i++)
	{
		const PoInventoryIndex *index = judging->overlap->verdicts[i].index;
		PoIndexVerdict *whole = verdict_of(judging, index->root);

		if (whole == NULL || index->relkind != RELKIND_INDEX)
			continue;
		whole->scans += index->scans;
		whole->table_scans += index->table->scans;
		whole->writes += index->table->writes;
		whole->counted = true;
	}
}

/* Tells whether a number is among others. */
static bool
is_among(int16 column, const int16 *columns, int n)
{
	for (int i = 0; i < n; i++)
		if (columns[i] == column)
			return true;
	return false;
}

/* Tells whether a predicate leaves out the nulls of a column and nothing else. */
static bool
leaves_out_nulls(const char *predicate, Oid relid, AttrNumber column)
{
	char	   *name = get_attname(relid, column, true);

	return name != NULL && strcmp(predicate, psprintf("(%s IS NOT NULL)", quote_identifier(name))) == 0;
}

/* Tells whether the first columns of an index's key are those of a foreign key, and it holds all rows that have one. */
static bool
serves_key(const PoInventoryIndex *index, const PoInventoryKey *key)
{
	if (!index->valid || index->nkeys < key->ncolumns)
		return false;
	for (int i = 0; i < key->ncolumns; i++)
		if (!is_among(key->columns[i], index->columns, key->ncolumns) || !is_among(index->columns[i], key->columns, key->ncolumns))
			return false;
	if (index->predicate[0] == '\0')
		return true;
	return key->ncolumns == 1 && leaves_out_nulls(index->predicate, key->table->relid, key->columns[0]);
}

/* Tells whether a foreign key has an index; notes one that is the only one. */
static bool
find_server(Judging *judging, const PoInventoryKey *key)
{
	Oid			only = InvalidOid;
	ListCell   *lc;

	foreach(lc, key->table->indexes)
	{
		const PoInventoryIndex *index = lfirst(lc);

		if (!serves_key(index, key))
			continue;
		if (OidIsValid(only) && only != index->root)
			return true;
		only = index->root;
	}
	if (OidIsValid(only) && verdict_of(judging, only) != NULL)
		verdict_of(judging, only)->sole = true;
	return OidIsValid(only);
}

/* Finds the declared foreign keys without an index: in a partition, or, where there is none yet, in the partitioned table. */
static void
judge_keys(Judging *judging, const PoInventory *inventory)
{
	HASHCTL		control = {.keysize = sizeof(Oid),.entrysize = sizeof(KeyRoot),.hcxt = CurrentMemoryContext};
	HTAB	   *roots = hash_create("perf_optimizer foreign keys", 64, &control, HASH_ELEM | HASH_BLOBS | HASH_CONTEXT);
	HASH_SEQ_STATUS status;
	KeyRoot    *root;
	ListCell   *lc;

	foreach(lc, inventory->keys)
	{
		const PoInventoryKey *key = lfirst(lc);
		bool		found;
		bool		leaf = key->table->relkind != RELKIND_PARTITIONED_TABLE;

		if (key->table->relkind == '\0')
			continue;
		root = hash_search(roots, &key->root, HASH_ENTER, &found);
		if (!found)
			root->has_leaf = root->leaf_unserved = root->whole_unserved = false;
		root->has_leaf |= leaf;
		if (!find_server(judging, key))
			*(leaf ? &root->leaf_unserved : &root->whole_unserved) = true;
	}
	hash_seq_init(&status, roots);
	while ((root = hash_seq_search(&status)) != NULL)
		if (root->has_leaf ? root->leaf_unserved : root->whole_unserved)
			judging->overlap->unserved = lappend_oid(judging->overlap->unserved, root->constraint);
}

/* Tells whether the first n key columns of two indexes of a table have the same columns, operator classes and collations. */
static bool
same_columns(const PoInventoryIndex *a, const PoInventoryIndex *b, int n)
{
	return memcmp(a->columns, b->columns, n * sizeof(int16)) == 0 &&
		memcmp(a->classes, b->classes, n * sizeof(Oid)) == 0 &&
		memcmp(a->collations, b->collations, n * sizeof(Oid)) == 0;
}

/* Tells whether two indexes of a table are the same but for their names. */
static bool
are_twins(const PoInventoryIndex *a, const PoInventoryIndex *b)
{
	return a->valid && b->valid && a->am == b->am && a->nkeys == b->nkeys && a->ncolumns == b->ncolumns &&
		memcmp(a->columns, b->columns, a->ncolumns * sizeof(int16)) == 0 && same_columns(a, b, a->nkeys) &&
		memcmp(a->options, b->options, a->nkeys * sizeof(int16)) == 0 &&
		strcmp(a->expressions, b->expressions) == 0 && strcmp(a->predicate, b->predicate) == 0;
}

/* Tells whether of two twins b is to stay rather than a, which comes first. */
static bool
is_dearer(const PoInventoryIndex *a, const PoInventoryIndex *b)
{
	if (OidIsValid(a->constraint) != OidIsValid(b->constraint))
		return OidIsValid(b->constraint);
	if (a->referenced != b->referenced)
		return b->referenced;
	if (a->identity != b->identity)
		return b->identity;
	if (a->clustered != b->clustered)
		return b->clustered;
	if (a->unique != b->unique)
		return b->unique;
	if (a->attached != b->attached)
		return a->attached;
	return b->scans > a->scans;
}

/* Finds the index that is to stay of those that are the same as one, and whether this one is superfluous. */
static void
judge_twins(PoIndexVerdict *verdict)
{
	const PoInventoryIndex *index = verdict->index;
	const PoInventoryIndex *kept = NULL;
	ListCell   *lc;

	foreach(lc, index->table->indexes)
		if (are_twins(index, lfirst(lc)) && (kept == NULL || is_dearer(kept, lfirst(lc))))
		kept = lfirst(lc);
	if (kept == NULL || kept == index)
		return;
	verdict->twin = kept;
	verdict->duplicate = !index->attached && !index->referenced && !index->identity && !index->clustered &&
		(!index->unique || (kept->unique && kept->immediate && kept->nulls_equal == index->nulls_equal));
}

/* Tells whether an index is read forwards as another is, or backwards. */
static bool
same_order(const PoInventoryIndex *a, const PoInventoryIndex *b)
{
	bool		same = true;
	bool		opposite = true;

	for (int i = 0; i < a->nkeys; i++)
	{
		same &= a->options[i] == b->options[i];
		opposite &= a->options[i] == (b->options[i] ^ (INDOPTION_DESC | INDOPTION_NULLS_FIRST));
	}
	return same || opposite;
}

/* Tells whether an index serves all that a B-tree without expressions serves, whose key is not longer. */
static bool
covers(const PoInventoryIndex *b, const PoInventoryIndex *a)
{
	if (b == a || b->am != a->am || !b->valid || b->nkeys < a->nkeys || !same_columns(a, b, a->nkeys))
		return false;
	if (b->nkeys == a->nkeys && b->ncolumns <= a->ncolumns && !b->unique)
		return false;
	for (int i = a->nkeys; i < a->ncolumns; i++)
		if (!is_among(a->columns[i], b->columns, b->ncolumns))
			return false;
	return same_order(a, b) && strcmp(a->predicate, b->predicate) == 0;
}

/* Finds the smallest index that makes another superfluous, a B-tree that nothing but queries needs. */
static void
judge_cover(Judging *judging, PoIndexVerdict *verdict, Oid btree)
{
	const PoInventoryIndex *index = verdict->index;
	ListCell   *lc;

	if (index->attached || !index->valid || index->needed || index->am != btree || index->expressions[0] != '\0' || verdict->duplicate)
		return;
	foreach(lc, index->table->indexes)
	{
		const PoInventoryIndex *other = lfirst(lc);
		const PoIndexVerdict *whole = verdict_of(judging, other->root);

		if (!covers(other, index) || verdict_of(judging, other->relid)->duplicate)
			continue;

		/*
		 * Where the longer one is never read and the shorter one is, the
		 * longer one is to go.
		 */
		if (verdict->scans > 0 && whole != NULL && whole->unused)
			continue;
		if (verdict->cover == NULL || other->nkeys < verdict->cover->nkeys ||
			(other->nkeys == verdict->cover->nkeys && other->ncolumns < verdict->cover->ncolumns))
			verdict->cover = other;
	}
}

/* Judges all indexes and foreign keys of an inventory; btree is that access method. */
PoOverlap *
po_overlap_find(const PoInventory *inventory, Oid btree)
{
	Judging		judging = {.overlap = palloc0(sizeof(PoOverlap))};
	PoOverlap  *overlap = judging.overlap;

	make_verdicts(&judging, inventory);
	add_up(&judging);
	judge_keys(&judging, inventory);
	for (int i = 0; i < overlap->nverdicts; i++)
	{
		PoIndexVerdict *verdict = &overlap->verdicts[i];
		const PoInventoryIndex *index = verdict->index;

		CHECK_FOR_INTERRUPTS();
		verdict->unused = !index->attached && index->valid && !index->needed && verdict->counted && verdict->scans == 0 && !verdict->sole;
		judge_twins(verdict);
	}
	for (int i = 0; i < overlap->nverdicts; i++)
		judge_cover(&judging, &overlap->verdicts[i], btree);
	return overlap;
}
