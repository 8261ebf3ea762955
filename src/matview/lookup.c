/*
 * lookup.c
 *	  Which indexes an incremental refresh looks rows up in.
 *
 * A refresh finds the rows of changed keys in the view and in the tables that the
 * keys are computed from (probe.c).  Where tables are joined it finds the rows of
 * each that go with a changed row of another (delta.c), and with the rows of the
 * changed keys.  The description names what an index of each has to begin with,
 * in words that pg_get_indexdef uses too, so that matview_status can compare them
 * without locking anything.
 *
 * An index that leads to a large part of a table is of no use: where a table is
 * joined and does not tell all keys by itself, the columns have to have many
 * values.  That is for matview_status to find out, since it changes.
 */
#include "postgres.h"

#include "access/stratnum.h"
#include "core/json.h"
#include "matview/lookup.h"
#include "matview/range.h"
#include "matview/view_query.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"
#include "utils/typcache.h"

/* Longer indexes are not worth their upkeep. */
#define MAX_COLUMNS 4

/* An expression over the columns of one relation, as range table entry varno. */
typedef struct Place
{
	RangeTblEntry *rte;
	int			varno;
	Expr	   *expr;
} Place;

/* What a relation is joined with another by; texts as an index has them. */
typedef struct Link
{
	RangeTblEntry *other;
	List	   *columns;
} Link;

/* A relation that a branch reads. */
typedef struct Source
{
	RangeTblEntry *rte;
	int			nkeys;			/* how many keys are computed from it */
	List	   *columns;		/* those that have to be equal, as texts */
	char	   *rises;			/* what one of them rises with, or NULL */
	List	   *links;
} Source;

/* Returns what an index says of an expression. */
static char *
column_text(const Place *place)
{
	Oid			relid = place->rte->relid;
	Node	   *copy = copyObject((Node *) place->expr);

	if (IsA(place->expr, Var))
		return pstrdup(quote_identifier(get_attname(relid, ((Var *) place->expr)->varattno, false)));
	ChangeVarNodes(copy, place->varno, 1, 0);
	return psprintf("(%s)", deparse_expression(copy, deparse_context_for(get_rel_name(relid), relid), false, false));
}

/* Tells whether a B-tree index can hold values of an expression's type. */
static bool
is_ordered(Expr *expr)
{
	return OidIsValid(lookup_type_cache(exprType((Node *) expr), TYPECACHE_LT_OPR)->lt_opr);
}

/* Tells whether a B-tree index can be on an expression. */
static bool
is_indexable(Expr *expr)
{
	return is_ordered(expr) && !IsA(expr, CollateExpr) && !contain_mutable_functions((Node *) expr);
}

/* Finds the relation whose rows alone an expression of a level is computed from, through subqueries; returns whether there is one. */
static bool
find_place(Query *level, Expr *expr, Place *place)
{
	int			varno;
	RangeTblEntry *rte;

	if (!bms_get_singleton_member(pull_varnos(NULL, (Node *) expr), &varno))
		return false;
	rte = rt_fetch(varno, level->rtable);
	if (rte->rtekind == RTE_SUBQUERY && IsA(expr, Var))
		return find_place(rte->subquery, po_shape_key(rte->subquery, ((Var *) expr)->varattno), place);
	place->rte = rte;
	place->varno = varno;
	place->expr = expr;
	return rte->rtekind == RTE_RELATION;
}

/* Returns the source that an entry is. */
static Source *
find_source(List *sources, RangeTblEntry *rte)
{
	ListCell   *cell;

	foreach(cell, sources)
		if (((Source *) lfirst(cell))->rte == rte)
		return lfirst(cell);
	elog(ERROR, "a relation of the view is not under its join tree");
}

/* Returns the link of a source with another, made on first use. */
static Link *
get_link(Source *source, RangeTblEntry *other)
{
	ListCell   *cell;
	Link	   *link;

	foreach(cell, source->links)
		if (((Link *) lfirst(cell))->other == other)
		return lfirst(cell);
	link = palloc0(sizeof(Link));
	link->other = other;
	source->links = lappend(source->links, link);
	return link;
}

