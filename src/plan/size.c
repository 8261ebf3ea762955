/*
 * size.c
 *	  How large an index that does not exist would be.
 *
 * Takes row counts, widths, null fractions and numbers of distinct values from the
 * planner's own statistics functions, on a throw-away planner state that holds
 * nothing but the table, and hands them to the arithmetic of the access method.
 * The B-tree's is exact enough to be compared with a built index; the others are
 * rougher, since their size depends on what their operator classes extract.
 */
#include "postgres.h"

#include <math.h>

#include "access/hash.h"
#include "access/htup_details.h"
#include "access/nbtree.h"
#include "access/tupmacs.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_statistic.h"
#include "catalog/pg_type.h"
#include "core/compat.h"
#include "core/own.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/pathnode.h"
#include "parser/parse_relation.h"
#include "plan/btree_model.h"
#include "plan/hypo_info.h"
#include "plan/size.h"
#include "statistics/statistics.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"
#include "utils/typcache.h"

/* Indexes store a name without its padding: the bytes of a usual one. */
#define NAME_KEY_WIDTH 12

/* What the statistics say of one index column. */
typedef struct ColumnFacts
{
	double		width;			/* bytes of a value that is not null */
	double		null_fraction;
	double		distinct;		/* nulls count as one value */
} ColumnFacts;

/* Builds a planner state that holds one table and nothing else. */
static PlannerInfo *
make_root(Oid relid)
{
	PlannerInfo *root = makeNode(PlannerInfo);
	RangeTblEntry *rte = makeNode(RangeTblEntry);

	rte->rtekind = RTE_RELATION;
	rte->relid = relid;
	rte->relkind = get_rel_relkind(relid);
	rte->rellockmode = AccessShareLock;
	rte->inh = false;
	rte->inFromCl = true;

	root->parse = makeNode(Query);
	root->parse->commandType = CMD_SELECT;
	root->parse->rtable = list_make1(rte);
	PO_ADD_PERMISSIONS(root->parse, rte);
	root->glob = makeNode(PlannerGlobal);
	root->query_level = 1;
	root->planner_cxt = CurrentMemoryContext;
	root->wt_param_id = -1;
	setup_simple_rel_arrays(root);
	return root;
}

/* Asks the statistics for an expression's width, nulls and number of distinct values. */
static ColumnFacts
known_facts(PlannerInfo *root, Node *column, bool *isdefault)
{
	ColumnFacts facts = {0, 0, 0};
	VariableStatData vardata;

	examine_variable(root, column, 0, &vardata);
	facts.width = get_typavgwidth(exprType(column), exprTypmod(column));
	if (HeapTupleIsValid(vardata.statsTuple))
	{
		Form_pg_statistic stats = (Form_pg_statistic) GETSTRUCT(vardata.statsTuple);

		facts.null_fraction = stats->stanullfrac;
		if (stats->stawidth > 0)
			facts.width = stats->stawidth;
	}
	if (exprType(column) == NAMEOID)
		facts.width = NAME_KEY_WIDTH;
	facts.distinct = get_variable_numdistinct(&vardata, isdefault);
	ReleaseVariableStats(vardata);
	return facts;
}

/*
 * Returns the facts of one index column.  An expression without statistics is taken
 * to tell apart what its columns tell apart, and to be as wide and as often null.
 */
static ColumnFacts
column_facts(PlannerInfo *root, Node *column)
{
	bool		isdefault;
	ColumnFacts facts = known_facts(root, column, &isdefault);
	ListCell   *lc;

	if (isdefault && !IsA(column, Var))
	{
		facts.distinct = 1;
		foreach(lc, pull_var_clause(column, 0))
		{
			ColumnFacts of_var = known_facts(root, (Node *) lfirst(lc), &isdefault);

			facts.distinct *= of_var.distinct;
			facts.null_fraction = Max(facts.null_fraction, of_var.null_fraction);
			if (exprType((Node *) lfirst(lc)) == exprType(column) || exprType(column) == TSVECTOROID)
				facts.width = of_var.width;
		}
	}
	if (facts.null_fraction > 0)
		facts.distinct += 1;
	return facts;
}

/* Adds a column's width to a running offset, aligned as the index tuple aligns it. */
static double
add_width(double offset, Oid type, double width)
{
	int16		typlen;
	bool		typbyval;
	char		typalign;

	get_typlenbyvalalign(type, &typlen, &typbyval, &typalign);
	/* A short varlena has a one-byte header and needs no alignment. */
	if (typlen == -1 && width <= VARATT_SHORT_MAX)
		return offset + width;
	return att_align_nominal((Size) ceil(offset), typalign) + width;
}

