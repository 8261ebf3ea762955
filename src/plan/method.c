/*
 * method.c
 *	  Indexes other than B-trees that could serve a statement's conditions.
 *
 * Nothing is known here of particular types or extensions: the catalog says which
 * operator classes of which access methods have a condition's operator, whoever brought
 * them.  Where a B-tree does the same, only two others are worth a try: hash for wide
 * values, and block ranges (BRIN) for values that lie in the table in their order.  A
 * column that is compared by equality stands before the others where the access method
 * has operator classes for both (btree_gist, btree_gin).
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "access/stratnum.h"
#include "catalog/pg_am.h"
#include "catalog/pg_amop.h"
#include "catalog/pg_opclass.h"
#include "catalog/pg_operator.h"
#include "catalog/pg_statistic.h"
#include "commands/defrem.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "parser/parse_coerce.h"
#include "plan/form.h"
#include "plan/hypo_build.h"
#include "plan/method.h"
#include "plan/values.h"
#include "utils/catcache.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* Most indexes of one use of a table. */
#define MAX_FORMS 24

/* A hash index is tried for values that are on average at least so many bytes wide. */
#define MIN_HASH_WIDTH 64

/* It is tried as well where single values are so long that a B-tree may have no room for them. */
#define MIN_LONG_VALUE 2000

/* Block ranges are tried for tables of so many pages, and columns of so many values that are so well in order. */
#define MIN_BRIN_PAGES 1024
#define MIN_BRIN_DISTINCT 100
#define MIN_BRIN_CORRELATION 0.8

/* What is collected for one relation. */
typedef struct Methods
{
	const PoInspection *inspection;
	List	   *forms;			/* PoForm */
	List	   *companions;		/* PoForm of columns compared by equality, for
								 * access methods that need another column */
} Methods;

/* Returns a form of one column. */
static PoForm *
make_form(const PoInspection *inspection, Oid method, int column, Oid class)
{
	PoForm	   *form = MemoryContextAllocZero(inspection->context, sizeof(PoForm));

	form->method = method;
	form->key.ncolumns = 1;
	form->key.columns[0] = column;
	form->classes[0] = class;
	return form;
}

/* Adds a form to a list unless it is there or there are too many. */
static List *
add_form(List *forms, PoForm *form)
{
	ListCell   *lc;

	foreach(lc, forms)
	{
		if (po_form_equal((const PoForm *) lfirst(lc), form))
			return forms;
	}
	return list_length(forms) < MAX_FORMS ? lappend(forms, form) : forms;
}

/* Says how well the rows of a table lie in the order of a column: 0 to 1. */
static double
correlation_of(Oid relid, int column)
{
	HeapTuple	tuple;
	AttStatsSlot slot;
	double		correlation = 0;

	if (po_key_column_is_expression(column))
		return 0;
	tuple = SearchSysCache3(STATRELATTINH, ObjectIdGetDatum(relid), Int16GetDatum(column), BoolGetDatum(false));
	if (!HeapTupleIsValid(tuple))
		return 0;
	if (get_attstatsslot(&slot, tuple, STATISTIC_KIND_CORRELATION, InvalidOid, ATTSTATSSLOT_NUMBERS))
	{
		correlation = slot.nnumbers > 0 ? fabs(slot.numbers[0]) : 0;
		free_attstatsslot(&slot);
	}
	ReleaseSysCache(tuple);
	return correlation;
}

/* Says whether a column's values are so wide that a hash index is smaller than a B-tree, or the only one possible. */
static bool
is_wide(const PoInspection *inspection, int column)
{
	if (po_key_column_is_expression(column))
		return false;
	return get_attavgwidth(inspection->relid, column) >= MIN_HASH_WIDTH ||
		(inspection->expressions != NULL &&
		 po_values_get(inspection->expressions, inspection->relid, column)->widest >= MIN_LONG_VALUE);
}