/* Tells whether a text is in a list. */
static bool
has_text(List *texts, const char *text)
{
	ListCell   *cell;

	foreach(cell, texts)
		if (strcmp(lfirst(cell), text) == 0)
		return true;
	return false;
}

/* Adds a text to a list, once. */
static List *
add_text(List *texts, char *text)
{
	return has_text(texts, text) ? texts : lappend(texts, text);
}

/* Notes what the rows with a key of a branch are found by; bounded: also by the bounds of what it rises with. */
static void
note_key(List *sources, Query *branch, Expr *key, bool bounded)
{
	PoRange		range;
	Place		place;
	Source	   *source;

	bounded = bounded && po_range_find(key, "k", &range);
	if (!find_place(branch, bounded ? range.argument : key, &place) || !is_indexable(place.expr))
		return;
	source = find_source(sources, place.rte);
	source->nkeys++;
	if (!bounded)
		source->columns = add_text(source->columns, column_text(&place));
	else if (source->rises == NULL)
		source->rises = column_text(&place);
}

/* Notes that rows are found by one side of an equality for a row of the relation on the other side. */
static void
note_side(List *sources, const OpExpr *equality, const Place *place, RangeTblEntry *other)
{
	Oid			collation = exprCollation((Node *) place->expr);
	Oid			family = lookup_type_cache(exprType((Node *) place->expr), TYPECACHE_BTREE_OPFAMILY)->btree_opf;
	Link	   *link;

	if (!is_indexable(place->expr) || (OidIsValid(collation) && collation != equality->inputcollid) ||
		get_op_opfamily_strategy(equality->opno, family) != BTEqualStrategyNumber)
		return;
	link = get_link(find_source(sources, place->rte), other);
	link->columns = add_text(link->columns, column_text(place));
}

/* Returns an expression without a change of its type that is none of its value. */
static Expr *
strip_relabel(Expr *expr)
{
	while (IsA(expr, RelabelType))
		expr = ((RelabelType *) expr)->arg;
	return expr;
}

/* Notes which relations the conditions of a level join by which of their columns. */
static void
note_conditions(List *sources, Query *level, Node *conditions)
{
	ListCell   *cell;

	foreach(cell, make_ands_implicit((Expr *) conditions))
	{
		OpExpr	   *condition = lfirst(cell);
		Place		left;
		Place		right;

		if (!IsA(condition, OpExpr) || list_length(condition->args) != 2 ||
			!find_place(level, strip_relabel(linitial(condition->args)), &left) ||
			!find_place(level, strip_relabel(lsecond(condition->args)), &right) || left.rte == right.rte)
			continue;
		note_side(sources, condition, &left, right.rte);
		note_side(sources, condition, &right, left.rte);
	}
}

/* Notes by which of their columns the relations under a join tree node are joined, in subqueries too. */
static void
note_joins(List *sources, Query *level, Node *node)
{
	if (IsA(node, RangeTblRef))
	{
		RangeTblEntry *rte = rt_fetch(((RangeTblRef *) node)->rtindex, level->rtable);

		if (rte->rtekind == RTE_SUBQUERY)
			note_joins(sources, rte->subquery, (Node *) rte->subquery->jointree);
	}
	else if (IsA(node, JoinExpr))
	{
		note_conditions(sources, level, ((JoinExpr *) node)->quals);
		note_joins(sources, level, ((JoinExpr *) node)->larg);
		note_joins(sources, level, ((JoinExpr *) node)->rarg);
	}
	else
	{
		note_conditions(sources, level, castNode(FromExpr, node)->quals);
		for (int i = 0; i < list_length(((FromExpr *) node)->fromlist); i++)
			note_joins(sources, level, list_nth(((FromExpr *) node)->fromlist, i));
	}
}

