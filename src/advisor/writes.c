/*
 * writes.c
 *	  What maintaining an index costs a workload.
 *
 * Each inserted row, and each updated row whose update is not heap-only, needs a new
 * entry.  An index on a column that updates set ends their being heap-only: then all
 * other indexes of the table get a new entry too.  Deleted rows cost their share of
 * the next vacuum.  Rows come from the workload's own statements; where a measured
 * workload shows none for a table, from the table's statistics.  A load that happened
 * once is no workload: neither a recorded statement that ran once counts, nor do as
 * many inserts as the table now has rows.
 */
#include "postgres.h"

#include <math.h>

#include "access/sysattr.h"
#include "access/table.h"
#include "advisor/writes.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
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

/* Returns the planner's cost of one new entry: descent, insertion, and its share of page writes. */
static double
entry_cost(const PoHypoSize *size)
{
	double		in_memory = Min(1, (double) effective_cache_size / Max(size->pages, 1));

	return ceil(log2(Max(size->tuples, 2))) * cpu_operator_cost +
		(Max(size->tree_height, 0) + 1) * 50 * cpu_operator_cost + 2 * cpu_index_tuple_cost +
		random_page_cost * (PAGE_WRITES_PER_ENTRY + (1 - in_memory));
}

/* Says whether an update sets a column that the index holds, depends on or is limited by. */
static bool
touches(const Change *change, const PoHypoIndex *index)
{
	Bitmapset  *inside = NULL;
	ListCell   *lc;

	for (int i = 0; i < index->ncolumns; i++)
	{
		if (list_member_int(change->columns, index->keys[i]))
			return true;
	}
	pull_varattnos((Node *) index->expressions, 1, &inside);
	pull_varattnos((Node *) index->predicate, 1, &inside);
	foreach(lc, change->columns)
	{
		if (bms_is_member(lfirst_int(lc) - FirstLowInvalidHeapAttributeNumber, inside))
			return true;
	}
	return false;
}

/*
 * Returns what maintaining an index would cost the workload, in planner units.
 * measured: the workload is what happened, so the table's own statistics count where
 * it shows no writes.
 */
double
po_writes_cost(List *writes, PoHypoIndex *index, bool measured)
{
	PoWrites   *entry = writes_of(&writes, index->relid);
	bool		partitioned = get_rel_relkind(index->relid) == RELKIND_PARTITIONED_TABLE;
	Oid			some_table = index->relid;
	double		entries;
	ListCell   *lc;

	if (measured)
		add_counters(entry);
	entries = entry->inserts + DELETE_SHARE * entry->deletes +
		(1 - entry->hot_ratio) * entry->updates;
	foreach(lc, entry->changes)
	{
		Change	   *change = (Change *) lfirst(lc);

		/* Heap-only before: a new entry here and in each other index. */
		if (touches(change, index))
			entries += entry->hot_ratio * change->rows * (1 + entry->nindexes);
	}
	if (partitioned)
	{
		foreach(lc, find_all_inheritors(index->relid, AccessShareLock, NULL))
		{
			if (get_rel_relkind(lfirst_oid(lc)) == RELKIND_RELATION)
				some_table = lfirst_oid(lc);
		}
	}
	if (entries <= 0 || get_rel_relkind(some_table) == RELKIND_PARTITIONED_TABLE)
		return 0;
	return entries * entry_cost(po_size_estimate(index, some_table));
}