/* Adds a class for an operator that the column's B-tree has too, if it is worth a try. */
static void
add_beside_tree(Methods *methods, Form_pg_opclass class, int column, Oid type, bool equal)
{
	const PoInspection *inspection = methods->inspection;
	bool		is_default = GetDefaultOpClass(type, class->opcmethod) == class->oid;
	PoForm	   *form = make_form(inspection, class->opcmethod, column, class->oid);

	if (class->opcmethod == HASH_AM_OID)
	{
		if (is_default && equal && is_wide(inspection, column))
			methods->forms = add_form(methods->forms, form);
	}
	else if (class->opcmethod == BRIN_AM_OID)
	{
		if (is_default && inspection->rel->pages >= MIN_BRIN_PAGES &&
			correlation_of(inspection->relid, column) >= MIN_BRIN_CORRELATION &&
			po_inspection_distinct(inspection, column) >= MIN_BRIN_DISTINCT)
			methods->forms = add_form(methods->forms, form);
	}
	else if (equal && is_default)
		methods->companions = add_form(methods->companions, form);
}

/* Says what a column's B-tree can do with an operator: its strategy, or 0. */
static int
tree_strategy(const PoInspection *inspection, Oid operator, Oid type, int column)
{
	if (!po_key_column_is_expression(column) &&
		!po_hypo_build_supported(inspection->relid, column))
		return InvalidStrategy;
	return get_op_opfamily_strategy(operator, po_hypo_build_family(type, NULL));
}

/* Adds the operator classes of one family that fit a column. */
static void
add_family(Methods *methods, Form_pg_amop amop, int column, Oid type)
{
	CatCList   *classes = SearchSysCacheList1(CLAAMNAMENSP, ObjectIdGetDatum(amop->amopmethod));
	int			strategy = tree_strategy(methods->inspection, amop->amopopr, type, column);

	for (int i = 0; i < classes->n_members; i++)
	{
		Form_pg_opclass class = (Form_pg_opclass) GETSTRUCT(&classes->members[i]->tuple);

		if (class->opcfamily != amop->amopfamily ||
			(class->opcintype != type && !IsBinaryCoercible(type, class->opcintype)))
			continue;
		if (strategy != InvalidStrategy)
			add_beside_tree(methods, class, column, type, strategy == BTEqualStrategyNumber);
		else if (class->opcmethod != BRIN_AM_OID)
			methods->forms = add_form(methods->forms,
									  make_form(methods->inspection, class->opcmethod, column, class->oid));
	}
	ReleaseCatCacheList(classes);
}

/* Notes that a column is searched for a pattern where nothing installed has an index for that. */
static void
note_search(const PoInspection *inspection, Oid operator, const CatCList *amops)
{
	switch (operator)
	{
		case OID_TEXT_LIKE_OP:
		case OID_TEXT_ICLIKE_OP:
		case OID_TEXT_REGEXEQ_OP:
		case OID_TEXT_ICREGEXEQ_OP:
			inspection->expressions->searches_texts |= amops->n_members == 0;
			break;
		default:
			break;
	}
}

/* Says whether one of the operator's entries is of an inverted index. */
static bool
has_inverted(const CatCList *amops)
{
	for (int i = 0; i < amops->n_members; i++)
	{
		if (((Form_pg_amop) GETSTRUCT(&amops->members[i]->tuple))->amopmethod == GIN_AM_OID)
			return true;
	}
	return false;
}

/*
 * Adds the indexes that have an operator, for searching (s) or ordering (o), with the
 * column on its left.  Where an inverted index has it, the signatures that a GiST has of
 * the same values promise the planner more than they hold.
 */
static void
add_operator(Methods *methods, Oid operator, Oid collation, int column, char purpose)
{
	const PoInspection *inspection = methods->inspection;
	Node	   *node = po_key_column_node(inspection->expressions, inspection->relid, column);
	CatCList   *amops;
	bool		inverted;

	if (!OidIsValid(operator) ||
		(OidIsValid(exprCollation(node)) && OidIsValid(collation) && exprCollation(node) != collation))
		return;
	amops = SearchSysCacheList1(AMOPOPID, ObjectIdGetDatum(operator));
	note_search(inspection, operator, amops);
	inverted = has_inverted(amops) && tree_strategy(inspection, operator, exprType(node), column) == InvalidStrategy;
	for (int i = 0; i < amops->n_members; i++)
	{
		Form_pg_amop amop = (Form_pg_amop) GETSTRUCT(&amops->members[i]->tuple);

		if (amop->amoppurpose == purpose && amop->amopmethod != BTREE_AM_OID &&
			!(inverted && amop->amopmethod == GIST_AM_OID))
			add_family(methods, amop, column, exprType(node));
	}
	ReleaseCatCacheList(amops);
}