/* Returns the relations that a branch reads, with nothing noted. */
static List *
make_sources(Query *branch)
{
	List	   *sources = NIL;
	ListCell   *cell;

	foreach(cell, po_shape_occurrences(branch))
	{
		Source	   *source = palloc0(sizeof(Source));

		source->rte = lfirst(cell);
		sources = lappend(sources, source);
	}
	return sources;
}

/* Adds one relation: an index begins with columns in any order and goes on with rises, if that is not NULL. */
static void
add_lookup(PoJson *json, Oid relid, List *columns, const char *rises, bool selective)
{
	ListCell   *cell;

	if (list_length(columns) + (rises != NULL) > MAX_COLUMNS || (columns == NIL && rises == NULL))
		return;
	po_json_begin_object(json, NULL);
	po_json_int(json, "relation", relid);
	po_json_begin_array(json, "columns");
	foreach(cell, columns)
		po_json_text(json, NULL, lfirst(cell));
	po_json_end_array(json);
	if (rises)
		po_json_text(json, "rises", rises);
	po_json_bool(json, "selective", selective);
	po_json_end_object(json);
}

/* Returns the columns of a source's keys, first those that it is joined by: one index may then serve for both. */
static List *
order_columns(const Source *source)
{
	List	   *columns = NIL;
	ListCell   *cell;
	ListCell   *column;

	foreach(cell, source->links)
		foreach(column, source->columns)
		if (has_text(((Link *) lfirst(cell))->columns, lfirst(column)))
		columns = add_text(columns, lfirst(column));
	foreach(column, source->columns)
		columns = add_text(columns, lfirst(column));
	return columns;
}

/* Adds what is looked up in one relation of a branch; all_keys: nothing else tells keys. */
static void
add_source(PoJson *json, const Source *source, bool all_keys)
{
	Oid			relid = source->rte->relid;
	ListCell   *cell;

	add_lookup(json, relid, order_columns(source), source->rises, !all_keys && source->rises == NULL);
	foreach(cell, source->links)
		add_lookup(json, relid, ((Link *) lfirst(cell))->columns, NULL, true);
}

/* Adds the relations of a branch. */
static void
add_branch(PoJson *json, PoShape *shape, Query *branch)
{
	List	   *sources = make_sources(branch);
	int			nkeys = 0;
	ListCell   *cell;

	foreach(cell, shape->keys)
	{
		Expr	   *key = po_shape_key(branch, lfirst_int(cell));

		nkeys += contain_var_clause((Node *) key);
		note_key(sources, branch, key, list_length(shape->branches) == 1);
	}
	note_joins(sources, branch, (Node *) branch->jointree);
	foreach(cell, sources)
	{
		Source	   *source = lfirst(cell);

		add_source(json, source, list_length(sources) == 1 || source->nkeys == nkeys);
	}
}

/* Adds the view itself. */
static void
add_view(PoJson *json, Oid matview, PoShape *shape)
{
	Query	   *branch = linitial(shape->branches);
	List	   *columns = NIL;
	ListCell   *cell;

	foreach(cell, shape->keys)
		if (is_ordered(po_shape_key(branch, lfirst_int(cell))))
		columns = lappend(columns, pstrdup(quote_identifier(get_attname(matview, lfirst_int(cell), false))));
	add_lookup(json, matview, columns, NULL, false);
}

/*
 * Returns a jsonb array of what has to be looked up for a view: objects with
 * relation (an OID), columns (an array of texts), where a key rises with it,
 * rises (a text), and selective (whether the columns have to have many values).
 * Names that are not pg_catalog's are qualified.
 */
Datum
po_lookup_describe(Oid matview, PoShape *shape)
{
	PoJson		json = {0};
	int			level = po_view_query_pin(list_make2("search_path", "pg_catalog, pg_temp"));
	ListCell   *cell;

	po_json_begin_array(&json, NULL);
	foreach(cell, shape->branches)
		add_branch(&json, shape, lfirst_node(Query, cell));
	add_view(&json, matview, shape);
	po_json_end_array(&json);
	po_view_query_unpin(level);
	return JsonbPGetDatum(po_json_finish(&json));
}
