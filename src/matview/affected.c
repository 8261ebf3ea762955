/*
 * affected.c
 *	  Recomputing the rows of a view that logged changes concern.
 *
 * First the keys: the queries of delta.c give them with duplicates, a DISTINCT
 * makes a set of them and works out the bounds of columns that they rise with.
 * The set is split by which keys are NULL, so that equality can be asked for
 * where it is, and an index used.  Then, for each part, the view's rows with
 * these keys are read by joining the view with the set, and the query's rows by
 * joining inside its branches; the view, and each table that tells keys, are read
 * by gather.c where an index serves.  The difference of the two is written.
 */
#include "postgres.h"

#include "access/sysattr.h"
#include "access/table.h"
#include "catalog/pg_type.h"
#include "executor/executor.h"
#include "executor/tstoreReceiver.h"
#include "lib/stringinfo.h"
#include "matview/affected.h"
#include "matview/compose.h"
#include "matview/diff.h"
#include "matview/gather.h"
#include "matview/probe.h"
#include "matview/range.h"
#include "matview/view_query.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/builtins.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/tuplestore.h"
#include "utils/typcache.h"

#define KEYS "po_keys"

/* More combinations of NULL keys than this are not worth a query each. */
#define MAX_SETS 16

/* Keys that are NULL in the same columns. */
typedef struct KeySet
{
	Bitmapset  *nulls;			/* positions from 0 */
	PoComposeRows rows;
} KeySet;

/* The destination of the keys: one set for each combination of NULLs. */
typedef struct KeyReceiver
{
	DestReceiver pub;			/* must be first */
	int			nkeys;
	TupleDesc	desc;
	List	   *sets;
	int64		count;
	MemoryContext context;
} KeyReceiver;

/* Where the bounds of a key are among the columns of the set; 0: it has none. */
typedef struct KeyBounds
{
	PoRange		range;
	AttrNumber	low;
} KeyBounds;

/* Everything about one refresh. */
typedef struct Affected
{
	Relation	matview;
	PoShape    *shape;
	const char *text;
	KeyBounds  *bounds;			/* for each key */
	KeyReceiver *keys;
} Affected;

/* Returns the positions of the NULL keys of a row. */
static Bitmapset *
null_positions(KeyReceiver *receiver, TupleTableSlot *slot)
{
	Bitmapset  *nulls = NULL;

	for (int i = 0; i < receiver->nkeys; i++)
		if (slot_attisnull(slot, i + 1))
			nulls = bms_add_member(nulls, i);
	return nulls;
}

/* Returns the set for a combination of NULLs, made on first use. */
static KeySet *
find_set(KeyReceiver *receiver, Bitmapset *nulls)
{
	MemoryContext old;
	ListCell   *cell;
	KeySet	   *set;

	foreach(cell, receiver->sets)
		if (bms_equal(((KeySet *) lfirst(cell))->nulls, nulls))
		return lfirst(cell);
	old = MemoryContextSwitchTo(receiver->context);
	set = palloc0(sizeof(KeySet));
	set->nulls = bms_copy(nulls);
	set->rows.store = tuplestore_begin_heap(true, false, work_mem);
	set->rows.desc = receiver->desc;
	receiver->sets = lappend(receiver->sets, set);
	MemoryContextSwitchTo(old);
	return set;
}

/* DestReceiver: takes a key. */
static bool
receive_key(TupleTableSlot *slot, DestReceiver *self)
{
	KeyReceiver *receiver = (KeyReceiver *) self;
	Bitmapset  *nulls = null_positions(receiver, slot);
	KeySet	   *set = find_set(receiver, nulls);

	tuplestore_puttupleslot(set->rows.store, slot);
	set->rows.count++;
	receiver->count++;
	bms_free(nulls);
	return list_length(receiver->sets) <= MAX_SETS;
}

/* DestReceiver: nothing to prepare. */
static void
receive_startup(DestReceiver *self, int operation, TupleDesc typeinfo)
{
}

/* DestReceiver: nothing to close. */
static void
receive_end(DestReceiver *self)
{
}

/* Makes the destination of the keys. */
static KeyReceiver *
make_receiver(PoShape *shape, TupleDesc desc)
{
	KeyReceiver *receiver = palloc0(sizeof(KeyReceiver));

	receiver->pub.receiveSlot = receive_key;
	receiver->pub.rStartup = receive_startup;
	receiver->pub.rShutdown = receive_end;
	receiver->pub.rDestroy = receive_end;
	receiver->pub.mydest = DestNone;
	receiver->nkeys = list_length(shape->keys);
	receiver->desc = desc;
	receiver->context = CurrentMemoryContext;
	return receiver;
}

