/*
 * hypo_parse.c
 *	  From the text of a CREATE INDEX statement to a hypothetical index.
 *
 * The server's own parser and checks are used as far as it exports them; the rest
 * follows DefineIndex() and ComputeIndexAttrs().  Nothing is created.
 */
#include "postgres.h"

#include "access/amapi.h"
#include "access/nbtree.h"
#include "access/reloptions.h"
#include "access/table.h"
#include "catalog/index.h"
#include "catalog/namespace.h"
#include "catalog/pg_am.h"
#include "catalog/pg_class.h"
#include "catalog/pg_collation.h"
#include "commands/defrem.h"
#include "core/compat.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "optimizer/prep.h"
#include "parser/parse_utilcmd.h"
#include "parser/parser.h"
#include "plan/hypo_build.h"
#include "plan/hypo_parse.h"
#include "tcop/tcopprot.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Turns an error's position in the caller's statement into one in the index's text. */
static void
position_callback(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

/* Parses a text into one CREATE INDEX statement; raises 42601 for other text and 22023 for another statement. */
static IndexStmt *
parse_statement(const char *definition)
{
	List	   *parsed = pg_parse_query(definition);
	Node	   *statement;

	if (list_length(parsed) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 errmsg("an index definition contains %d statements", list_length(parsed)),
				 errhint("Pass one CREATE INDEX statement in each element of \"indexes\".")));
	statement = linitial_node(RawStmt, parsed)->stmt;
	if (!IsA(statement, IndexStmt))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("an index definition is not a CREATE INDEX statement"),
				 errdetail("The text is: %s", definition),
				 errhint("Write for example CREATE INDEX ON tab (col).")));
	return (IndexStmt *) statement;
}

/*
 * Checks that the user may know a table's statistics and that it can have an index.
 * Raises 42501, 42809 and 0A000.
 */
static void
check_table(Oid relid, Oid userid, const IndexStmt *statement)
{
	char		relkind = get_rel_relkind(relid);

	if (pg_class_aclcheck(relid, userid, ACL_SELECT) != ACLCHECK_OK &&
		pg_attribute_aclcheck_all(relid, userid, ACL_SELECT, ACLMASK_ANY) != ACLCHECK_OK)
		aclcheck_error(ACLCHECK_NO_PRIV, get_relkind_objtype(relkind), get_rel_name(relid));
	if (relkind != RELKIND_RELATION && relkind != RELKIND_MATVIEW &&
		relkind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("cannot create index on relation \"%s\"", get_rel_name(relid)),
				 errdetail("It is not a table or materialized view.")));
	if (relkind == RELKIND_PARTITIONED_TABLE && !statement->relation->inh)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("an index ON ONLY partitioned table \"%s\" serves no query",
						get_rel_name(relid)),
				 errhint("Leave out ONLY, or name one of the partitions.")));
}

/* Checks that the access method can do what the statement asks; raises 0A000 and 54011. */
static void
check_method(const PoHypoIndex *index, const IndexAmRoutine *routine, const IndexStmt *statement)
{
	const char *missing = NULL;

	if (statement->unique && !routine->amcanunique)
		missing = "unique indexes";
	else if (index->ncolumns > index->nkeycolumns && !routine->amcaninclude)
		missing = "included columns";
	else if (index->nkeycolumns > 1 && !routine->amcanmulticol)
		missing = "multicolumn indexes";
	if (missing != NULL)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"%s\" does not support %s", index->am_name, missing)));
	if (index->ncolumns > INDEX_MAX_KEYS)
		ereport(ERROR,
				(errcode(ERRCODE_TOO_MANY_COLUMNS),
				 errmsg("cannot use more than %d columns in an index", INDEX_MAX_KEYS)));
}

/* Raises 42P17 when an index expression or predicate could change its value over time. */
static void
require_immutable(Node *node, const char *what)
{
	if (contain_mutable_functions((Node *) expression_planner((Expr *) copyObject(node))))
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("functions in index %s must be marked IMMUTABLE", what)));
}

