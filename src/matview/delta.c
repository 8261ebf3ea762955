/*
 * delta.c
 *	  Queries for the keys that logged changes concern.
 *
 * For each relation of each branch whose log has something new there is one
 * query: the branch's join, with the relation replaced by its changed rows (both
 * images) and every other relation T by T and its changed rows, which holds all
 * rows that T had before and has now.  It selects the keys.  A joined row that
 * existed before and does not now, or the other way round, has a changed row at
 * one place and at the others rows from before or from now, so one of these
 * queries finds its key.  More keys than needed only cost time.
 *
 * Outer joins: a key is computed from the preserved side.  A nullable side that
 * does not hold the changed relation is left out; one that does is joined inner,
 * because its change concerns only preserved rows that it matches.  A condition
 * above an outer join that reads its nullable side may hold for NULLs where it
 * does not for the row, so it is left out.
 *
 * Changed rows hold only the logged columns, which are all that these queries
 * read; other columns are NULL.
 */
#include "postgres.h"

#include "access/table.h"
#include "catalog/pg_type.h"
#include "core/compat.h"
#include "matview/compose.h"
#include "matview/delta.h"
#include "matview/log.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

static void prune_level(Query *level, RangeTblEntry *target);

/* Returns the condition that a log row is an unconsumed change. */
static Node *
unconsumed(PoDelta *delta)
{
	Expr	   *kind = (Expr *) makeVar(1, PO_LOG_KIND, CHAROID, -1, InvalidOid, 0);
	Expr	   *xid = (Expr *) makeVar(1, PO_LOG_XID, XID8OID, -1, InvalidOid, 0);
	Const	   *change = makeConst(CHAROID, -1, InvalidOid, 1, CharGetDatum(PO_LOG_CHANGE), false, true);
	Const	   *consumed = makeConst(PG_SNAPSHOTOID, -1, InvalidOid, -1, delta->consumed, false, false);
	Expr	   *seen = (Expr *) makeFuncExpr(F_PG_VISIBLE_IN_SNAPSHOT, BOOLOID, list_make2(xid, consumed),
											 InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL);

	return (Node *) make_andclause(list_make2(makeFuncExpr(F_CHAREQ, BOOLOID, list_make2(kind, change),
														   InvalidOid, InvalidOid, COERCE_EXPLICIT_CALL),
											  makeBoolExpr(NOT_EXPR, list_make1(seen), -1)));
}

/* Returns the log's column that holds a column of the base, of the base's type. */
static Expr *
log_column(PoDelta *delta, Form_pg_attribute att)
{
	AttrNumber	column = po_log_column(delta->log, att->attnum);
	Form_pg_attribute stored = TupleDescAttr(RelationGetDescr(delta->log), column - 1);
	Expr	   *var = (Expr *) makeVar(1, column, stored->atttypid, stored->atttypmod, att->attcollation, 0);

	if (stored->atttypid == att->atttypid)
		return var;
	return (Expr *) makeRelabelType(var, att->atttypid, att->atttypmod, att->attcollation,
									COERCE_IMPLICIT_CAST);
}

/* Returns a SELECT of the base's columns from its changed rows or, changed off, from the base. */
static Query *
select_rows(PoDelta *delta, RangeTblEntry *base_entry, bool changed)
{
	Relation	base = table_open(delta->base->relid, NoLock);
	List	   *target_list = NIL;

	for (int i = 0; i < RelationGetNumberOfAttributes(base); i++)
	{
		Form_pg_attribute att = TupleDescAttr(RelationGetDescr(base), i);
		Expr	   *expr;

		if (!bms_is_member(att->attnum, changed ? delta->base->logged : delta->base->used))
			expr = po_compose_null_column(att);
		else if (changed)
			expr = log_column(delta, att);
		else
			expr = (Expr *) makeVar(1, att->attnum, att->atttypid, att->atttypmod, att->attcollation, 0);
		target_list = lappend(target_list, makeTargetEntry(expr, att->attnum, pstrdup(NameStr(att->attname)), false));
	}
	table_close(base, NoLock);
	return po_compose_select(list_make1(changed ? po_compose_table_entry(delta->log) : base_entry), target_list,
							 changed ? unconsumed(delta) : NULL);
}