/* Runs the key queries; returns their rows, duplicates and all. */
static PoComposeRows
collect_raw_keys(Affected *affected, List *deltas)
{
	PoComposeRows rows = {tuplestore_begin_heap(true, false, work_mem), NULL, 0};
	ListCell   *cell;

	foreach(cell, po_delta_key_queries(affected->shape, deltas))
	{
		Query	   *query = lfirst_node(Query, cell);
		DestReceiver *dest = CreateTuplestoreDestReceiver();

		if (rows.desc == NULL)
			rows.desc = ExecCleanTypeFromTL(query->targetList);
		SetTuplestoreDestReceiverParams(dest, rows.store, CurrentMemoryContext, true, NULL, NULL);
		po_compose_run(query, affected->text, NULL, dest);
		dest->rDestroy(dest);
	}
	rows.count = tuplestore_tuple_count(rows.store);
	return rows;
}

/* Finds the bounds of a shape's keys and returns the SELECT list of the set of keys. */
static char *
key_columns(Affected *affected)
{
	List	   *keys = affected->shape->keys;
	StringInfoData list;
	AttrNumber	next = list_length(keys) + 1;

	initStringInfo(&list);
	for (int i = 0; i < list_length(keys); i++)
		appendStringInfo(&list, "%sk.k%d", i > 0 ? ", " : "", i + 1);
	for (int i = 0; i < list_length(keys); i++)
	{
		KeyBounds  *bounds = &affected->bounds[i];
		Expr	   *key = po_shape_key(linitial(affected->shape->branches), list_nth_int(keys, i));

		if (list_length(affected->shape->branches) > 1 ||
			!po_range_find(key, psprintf("k.k%d", i + 1), &bounds->range))
			continue;
		bounds->low = next;
		next += 2;
		appendStringInfo(&list, ", %s AS l%d, %s AS h%d", bounds->range.low, i + 1, bounds->range.high, i + 1);
	}
	return list.data;
}

/* Makes the sets of keys that the deltas concern. */
static void
collect_keys(Affected *affected, List *deltas)
{
	PoComposeRows raw = collect_raw_keys(affected, deltas);
	QueryEnvironment *environment = po_compose_environment("po_raw", &raw);
	char	   *columns = key_columns(affected);
	StringInfoData text;
	Query	   *query;

	initStringInfo(&text);
	appendStringInfo(&text, "SELECT %s FROM (SELECT DISTINCT ", columns);
	for (int i = 0; i < list_length(affected->shape->keys); i++)
		appendStringInfo(&text, "%sr.k%d", i > 0 ? ", " : "", i + 1);
	appendStringInfoString(&text, " FROM po_raw r) k");
	query = po_compose_parse(text.data, environment);
	affected->keys = make_receiver(affected->shape, ExecCleanTypeFromTL(query->targetList));
	po_compose_run(query, text.data, environment, &affected->keys->pub);
	tuplestore_end(raw.store);
}

/* Returns column number column of the set, which is range table entry varno. */
static Expr *
set_column(KeySet *set, int varno, AttrNumber column)
{
	Form_pg_attribute att = TupleDescAttr(set->rows.desc, column - 1);

	return (Expr *) makeVar(varno, column, att->atttypid, att->atttypmod, att->attcollation, 0);
}

/* Returns the condition that an expression is key i (from 0) of a row of the set. */
static Expr *
key_condition(KeySet *set, int varno, int i, Expr *expr)
{
	NullTest   *test;

	if (!bms_is_member(i, set->nulls))
		return make_opclause(lookup_type_cache(exprType((Node *) expr), TYPECACHE_EQ_OPR)->eq_opr, BOOLOID, false,
							 expr, set_column(set, varno, i + 1), InvalidOid, exprCollation((Node *) expr));
	test = makeNode(NullTest);
	test->arg = expr;
	test->nulltesttype = IS_NULL;
	test->location = -1;
	return (Expr *) test;
}

/* Adds the conditions that bound what a key rises with. */
static List *
add_bounds(List *conditions, KeySet *set, int varno, KeyBounds *bounds)
{
	Expr	   *argument = bounds->range.argument;
	Oid			type = bounds->range.type;

	conditions = lappend(conditions, make_opclause(po_range_operator(type, true), BOOLOID, false,
												   copyObject(argument), set_column(set, varno, bounds->low),
												   InvalidOid, InvalidOid));
	return lappend(conditions, make_opclause(po_range_operator(type, false), BOOLOID, false,
											 copyObject(argument), set_column(set, varno, bounds->low + 1),
											 InvalidOid, InvalidOid));
}