/* Looks up a plain column by name; raises 42703 when there is none, 0A000 when it is not stored. */
static AttrNumber
find_column(Oid relid, const char *name)
{
	AttrNumber	attnum = get_attnum(relid, name);
	Relation	table;
	bool		is_virtual;

	if (attnum == InvalidAttrNumber)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of relation \"%s\" does not exist",
						name, get_rel_name(relid))));
	if (attnum < 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("index creation on system columns is not supported")));
	table = table_open(relid, NoLock);
	is_virtual = PO_IS_VIRTUAL_COLUMN(TupleDescAttr(RelationGetDescr(table), attnum - 1));
	table_close(table, NoLock);
	if (is_virtual)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("indexes on virtual generated columns are not supported")));
	return attnum;
}

/*
 * Sets what one index column holds: a column of the table, or an expression that is
 * added to the index's list.  Returns its collation.
 */
static Oid
set_column(PoHypoIndex *index, int i, IndexElem *element)
{
	Node	   *expression = element->expr;
	int32		typmod;
	Oid			collation;

	if (element->name != NULL)
	{
		index->keys[i] = find_column(index->relid, element->name);
		get_atttypetypmodcoll(index->relid, index->keys[i], &index->types[i], &typmod, &collation);
		return collation;
	}
	if (i >= index->nkeycolumns)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("expressions are not supported in included columns")));
	index->types[i] = exprType(expression);
	collation = exprCollation(expression);
	while (IsA(expression, CollateExpr))
		expression = (Node *) ((CollateExpr *) expression)->arg;
	if (IsA(expression, Var) && ((Var *) expression)->varattno > 0)
		index->keys[i] = ((Var *) expression)->varattno;
	else
	{
		require_immutable(expression, "expression");
		index->expressions = lappend(index->expressions, expression);
	}
	return collation;
}

/* Returns a key column's collation, checked as the server does; raises 42P22, 42804. */
static Oid
choose_collation(const IndexElem *element, Oid type, Oid collation)
{
	if (element->collation != NIL)
		collation = get_collation_oid(element->collation, false);
	if (type_is_collatable(type) && !OidIsValid(collation))
		ereport(ERROR,
				(errcode(ERRCODE_INDETERMINATE_COLLATION),
				 errmsg("could not determine which collation to use for index expression"),
				 errhint("Use the COLLATE clause to set the collation explicitly.")));
	if (!type_is_collatable(type) && OidIsValid(collation))
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("collations are not supported by type %s", format_type_be(type))));
	return collation;
}

/* Returns a key column's order as index options; raises 0A000 when the access method keeps none. */
static int16
choose_order(const IndexElem *element, const char *am_name, bool ordered)
{
	int16		options = 0;
	bool		desc = element->ordering == SORTBY_DESC;

	if (!ordered && (element->ordering != SORTBY_DEFAULT ||
					 element->nulls_ordering != SORTBY_NULLS_DEFAULT))
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("access method \"%s\" does not support ASC/DESC or NULLS FIRST/LAST options",
						am_name)));
	if (desc)
		options |= INDOPTION_DESC;
	if (element->nulls_ordering == SORTBY_NULLS_FIRST ||
		(element->nulls_ordering == SORTBY_NULLS_DEFAULT && desc))
		options |= INDOPTION_NULLS_FIRST;
	return options;
}

/*
 * Returns a key column's operator class; InvalidOid for the default one of a B-tree.
 * Raises 42704 when there is none.
 */
static Oid
choose_class(const PoHypoIndex *index, const IndexElem *element, Oid type)
{
	if (element->opclass == NIL && index->am == BTREE_AM_OID &&
		OidIsValid(po_hypo_build_family(type, NULL)))
		return InvalidOid;
	return ResolveOpClass(element->opclass, type, index->am_name, index->am);
}

/* Raises 42P17 when an included column has what only key columns have. */
static void
check_included(const IndexElem *element)
{
	if (element->collation != NIL || element->opclass != NIL ||
		element->ordering != SORTBY_DEFAULT || element->nulls_ordering != SORTBY_NULLS_DEFAULT)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_OBJECT_DEFINITION),
				 errmsg("including column does not support a collation, an operator class or an order")));
}