/* Returns UNION ALL of two queries with the same columns. */
static Query *
union_all(Query *left, Query *right)
{
	Query	   *query = po_compose_select(list_make2(po_compose_subquery_entry(left), po_compose_subquery_entry(right)),
										  NIL, NULL);
	SetOperationStmt *op = makeNode(SetOperationStmt);
	RangeTblRef *refs[2] = {makeNode(RangeTblRef), makeNode(RangeTblRef)};
	ListCell   *cell;

	query->jointree = makeFromExpr(NIL, NULL);
	refs[0]->rtindex = 1;
	refs[1]->rtindex = 2;
	op->op = SETOP_UNION;
	op->all = true;
	op->larg = (Node *) refs[0];
	op->rarg = (Node *) refs[1];
	foreach(cell, left->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, cell);
		Oid			type = exprType((Node *) tle->expr);
		int32		typmod = exprTypmod((Node *) tle->expr);
		Oid			collation = exprCollation((Node *) tle->expr);

		op->colTypes = lappend_oid(op->colTypes, type);
		op->colTypmods = lappend_int(op->colTypmods, typmod);
		op->colCollations = lappend_oid(op->colCollations, collation);
		query->targetList = lappend(query->targetList,
									makeTargetEntry((Expr *) makeVar(1, tle->resno, type, typmod, collation, 0),
													tle->resno, tle->resname, false));
	}
	query->setOperations = (Node *) op;
	return query;
}

/* Returns the unconsumed log of a relation, or NULL when nothing in it is new. */
static PoDelta *
find_delta(List *deltas, Oid relid)
{
	ListCell   *cell;

	foreach(cell, deltas)
	{
		PoDelta    *delta = lfirst(cell);

		if (delta->base->relid == relid)
			return delta->changes > 0 ? delta : NULL;
	}
	return NULL;
}

/* Replaces target by its changed rows and every other changed relation by all rows that it had and has. */
static void
substitute(List *occurrences, RangeTblEntry *target, List *deltas)
{
	ListCell   *cell;

	foreach(cell, occurrences)
	{
		RangeTblEntry *rte = lfirst(cell);
		PoDelta    *delta = find_delta(deltas, rte->relid);

		if (rte == target)
			po_compose_replace_entry(rte, select_rows(delta, NULL, true));
		else if (delta)
		{
			RangeTblEntry *copy = copyObject(rte);

			PO_CLEAR_PERMISSIONS(copy);
			po_compose_replace_entry(rte, union_all(select_rows(delta, copy, false), select_rows(delta, NULL, true)));
		}
	}
}

/* Tells whether target is under a join tree node. */
static bool
holds(Query *level, Node *node, RangeTblEntry *target)
{
	Query		under = *level;

	under.jointree = IsA(node, FromExpr) ? (FromExpr *) node : makeFromExpr(list_make1(node), NULL);
	return list_member_ptr(po_shape_occurrences(&under), target);
}

/* Returns the conditions that read no column that one of the joins below may replace by NULL. */
static Node *
safe_conditions(Query *level, Node *condition, Bitmapset *nullable)
{
	List	   *safe = NIL;
	ListCell   *cell;

	foreach(cell, make_ands_implicit((Expr *) condition))
		if (!po_shape_touches(level, lfirst(cell), nullable))
		safe = lappend(safe, lfirst(cell));
	return safe ? (Node *) make_ands_explicit(safe) : NULL;
}