/* Returns what gather.c needs to know of a branch's keys in a set. */
static List *
probe_keys(Affected *affected, Query *branch, KeySet *set)
{
	List	   *keys = NIL;
	ListCell   *cell;

	foreach(cell, affected->shape->keys)
	{
		int			i = foreach_current_index(cell);
		PoProbeKey *key = palloc0(sizeof(PoProbeKey));

		key->expr = po_shape_key(branch, lfirst_int(cell));
		key->isnull = bms_is_member(i, set->nulls);
		key->range = affected->bounds[i].range;
		key->low = affected->bounds[i].low;
		keys = lappend(keys, key);
	}
	return keys;
}

/*
 * Reads the rows of one table of a branch, range table entry varno, for the keys
 * of a set and lets the branch read them instead of the table; *exact says
 * whether the rows are those of the keys alone.  Returns the rows; NULL, with the
 * branch as it was, where that is impossible or not worth while.
 */
static PoComposeRows *
gather_table(Affected *affected, Query *branch, int varno, KeySet *set, QueryEnvironment *environment, bool *exact)
{
	PoComposeRows *rows = palloc0(sizeof(PoComposeRows));
	RangeTblEntry *rte = rt_fetch(varno, branch->rtable);
	PoGatherWish wish = {rte->relid, varno, probe_keys(affected, branch, set),
	po_shape_find_base(affected->shape, rte->relid)->used, po_shape_is_single(branch)};
	char	   *name = psprintf("po_rows_%p", rte);

	if (!po_gather_rows(&wish, &set->rows, rows, exact))
		return NULL;
	po_compose_add_rows(environment, name, rows);
	po_compose_replace_entry(rte, po_gather_select(wish.relid, wish.used, po_compose_rows_entry(environment, name)));
	return rows;
}

/*
 * Reads the rows of the tables that a branch joins for the keys of a set, as far
 * as each tells some of them: keys are computed from rows that no outer join
 * replaces by NULLs, so rows with other keys may be left out below the joins.
 * *exact says whether one of the tables leaves only the keys.  Returns what has
 * been read, as a list of PoComposeRows.
 */
static List *
gather_branch(Affected *affected, Query *branch, KeySet *set, QueryEnvironment *environment, bool *exact)
{
	List	   *occurrences = po_shape_occurrences(branch);
	List	   *gathered = NIL;

	*exact = false;
	for (int varno = 1; varno <= list_length(branch->rtable); varno++)
	{
		RangeTblEntry *rte = rt_fetch(varno, branch->rtable);
		bool		all_keys = false;
		PoComposeRows *rows = NULL;

		if (rte->rtekind == RTE_RELATION && list_member_ptr(occurrences, rte))
			rows = gather_table(affected, branch, varno, set, environment, &all_keys);
		if (rows)
			gathered = lappend(gathered, rows);
		*exact = *exact || (rows && all_keys);
	}
	return gathered;
}

/* Restricts a branch to the keys of a set by joining it with the set; bounded: also by what keys rise with. */
static void
restrict_branch(Affected *affected, Query *branch, KeySet *set, QueryEnvironment *environment, bool bounded)
{
	List	   *conditions = make_ands_implicit((Expr *) branch->jointree->quals);
	RangeTblRef *ref = makeNode(RangeTblRef);
	ListCell   *cell;

	branch->rtable = lappend(branch->rtable, po_compose_rows_entry(environment, KEYS));
	ref->rtindex = list_length(branch->rtable);
	branch->jointree->fromlist = lcons(ref, branch->jointree->fromlist);
	foreach(cell, affected->shape->keys)
	{
		int			i = foreach_current_index(cell);

		conditions = lappend(conditions, key_condition(set, ref->rtindex, i,
													   copyObject(po_shape_key(branch, lfirst_int(cell)))));
		if (bounded && affected->bounds[i].low && !bms_is_member(i, set->nulls))
			conditions = add_bounds(conditions, set, ref->rtindex, &affected->bounds[i]);
	}
	branch->jointree->quals = (Node *) make_ands_explicit(conditions);
}