/* Adds the indexes that serve one operator expression, whichever side the column is on. */
static void
add_expression(Methods *methods, OpExpr *clause, char purpose)
{
	const PoInspection *inspection = methods->inspection;
	Node	   *left;
	Node	   *right;
	int			column;

	if (list_length(clause->args) != 2)
		return;
	left = (Node *) linitial(clause->args);
	right = (Node *) lsecond(clause->args);
	column = po_inspection_any_column(inspection, left);
	if (column != 0 && po_inspection_is_outside(inspection, right))
		add_operator(methods, clause->opno, clause->inputcollid, column, purpose);
	column = po_inspection_any_column(inspection, right);
	if (column != 0 && po_inspection_is_outside(inspection, left))
		add_operator(methods, get_commutator(clause->opno), clause->inputcollid, column, purpose);
}

/* Adds the indexes that serve one condition, or parts of it. */
static void
add_condition(Methods *methods, Node *clause)
{
	ListCell   *lc;

	if (IsA(clause, RestrictInfo))
		clause = (Node *) ((RestrictInfo *) clause)->clause;
	if (IsA(clause, OpExpr))
		add_expression(methods, (OpExpr *) clause, AMOP_SEARCH);
	else if (is_andclause(clause) || is_orclause(clause))
	{
		foreach(lc, ((BoolExpr *) clause)->args)
			add_condition(methods, (Node *) lfirst(lc));
	}
}

/* Adds the indexes that give the nearest rows first. */
static void
add_nearest(Methods *methods, List *pathkeys)
{
	ListCell   *lc;

	if (pathkeys == NIL)
		return;
	foreach(lc, linitial_node(PathKey, pathkeys)->pk_eclass->ec_members)
	{
		Expr	   *expression = lfirst_node(EquivalenceMember, lc)->em_expr;

		if (IsA(expression, OpExpr))
			add_expression(methods, (OpExpr *) expression, AMOP_ORDER);
	}
}

/* Adds, for each form, the one that begins with a column compared by equality. */
static void
add_companions(Methods *methods)
{
	List	   *single = list_copy(methods->forms);
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, single)
	{
		const PoForm *form = (const PoForm *) lfirst(lc);

		foreach(lc2, methods->companions)
		{
			const PoForm *first = (const PoForm *) lfirst(lc2);
			PoForm	   *both;

			if (first->method != form->method || first->key.columns[0] == form->key.columns[0])
				continue;
			both = make_form(methods->inspection, form->method, first->key.columns[0], first->classes[0]);
			both->key.ncolumns = 2;
			both->key.columns[1] = form->key.columns[0];
			both->classes[1] = form->classes[0];
			methods->forms = add_form(methods->forms, both);
		}
	}
	list_free(single);
}

/*
 * Returns a list of PoForm for the relation inspected: the indexes other than B-trees
 * worth trying for it; it lives in the inspection's context.
 */
List *
po_method_collect(const PoInspection *inspection)
{
	Methods		methods = {inspection, NIL, NIL};
	MemoryContext old = MemoryContextSwitchTo(inspection->context);
	ListCell   *lc;

	foreach(lc, inspection->rel->baserestrictinfo)
		add_condition(&methods, (Node *) lfirst(lc));
	add_companions(&methods);
	foreach(lc, inspection->rel->joininfo)
		add_condition(&methods, (Node *) lfirst(lc));
	add_nearest(&methods, inspection->root->query_pathkeys);
	MemoryContextSwitchTo(old);
	return methods.forms;
}