/*
 * Returns the number of distinct combinations of the key columns: what extended
 * statistics know of simple columns, else how many of the possible combinations so
 * many rows hit.
 */
static double
combined_distinct(PlannerInfo *root, const IndexOptInfo *info, const ColumnFacts *facts, double rows)
{
	double		product = 1;
	List	   *columns = NIL;

	for (int i = 0; i < info->nkeycolumns; i++)
	{
		TargetEntry *entry = list_nth_node(TargetEntry, info->indextlist, i);

		product *= Max(1, facts[i].distinct);
		if (i < STATS_MAX_DIMENSIONS)
			columns = lappend(columns, entry->expr);
	}
	if (info->nkeycolumns > 1)
		product *= 1 - exp(-rows / product);
	product = Min(product, Max(rows, 1));
	if (info->nkeycolumns > 1 && info->rel->statlist != NIL)
	{
		double		known = estimate_num_groups(root, columns, rows, NULL, NULL);

		/*
		 * Without statistics that cover the columns the planner caps at a
		 * tenth of the rows.
		 */
		if (fabs(known - rows * 0.1) > 1 && known < product)
			return known;
	}
	return product;
}

/* Says whether the index's equal keys are merged, as _bt_allequalimage() decides for a real one. */
static bool
deduplicates(const PoHypoIndex *index)
{
	if (index->am != BTREE_AM_OID || !index->deduplicate || index->ncolumns != index->nkeycolumns)
		return false;
	for (int i = 0; i < index->nkeycolumns; i++)
	{
		Oid			type = index->opcintypes[i];
		Oid			proc = get_opfamily_proc(index->opfamilies[i], type, type, BTEQUALIMAGE_PROC);

		if (!OidIsValid(proc) ||
			!DatumGetBool(OidFunctionCall1Coll(proc, index->collations[i], ObjectIdGetDatum(type))))
			return false;
	}
	return true;
}

/* Returns how many of d distinct values are left among a share of the rows. */
static double
distinct_in_share(double d, double rows, double kept)
{
	if (kept >= rows || d <= 1 || rows <= 0)
		return d;
	return d * (1 - pow((rows - kept) / rows, rows / d));
}

/* Says whether a type's values are of different lengths; those of char(n) are padded. */
static bool
is_varying(Oid type)
{
	return get_typlen(type) < 0 && type != BPCHAROID;
}

/* Fills the B-tree arithmetic's input from the statistics. */
static PoBtreeShape
btree_shape(PlannerInfo *root, const IndexOptInfo *info, const PoHypoIndex *index, double tuples)
{
	PoBtreeShape shape = {.tuples = tuples,.fillfactor = index->fillfactor};
	ColumnFacts facts[INDEX_MAX_KEYS];
	double		no_null = 1;
	double		rows = info->rel->tuples;

	for (int i = 0; i < info->ncolumns; i++)
	{
		TargetEntry *entry = list_nth_node(TargetEntry, info->indextlist, i);

		facts[i] = column_facts(root, (Node *) entry->expr);
		shape.key_width = add_width(shape.key_width, exprType((Node *) entry->expr), facts[i].width);
		shape.varying |= is_varying(exprType((Node *) entry->expr));
		no_null *= 1 - facts[i].null_fraction;
	}
	shape.null_fraction = 1 - no_null;
	for (int i = 0; i < info->ncolumns && shape.null_fraction > 0; i++)
		shape.null_width += facts[i].width *
			Max(0, shape.null_fraction - facts[i].null_fraction) / shape.null_fraction;
	shape.distinct = distinct_in_share(combined_distinct(root, info, facts, rows), rows, tuples);
	shape.deduplicate = deduplicates(index);
	return shape;
}

/* Pages of a hash index: buckets in a power of two (or a quarter step of it), three quarters full. */
static double
hash_pages(double tuples)
{
	double		per_page = floor(BLCKSZ * 0.75 / (MAXALIGN(sizeof(IndexTupleData) + sizeof(uint32)) +
												  sizeof(ItemIdData)));
	double		buckets = Max(2, ceil(tuples / per_page));
	double		step = exp2(floor(log2(buckets))) / 4;

	return ceil(buckets / step) * step + 2;
}

/* Pages of an index whose entries are one tuple a row, filled to a share of each page. */
static double
row_pages(double tuples, double width, double fill)
{
	double		bytes = MAXALIGN((Size) (sizeof(IndexTupleData) + width)) + sizeof(ItemIdData);

	return 1 + ceil(tuples * bytes / (BLCKSZ * fill));
}