/* Sets all columns of the index from the transformed statement. */
static void
set_columns(PoHypoIndex *index, const IndexStmt *statement, bool ordered)
{
	ListCell   *lc;
	int			i = 0;

	foreach(lc, list_concat_copy(statement->indexParams, statement->indexIncludingParams))
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);
		Oid			collation = set_column(index, i, element);

		if (i < index->nkeycolumns)
			po_hypo_build_key(index, i, index->types[i],
							  choose_collation(element, index->types[i], collation),
							  choose_class(index, element, index->types[i]),
							  choose_order(element, index->am_name, ordered));
		else
			check_included(element);
		i++;
	}
}

/* Brings expressions and predicate into the form in which the planner keeps a real index's. */
static void
simplify_expressions(PoHypoIndex *index, Node *predicate)
{
	index->expressions = (List *) eval_const_expressions(NULL, (Node *) index->expressions);
	fix_opfuncids((Node *) index->expressions);
	if (predicate == NULL)
		return;
	require_immutable(predicate, "predicate");
	predicate = eval_const_expressions(NULL, predicate);
	predicate = (Node *) canonicalize_qual((Expr *) predicate, false);
	index->predicate = make_ands_implicit((Expr *) predicate);
	index->shares = po_predicate_share_create();
	fix_opfuncids((Node *) index->predicate);
}

/* Checks the storage parameters and keeps those that change a B-tree's size. */
static void
set_storage(PoHypoIndex *index, const IndexAmRoutine *routine, List *options)
{
	bytea	   *parsed = index_reloptions(routine->amoptions,
										  transformRelOptions((Datum) 0, options, NULL, NULL, false, false),
										  true);

	if (parsed == NULL || index->am != BTREE_AM_OID)
		return;
	index->fillfactor = ((BTOptions *) parsed)->fillfactor;
	index->deduplicate = ((BTOptions *) parsed)->deduplicate_items;
}

/* Returns the index's name: the given one, or the one that the server would choose. */
static char *
choose_name(const PoHypoIndex *index, const IndexStmt *statement)
{
	StringInfoData columns;
	ListCell   *lc;

	if (statement->idxname != NULL)
		return pstrdup(statement->idxname);
	initStringInfo(&columns);
	foreach(lc, list_concat_copy(statement->indexParams, statement->indexIncludingParams))
	{
		IndexElem  *element = lfirst_node(IndexElem, lc);

		if (columns.len > 0)
			appendStringInfoChar(&columns, '_');
		appendStringInfoString(&columns, element->indexcolname ? element->indexcolname :
							   element->name ? element->name : "expr");
	}
	return ChooseRelationName(get_rel_name(index->relid), columns.data, "idx",
							  get_rel_namespace(index->relid), false);
}

/* Describes the index of a parsed statement. */
static PoHypoIndex *
build(IndexStmt *statement, const char *definition)
{
	PoHypoIndex *index;
	const IndexAmRoutine *routine;
	Oid			relid = RangeVarGetRelid(statement->relation, AccessShareLock, false);

	check_table(relid, GetUserId(), statement);
	statement = transformIndexStmt(relid, statement, definition);
	index = po_hypo_build_empty(relid, statement->accessMethod,
								list_length(statement->indexParams) +
								list_length(statement->indexIncludingParams),
								list_length(statement->indexParams));
	routine = GetIndexAmRoutineByAmId(index->am, false);
	check_method(index, routine, statement);
	index->unique = statement->unique;
	index->nulls_not_distinct = statement->nulls_not_distinct;
	set_columns(index, statement, routine->amcanorder);
	simplify_expressions(index, statement->whereClause);
	set_storage(index, routine, statement->options);
	index->definition = pstrdup(definition);
	index->name = choose_name(index, statement);
	return index;
}

/*
 * Reads one CREATE INDEX statement into a hypothetical index, in the current memory
 * context, and locks its table against being dropped.  Raises what executing the
 * statement would raise before it builds anything, except for the right to create;
 * 42601 and 22023 for a text that is no CREATE INDEX statement.
 */
PoHypoIndex *
po_hypo_parse_statement(const char *definition)
{
	ErrorContextCallback callback;
	PoHypoIndex *index;

	callback.callback = position_callback;
	callback.arg = unconstify(char *, definition);
	callback.previous = error_context_stack;
	error_context_stack = &callback;
	index = build(parse_statement(definition), definition);
	error_context_stack = callback.previous;
	return index;
}
