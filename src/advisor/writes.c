/*
 * writes.c
 *	  What maintaining an index costs a workload.
 *
 * Each inserted row, and each updated row whose update is not heap-only, needs a new
 * entry.  An index on a column that updates set ends their being heap-only: then all
 * other indexes of the table get a new entry too (unless an existing index has the
 * column, and none was).  Deleted rows cost their share of
 * the next vacuum.  Rows come from the workload's own statements; where a measured
 * workload shows none for a table, from the table's statistics.  A load that happened
 * once is no workload: neither a recorded statement that ran once counts, nor do as
 * many inserts as the table now has rows.
 */
#include "postgres.h"

#include <math.h>

#include "access/amapi.h"
#include "access/sysattr.h"
#include "access/table.h"
#include "advisor/writes.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "core/compat.h"
#include "fmgr.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "plan/size.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* A new entry's leaf page is not in memory, or is written once more, one time in so many. */
#define PAGE_WRITES_PER_ENTRY 0.05

/* A dead entry costs vacuum about this share of what a new one costs. */
#define DELETE_SHARE 0.3

/* A key of an inverted index takes about so many bytes for each row that has it. */
#define BYTES_PER_INVERTED_KEY 8

/* Without statistics: the share of updates that are heap-only when no index forbids it. */
#define DEFAULT_HOT_RATIO 0.5

/* One UPDATE of the workload. */
typedef struct Change
{
	List	   *columns;		/* attribute numbers that it sets */
	double		rows;
} Change;

/* Returns a table's entry in the list, adding an empty one if there is none. */
static PoWrites *
writes_of(List **writes, Oid relid)
{
	PoWrites   *entry;
	Relation	table;
	ListCell   *lc;

	foreach(lc, *writes)
	{
		entry = (PoWrites *) lfirst(lc);
		if (entry->relid == relid)
			return entry;
	}
	entry = palloc0(sizeof(PoWrites));
	entry->relid = relid;
	entry->hot_ratio = DEFAULT_HOT_RATIO;
	table = table_open(relid, AccessShareLock);
	entry->nindexes = list_length(RelationGetIndexList(table));
	entry->indexed = bms_copy(RelationGetIndexAttrBitmap(table, PO_ATTR_BITMAP_NOT_HOT));
	table_close(table, NoLock);
	*writes = lappend(*writes, entry);
	return entry;
}

/* Adds an update of some columns. */
static void
add_change(PoWrites *entry, List *targets, double rows)
{
	Change	   *change = palloc0(sizeof(Change));
	ListCell   *lc;

	foreach(lc, targets)
	{
		TargetEntry *target = lfirst_node(TargetEntry, lc);

		if (!target->resjunk)
			change->columns = lappend_int(change->columns, target->resno);
	}
	change->rows = rows;
	entry->changes = lappend(entry->changes, change);
	entry->updates += rows;
}

/* Adds what the actions of a MERGE may write; which of them a row takes is not known. */
static void
add_merge(PoWrites *entry, Query *query, double rows)
{
	ListCell   *lc;

	foreach(lc, query->mergeActionList)
	{
		MergeAction *action = lfirst_node(MergeAction, lc);
		double		share = rows / list_length(query->mergeActionList);

		if (action->commandType == CMD_INSERT)
			entry->inserts += share;
		else if (action->commandType == CMD_UPDATE)
			add_change(entry, action->targetList, share);
		else if (action->commandType == CMD_DELETE)
			entry->deletes += share;
	}
}

/* Adds what one query writes, and the data-changing CTEs in it. */
static void
add_query(List **writes, Query *query, double rows)
{
	ListCell   *lc;
	PoWrites   *entry;

	foreach(lc, query->cteList)
	{
		Node	   *cte = lfirst_node(CommonTableExpr, lc)->ctequery;

		if (IsA(cte, Query))
			add_query(writes, (Query *) cte, rows);
	}
	if (query->resultRelation == 0)
		return;
	entry = writes_of(writes, rt_fetch(query->resultRelation, query->rtable)->relid);
	switch (query->commandType)
	{
		case CMD_INSERT:
			entry->inserts += rows;
			if (query->onConflict != NULL && query->onConflict->action == ONCONFLICT_UPDATE)
				add_change(entry, query->onConflict->onConflictSet, rows);
			break;
		case CMD_UPDATE:
			add_change(entry, query->targetList, rows);
			break;
		case CMD_DELETE:
			entry->deletes += rows;
			break;
		case CMD_MERGE:
			add_merge(entry, query, rows);
			break;
		default:
			break;
	}
}

/*
 * Returns how many rows a statement writes in all its executions: as counted if it
 * runs again and again, or its weight times what the planner expects of one.
 */
static double
rows_written(PoAdvisorQuery *query)
{
	PlannedStmt *plan;

	if (query->rows >= 0)
		return query->weight > 1 ? query->rows : 0;
	plan = po_query_plan(query->statement);
	if (plan == NULL || !IsA(plan->planTree, ModifyTable) || outerPlan(plan->planTree) == NULL)
		return query->weight;
	return query->weight * outerPlan(plan->planTree)->plan_rows;
}

/* Collects what the statements of a workload write, as PoWrites, in the current memory context. */
List *
po_writes_collect(const PoWorkload *workload)
{
	List	   *writes = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);
		double		rows = -1;

		foreach(lc2, query->statement->queries)
		{
			Query	   *part = lfirst_node(Query, lc2);

			if (part->commandType == CMD_UTILITY ||
				(part->commandType == CMD_SELECT && !part->hasModifyingCTE))
				continue;
			if (rows < 0)
				rows = rows_written(query);
			add_query(&writes, part, rows);
		}
	}
	return writes;
}