/* Runs the view's query for the keys of a set. */
static void
run_restricted(Affected *affected, KeySet *set, DestReceiver *dest)
{
	QueryEnvironment *environment = po_compose_environment(KEYS, &set->rows);
	Query	   *query = copyObject(affected->shape->query);
	List	   *gathered = NIL;
	int			level;
	ListCell   *cell;

	foreach(cell, po_shape_branches(query))
	{
		Query	   *branch = lfirst_node(Query, cell);
		bool		single = po_shape_is_single(branch);
		bool		exact;
		List	   *rows = gather_branch(affected, branch, set, environment, &exact);

		if (!exact)
			restrict_branch(affected, branch, set, environment, rows == NIL || !single);
		gathered = list_concat(gathered, rows);
	}

	/*
	 * Gathered rows have no order and no statistics: sorts, and costs that
	 * ask for JIT, come from guesses.
	 */
	level = po_view_query_pin(gathered ? list_concat(list_make4("enable_sort", "off", "enable_mergejoin", "off"),
													 list_make2("jit", "off")) : NIL);
	po_compose_run(query, affected->text, environment, dest);
	po_view_query_unpin(level);
	foreach(cell, gathered)
		tuplestore_end(((PoComposeRows *) lfirst(cell))->store);
}

/* Returns what gather.c needs to know of the view's own columns of the keys in a set. */
static List *
view_keys(Affected *affected, KeySet *set)
{
	List	   *keys = NIL;
	ListCell   *cell;

	foreach(cell, affected->shape->keys)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(affected->matview), lfirst_int(cell) - 1);
		PoProbeKey *key = palloc0(sizeof(PoProbeKey));

		key->expr = (Expr *) makeVar(1, att->attnum, att->atttypid, att->atttypmod, att->attcollation, 0);
		key->isnull = bms_is_member(foreach_current_index(cell), set->nulls);
		keys = lappend(keys, key);
	}
	return keys;
}

/* Reads the view's rows for the keys of a set as the planner would, each preceded by its location. */
static void
run_view_rows(Affected *affected, KeySet *set, DestReceiver *dest)
{
	QueryEnvironment *environment = po_compose_environment(KEYS, &set->rows);
	TupleDesc	desc = RelationGetDescr(affected->matview);
	List	   *target_list = list_make1(makeTargetEntry((Expr *) makeVar(1, SelfItemPointerAttributeNumber, TIDOID,
																		  -1, InvalidOid, 0), 1, "ctid", false));
	List	   *conditions = NIL;
	ListCell   *cell;

	for (int i = 0; i < desc->natts; i++)
	{
		Form_pg_attribute att = TupleDescAttr(desc, i);

		target_list = lappend(target_list,
							  makeTargetEntry((Expr *) makeVar(1, i + 1, att->atttypid, att->atttypmod,
															   att->attcollation, 0),
											  i + 2, NameStr(att->attname), false));
	}
	foreach(cell, affected->shape->keys)
		conditions = lappend(conditions,
							 key_condition(set, 2, foreach_current_index(cell),
										   copyObject(get_tle_by_resno(target_list, lfirst_int(cell) + 1)->expr)));
	po_compose_run(po_compose_select(list_make2(po_compose_table_entry(affected->matview),
												po_compose_rows_entry(environment, KEYS)),
									 target_list, (Node *) make_ands_explicit(conditions)),
				   affected->text, environment, dest);
}

/* Compares and writes the rows of all keys. */
static void
write_affected(Affected *affected, PoApplyCounts *counts)
{
	PoApply    *apply = po_apply_begin(affected->matview, GetActiveSnapshot());
	PoDiff	   *diff = po_diff_begin_part(affected->matview, GetActiveSnapshot(), apply);
	ListCell   *cell;

	foreach(cell, affected->keys->sets)
	{
		KeySet	   *set = lfirst(cell);

		if (!po_gather_visit(affected->matview, view_keys(affected, set), &set->rows, po_diff_add_old, diff))
			run_view_rows(affected, set, po_diff_old_receiver(diff));
	}
	foreach(cell, affected->keys->sets)
		run_restricted(affected, lfirst(cell), po_diff_receiver(diff));
	po_diff_finish(diff);
	po_apply_finish(apply, counts);
}

/* Gives the sets' memory and files back. */
static void
end_sets(Affected *affected)
{
	ListCell   *cell;

	foreach(cell, affected->keys->sets)
		tuplestore_end(((KeySet *) lfirst(cell))->rows.store);
}

/*
 * Brings the rows of a view that the deltas concern up to date with the active
 * snapshot, in the current memory context, as the view's owner.  Returns false,
 * having written nothing, when they concern more than max_keys keys or too many
 * combinations of NULLs.
 */
bool
po_affected_refresh(Relation matview, PoShape *shape, List *deltas, const char *text,
					double max_keys, PoApplyCounts *counts)
{
	Affected	affected = {matview, shape, text};
	bool		few;

	affected.bounds = palloc0(sizeof(KeyBounds) * list_length(shape->keys));
	collect_keys(&affected, deltas);
	few = affected.keys->count <= max_keys && list_length(affected.keys->sets) <= MAX_SETS;
	if (few)
		write_affected(&affected, counts);
	end_sets(&affected);
	return few;
}