/* Pages of a block range index: one summary a range, and the map of the ranges. */
static double
brin_pages(double table_pages, double width)
{
	double		ranges = ceil(table_pages / 128);

	return 1 + ceil(ranges * (MAXALIGN((Size) (8 + 2 * width)) + sizeof(ItemIdData)) / BLCKSZ) +
		ceil(ranges * sizeof(ItemPointerData) / BLCKSZ);
}

/*
 * Bytes of an inverted index for each byte of a value: text makes a trigram of every
 * character, documents are words with their places, other values are shared keys.
 */
static double
inverted_share(Oid type)
{
	switch (type)
	{
		case TEXTOID:
		case VARCHAROID:
		case BPCHAROID:
			return 3;
		case TSVECTOROID:
			return 2;
		default:
			return 0.35;
	}
}

/* Pages of an access method other than B-tree; type is the first column's. */
static double
other_pages(Oid am, const RelOptInfo *rel, const PoBtreeShape *shape, Oid type)
{
	switch (am)
	{
		case HASH_AM_OID:
			return hash_pages(shape->tuples);
		case BRIN_AM_OID:
			return brin_pages(rel->pages, shape->key_width);
		case GIN_AM_OID:
			return 2 + ceil(shape->tuples * (shape->key_width * inverted_share(type) + 2) / BLCKSZ);
		default:

			/*
			 * Built by insertion: pages that were split are little more than
			 * half full.
			 */
			return row_pages(shape->tuples, shape->key_width, 0.55);
	}
}

/* Computes an index's size on one table into *size, in a throw-away planner state. */
static void
compute_size(PoHypoIndex *index, PoHypoSize *size)
{
	PlannerInfo *root = make_root(size->relid);
	RelOptInfo *rel = build_simple_rel(root, 1, NULL);
	IndexOptInfo *info;
	PoBtreeShape shape;

	info = po_hypo_info_describe(index, size->relid, rel);
	if (info == NULL)
		return;
	size->tuples = rel->tuples;
	if (info->indpred != NIL)
		size->tuples = clamp_row_est(rel->tuples *
									 po_predicate_share_get(index->shares, root, size->relid, info->indpred));
	shape = btree_shape(root, info, index, size->tuples);
	if (index->am == BTREE_AM_OID)
	{
		PoBtreeSize btree = po_btree_model_size(&shape);

		size->pages = (BlockNumber) Min(btree.pages, (double) MaxBlockNumber);
		size->tree_height = btree.height;
	}
	else
		size->pages = (BlockNumber) Min(other_pages(index->am, rel, &shape, index->types[0]), (double) MaxBlockNumber);
}

/*
 * Returns the estimated size of an index on its table or on one partition, which
 * must be locked by the caller; computed once and kept with the index.
 */
const PoHypoSize *
po_size_estimate(PoHypoIndex *index, Oid relid)
{
	MemoryContext home = GetMemoryChunkContext(index);
	MemoryContext scratch;
	MemoryContext old;
	PoOwnScope	scope;
	PoHypoSize *size;
	ListCell   *lc;

	foreach(lc, index->sizes)
	{
		size = (PoHypoSize *) lfirst(lc);
		if (size->relid == relid)
			return size;
	}
	size = MemoryContextAllocZero(home, sizeof(PoHypoSize));
	size->relid = relid;
	size->pages = 1;
	size->tree_height = index->am == BTREE_AM_OID ? 0 : -1;

	scratch = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer index size",
									ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(scratch);
	po_own_become_owner(&scope, relid);
	compute_size(index, size);
	po_own_end(&scope);
	MemoryContextSwitchTo(home);
	index->sizes = lappend(index->sizes, size);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return size;
}

/* Returns the estimated bytes of an index; of one on a partitioned table, of all partitions together. */
int64
po_size_bytes(PoHypoIndex *index)
{
	int64		pages = 0;
	ListCell   *lc;

	if (get_rel_relkind(index->relid) != RELKIND_PARTITIONED_TABLE)
		return (int64) po_size_estimate(index, index->relid)->pages * BLCKSZ;
	foreach(lc, find_all_inheritors(index->relid, AccessShareLock, NULL))
	{
		CHECK_FOR_INTERRUPTS();
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			pages += po_size_estimate(index, lfirst_oid(lc))->pages;
	}
	return pages * BLCKSZ;
}
