/*
 * lookup.c
 *	  Which indexes an incremental refresh looks rows up in.
 *
 * A refresh finds the rows of changed keys in the view and, where a branch reads
 * one table, in that table (probe.c).  The description names what an index of
 * each has to begin with, in words that pg_get_indexdef uses too, so that
 * matview_status can compare them without locking anything.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "core/json.h"
#include "matview/lookup.h"
#include "matview/range.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parsetree.h"
#include "rewrite/rewriteManip.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/ruleutils.h"

/* Longer indexes are not worth their upkeep. */
#define MAX_COLUMNS 4

/* Returns what an index says of an expression over the columns of range table entry varno, which is relid. */
static char *
column_text(Oid relid, int varno, Expr *expr)
{
	Node	   *copy = copyObject((Node *) expr);

	if (IsA(expr, Var))
		return pstrdup(quote_identifier(get_attname(relid, ((Var *) expr)->varattno, false)));
	ChangeVarNodes(copy, varno, 1, 0);
	return psprintf("(%s)", deparse_expression(copy, deparse_context_for(get_rel_name(relid), relid), false, false));
}

/* Adds one relation: an index begins with columns (char *) in any order and goes on with rises, if that is not NULL. */
static void
add_lookup(PoJson *json, Oid relid, List *columns, const char *rises)
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
	po_json_end_object(json);
}

/* Adds the table of a branch that reads one. */
static void
add_table(PoJson *json, PoShape *shape, Query *branch)
{
	int			varno = linitial_node(RangeTblRef, branch->jointree->fromlist)->rtindex;
	Oid			relid = rt_fetch(varno, branch->rtable)->relid;
	List	   *columns = NIL;
	char	   *rises = NULL;
	ListCell   *cell;

	foreach(cell, shape->keys)
	{
		Expr	   *key = po_shape_key(branch, lfirst_int(cell));
		PoRange		range;

		if (list_length(shape->branches) == 1 && po_range_find(key, "k", &range))
			rises = rises ? rises : column_text(relid, varno, range.argument);
		else if (contain_var_clause((Node *) key))
			columns = lappend(columns, column_text(relid, varno, key));
	}
	if (get_rel_relkind(relid) != RELKIND_PARTITIONED_TABLE)
		add_lookup(json, relid, columns, rises);
}

/*
 * Returns a jsonb array of what has to be looked up for a view: objects with
 * relation (an OID), columns (an array of texts) and, where a key rises with it,
 * rises (a text).
 */
Datum
po_lookup_describe(Oid matview, PoShape *shape)
{
	PoJson		json = {0};
	List	   *columns = NIL;
	ListCell   *cell;

	po_json_begin_array(&json, NULL);
	foreach(cell, shape->branches)
		if (po_shape_is_single(lfirst_node(Query, cell)))
		add_table(&json, shape, lfirst_node(Query, cell));
	foreach(cell, shape->keys)
		columns = lappend(columns, pstrdup(quote_identifier(get_attname(matview, lfirst_int(cell), false))));
	add_lookup(&json, matview, columns, NULL);
	po_json_end_array(&json);
	return JsonbPGetDatum(po_json_finish(&json));
}