/* Asks the table statistics for one counter, partitions together. */
static double
counter(Oid function, Oid relid)
{
	double		sum = 0;
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return (double) DatumGetInt64(OidFunctionCall1(function, ObjectIdGetDatum(relid)));
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
		sum += (double) DatumGetInt64(OidFunctionCall1(function, ObjectIdGetDatum(lfirst_oid(lc))));
	return sum;
}

/* Fills in what the table's statistics tell: the rows written if none are known, and the share of heap-only updates. */
static void
add_counters(PoWrites *entry)
{
	double		updates = counter(F_PG_STAT_GET_TUPLES_UPDATED, entry->relid);

	if (updates > 0)
		entry->hot_ratio = counter(F_PG_STAT_GET_TUPLES_HOT_UPDATED, entry->relid) / updates;
	if (entry->inserts + entry->updates + entry->deletes > 0)
		return;
	entry->inserts = Max(0, counter(F_PG_STAT_GET_TUPLES_INSERTED, entry->relid) -
						 counter(F_PG_STAT_GET_LIVE_TUPLES, entry->relid));
	entry->updates = updates;
	entry->deletes = counter(F_PG_STAT_GET_TUPLES_DELETED, entry->relid);
}

/* Returns how many keys of an index a new row makes, in entries of a B-tree. */
static double
keys_of_row(const PoHypoIndex *index, const PoHypoSize *size)
{
	if (index->am == BRIN_AM_OID)
		return 0.05;
	if (index->am != GIN_AM_OID)
		return 1;
	return Max(1, BLCKSZ * (double) size->pages / Max(size->tuples, 1) / BYTES_PER_INVERTED_KEY);
}

/* Returns the planner's cost of one new row's entries: descent, insertion, and their share of page writes. */
static double
entry_cost(const PoHypoIndex *index, const PoHypoSize *size)
{
	double		in_memory = Min(1, (double) effective_cache_size / Max(size->pages, 1));

	return keys_of_row(index, size) *
		(ceil(log2(Max(size->tuples, 2))) * cpu_operator_cost +
		 (Max(size->tree_height, 0) + 1) * 50 * cpu_operator_cost + 2 * cpu_index_tuple_cost +
		 random_page_cost * (PAGE_WRITES_PER_ENTRY + (1 - in_memory)));
}

/* Says whether an update sets one of some columns (as pull_varattnos counts them). */
static bool
sets_any(const Change *change, const Bitmapset *columns)
{
	ListCell   *lc;

	foreach(lc, change->columns)
	{
		if (bms_is_member(lfirst_int(lc) - FirstLowInvalidHeapAttributeNumber, columns))
			return true;
	}
	return false;
}

/* Returns how many rows updates set one of some columns of (as pull_varattnos counts them). */
double
po_writes_updates(const PoWrites *writes, const Bitmapset *columns)
{
	double		rows = 0;
	ListCell   *lc;

	foreach(lc, writes->changes)
	{
		if (sets_any((const Change *) lfirst(lc), columns))
			rows += ((const Change *) lfirst(lc))->rows;
	}
	return rows;
}

/* Returns the columns that an index holds, depends on or is limited by. */
static Bitmapset *
columns_of(const PoHypoIndex *index)
{
	Bitmapset  *columns = NULL;

	for (int i = 0; i < index->ncolumns; i++)
	{
		if (index->keys[i] != 0)
			columns = bms_add_member(columns, index->keys[i] - FirstLowInvalidHeapAttributeNumber);
	}
	pull_varattnos((Node *) index->expressions, 1, &columns);
	pull_varattnos((Node *) index->predicate, 1, &columns);
	return columns;
}

/* Returns the number of new entries, here and in other indexes, that updates make because they are no longer heap-only. */
static double
entries_of_lost_hot(const PoWrites *entry, const PoHypoIndex *index)
{
	Bitmapset  *columns = columns_of(index);
	double		entries = 0;
	ListCell   *lc;

	if (PO_AM_ALLOWS_HOT(GetIndexAmRoutineByAmId(index->am, false)))
		return 0;
	foreach(lc, entry->changes)
	{
		const Change *change = (const Change *) lfirst(lc);

		if (sets_any(change, columns) && !sets_any(change, entry->indexed))
			entries += entry->hot_ratio * change->rows * (1 + entry->nindexes);
	}
	return entries;
}

/* Returns a table that holds rows of the index: its own, or a partition; InvalidOid when there is none. */
static Oid
some_table(Oid relid)
{
	ListCell   *lc;

	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		return relid;
	foreach(lc, find_all_inheritors(relid, AccessShareLock, NULL))
	{
		if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
			return lfirst_oid(lc);
	}
	return InvalidOid;
}

/*
 * Returns what maintaining an index would cost the workload, in planner units; so many
 * existing ones are dropped for it.  measured: the workload is what happened, so the
 * table's own statistics count where it shows no writes.
 */
double
po_writes_cost(List *writes, PoHypoIndex *index, int replaced, bool measured)
{
	PoWrites   *entry = writes_of(&writes, index->relid);
	Oid			table = some_table(index->relid);
	double		entries;

	if (measured)
		add_counters(entry);
	entries = entry->inserts + DELETE_SHARE * entry->deletes +
		(1 - entry->hot_ratio) * entry->updates;
	entries = Max(0, entries * (1 - replaced)) + entries_of_lost_hot(entry, index);
	if (entries <= 0 || !OidIsValid(table))
		return 0;
	return entries * entry_cost(index, po_size_estimate(index, table));
}