/* Returns a join tree node without outer joins, as the head of this file explains. */
static Node *
prune(Query *level, Node *node, RangeTblEntry *target)
{
	if (IsA(node, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) node)->rtindex, level->rtable);

		if (rte->rtekind == RTE_SUBQUERY)
			prune_level(rte->subquery, target);
	}
	else if (IsA(node, JoinExpr))
	{
		JoinExpr   *join = (JoinExpr *) node;
		Node	   *nullable = join->jointype == JOIN_RIGHT ? join->larg : join->rarg;

		if (join->jointype != JOIN_INNER && !holds(level, nullable, target))
			return prune(level, nullable == join->larg ? join->rarg : join->larg, target);
		join->quals = safe_conditions(level, join->quals,
									  bms_union(po_shape_nullable(join->larg, false),
												po_shape_nullable(join->rarg, false)));
		join->jointype = JOIN_INNER;
		join->larg = prune(level, join->larg, target);
		join->rarg = prune(level, join->rarg, target);
	}
	else
	{
		FromExpr   *from = castNode(FromExpr, node);
		ListCell   *cell;

		from->quals = safe_conditions(level, from->quals, po_shape_nullable(node, false));
		foreach(cell, from->fromlist)
			lfirst(cell) = prune(level, lfirst(cell), target);
	}
	return node;
}

/* Makes what a subquery selects from nullable sides NULL, because they may be left out. */
static void
forget_nullable_columns(Query *level)
{
	Bitmapset  *nullable = po_shape_nullable((Node *) level->jointree, false);
	ListCell   *cell;

	foreach(cell, level->targetList)
	{
		TargetEntry *tle = lfirst_node(TargetEntry, cell);

		if (po_shape_touches(level, (Node *) tle->expr, nullable))
			tle->expr = (Expr *) makeNullConst(exprType((Node *) tle->expr), exprTypmod((Node *) tle->expr),
											   exprCollation((Node *) tle->expr));
	}
}

/* Removes the outer joins of a level and of its subqueries. */
static void
prune_level(Query *level, RangeTblEntry *target)
{
	ListCell   *cell;

	forget_nullable_columns(level);
	level->jointree = (FromExpr *) prune(level, (Node *) level->jointree, target);
	foreach(cell, level->rtable)
		lfirst_node(RangeTblEntry, cell)->jointype = JOIN_INNER;
	level->sortClause = NIL;
}

/* Makes a copy of a branch select its keys, duplicates and all, without what comes after the join. */
static void
select_keys(PoShape *shape, Query *branch)
{
	List	   *target_list = NIL;
	ListCell   *cell;

	foreach(cell, shape->keys)
		target_list = lappend(target_list,
							  makeTargetEntry(po_shape_key(branch, lfirst_int(cell)),
											  foreach_current_index(cell) + 1,
											  psprintf("k%d", foreach_current_index(cell) + 1), false));
	branch->targetList = target_list;
	branch->groupClause = NIL;
	branch->havingQual = NULL;
	branch->windowClause = NIL;
	branch->distinctClause = NIL;
	branch->sortClause = NIL;
	branch->hasAggs = false;
	branch->hasWindowFuncs = false;
}

/* Returns the query for the keys that the changes of the n-th relation of a branch concern. */
static Query *
key_query(PoShape *shape, Query *original, int n, List *deltas)
{
	Query	   *branch = copyObject(original);
	List	   *occurrences = po_shape_occurrences(branch);
	RangeTblEntry *target = list_nth(occurrences, n);

	select_keys(shape, branch);
	if (po_shape_is_single(branch))
		branch->jointree->quals = NULL;
	prune_level(branch, target);
	substitute(occurrences, target, deltas);
	return branch;
}

/*
 * Returns the queries that together select every key whose rows may differ
 * between the state that the deltas' pg_snapshots saw and now.  Their columns
 * are the keys.
 */
List *
po_delta_key_queries(PoShape *shape, List *deltas)
{
	List	   *queries = NIL;
	ListCell   *cell;
	ListCell   *occurrence;

	foreach(cell, shape->branches)
	{
		Query	   *branch = lfirst_node(Query, cell);

		foreach(occurrence, po_shape_occurrences(branch))
			if (find_delta(deltas, ((RangeTblEntry *) lfirst(occurrence))->relid))
			queries = lappend(queries, key_query(shape, branch, foreach_current_index(occurrence), deltas));
	}
	return queries;
}
