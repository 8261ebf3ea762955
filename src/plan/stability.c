/*
 * stability.c
 *	  Whether a query's functions give the same result whenever its tables hold the same rows.
 *
 * IMMUTABLE functions do.  Of the STABLE ones only built-in functions that depend
 * on nothing but settings do, because those settings are pinned when a view is
 * registered, and part of the key of a cached result.  Any other may read a table, and a
 * function that looks at the clock or at the session gives another result without
 * any change; a cached result, which is its own role's and has a limited life, may depend on
 * the clock and on who is logged in.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "access/transam.h"
#include "catalog/pg_aggregate.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "core/compat.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/optimizer.h"
#include "plan/stability.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/regproc.h"
#include "utils/syscache.h"

/* Built-in functions that depend on their arguments and the pinned settings. */
static const char *const settings_only[] = {
	"byteaout", "cash_out", "date", "date_bin", "date_out", "date_part", "date_trunc", "extract",
	"float4out", "float8out", "interval_out", "time", "time_out", "timestamp", "timestamp_out",
	"timestamptz", "timestamptz_mi_interval", "timestamptz_out", "timestamptz_pl_interval",
	"timetz", "timetz_out", "timezone", "to_char", "to_date", "to_timestamp", "to_tsvector",
	"date_cmp_timestamptz", "date_eq_timestamptz", "date_ge_timestamptz", "date_gt_timestamptz",
	"date_le_timestamptz", "date_lt_timestamptz", "date_ne_timestamptz",
	"timestamp_cmp_timestamptz", "timestamp_eq_timestamptz", "timestamp_ge_timestamptz",
	"timestamp_gt_timestamptz", "timestamp_le_timestamptz", "timestamp_lt_timestamptz",
	"timestamp_ne_timestamptz", "timestamptz_cmp_date", "timestamptz_cmp_timestamp",
	"timestamptz_eq_date", "timestamptz_eq_timestamp", "timestamptz_ge_date",
	"timestamptz_ge_timestamp", "timestamptz_gt_date", "timestamptz_gt_timestamp",
	"timestamptz_le_date", "timestamptz_le_timestamp", "timestamptz_lt_date",
	"timestamptz_lt_timestamp", "timestamptz_ne_date", "timestamptz_ne_timestamp"
};

/* Built-in functions that print their arguments: only as good as these types' output functions. */
static const char *const printing[] = {"anytextcat", "concat", "concat_ws", "format", "textanycat"};

/* Types whose output depends on the value and the pinned settings. */
static const Oid printable[] = {
	BOOLOID, BPCHAROID, BYTEAOID, CHAROID, DATEOID, FLOAT4OID, FLOAT8OID, INT2OID, INT4OID, INT8OID,
	INTERVALOID, NAMEOID, NUMERICOID, OIDOID, TEXTOID, TIMEOID, TIMESTAMPOID, TIMESTAMPTZOID,
	UNKNOWNOID, UUIDOID, VARCHAROID
};

/* Built-in functions that look at the clock. */
static const Oid clock_functions[] = {
	F_AGE_TIMESTAMP, F_AGE_TIMESTAMPTZ, F_NOW, F_STATEMENT_TIMESTAMP, F_TRANSACTION_TIMESTAMP
};

/* A walk through a query. */
typedef struct Search
{
	bool		clock;			/* the clock and the session's user may matter */
	const char *refusal;
} Search;

/* Tells whether a name is in a list. */
static bool
is_in(const char *name, const char *const *list, int n)
{
	for (int i = 0; i < n; i++)
		if (strcmp(list[i], name) == 0)
			return true;
	return false;
}

/* Tells whether every argument of a call is of a printable type. */
static bool
prints_plain_types(List *args)
{
	ListCell   *cell;

	foreach(cell, args)
	{
		bool		found = false;

		for (int i = 0; i < lengthof(printable); i++)
			if (exprType(lfirst(cell)) == printable[i])
				found = true;
		if (!found)
			return false;
	}
	return true;
}

/* Returns the arguments of a function or operator call. */
static List *
arguments_of(Node *node)
{
	if (IsA(node, FuncExpr))
		return ((FuncExpr *) node)->args;
	if (IsA(node, OpExpr))
		return ((OpExpr *) node)->args;
	return NIL;
}

/* Tells whether a STABLE function depends on the arguments and the pinned settings only. */
static bool
depends_on_settings_only(Oid function, Node *node)
{
	char	   *name;

	if (function >= FirstNormalObjectId)
		return false;
	name = get_func_name(function);
	if (is_in(name, settings_only, lengthof(settings_only)))
		return true;
	return is_in(name, printing, lengthof(printing)) && arguments_of(node) != NIL &&
		prints_plain_types(arguments_of(node));
}

/* Tells whether a function looks at the clock and at nothing else. */
static bool
is_clock(Oid function)
{
	for (int i = 0; i < lengthof(clock_functions); i++)
		if (clock_functions[i] == function)
			return true;
	return false;
}

/* The node that is looked at, for check_function. */
typedef struct CheckContext
{
	Node	   *node;
	bool		clock;
	Oid			culprit;
} CheckContext;

/* check_functions_in_node callback: notes a function whose result may change. */
static bool
check_function(Oid function, void *arg)
{
	CheckContext *context = arg;

	if (func_volatile(function) == PROVOLATILE_IMMUTABLE ||
		(func_volatile(function) == PROVOLATILE_STABLE && depends_on_settings_only(function, context->node)) ||
		(context->clock && is_clock(function)))
		return false;
	context->culprit = function;
	return true;
}

/* Checks the functions that a user's aggregate is made of; built-in ones are trusted. */
static bool
check_aggregate(Oid function, CheckContext *context)
{
	HeapTuple	tuple;
	Form_pg_aggregate form;
	bool		bad;

	if (function < FirstNormalObjectId)
		return false;
	tuple = SearchSysCache1(AGGFNOID, ObjectIdGetDatum(function));
	if (!HeapTupleIsValid(tuple))
		return false;			/* a window function that is no aggregate */
	form = (Form_pg_aggregate) GETSTRUCT(tuple);
	bad = check_function(form->aggtransfn, context) ||
		(OidIsValid(form->aggfinalfn) && check_function(form->aggfinalfn, context)) ||
		(OidIsValid(form->aggmtransfn) && check_function(form->aggmtransfn, context)) ||
		(OidIsValid(form->aggminvtransfn) && check_function(form->aggminvtransfn, context)) ||
		(OidIsValid(form->aggmfinalfn) && check_function(form->aggmfinalfn, context)) ||
		(OidIsValid(form->aggcombinefn) && check_function(form->aggcombinefn, context));
	ReleaseSysCache(tuple);
	return bad;
}

/* expression_tree_walker callback: stops at the first thing that makes the result change by itself; *arg is a Search. */
static bool
find_refusal(Node *node, void *arg)
{
	Search	   *search = arg;
	CheckContext context = {node, search->clock, InvalidOid};

	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, find_refusal, arg, 0);
	if ((IsA(node, SQLValueFunction) && !search->clock) || IsA(node, NextValueExpr))
		search->refusal = "it depends on the clock, the session or a sequence";
	else if (PO_IS_JSON_EXPR(node) && contain_mutable_functions(node))
		search->refusal = "it makes JSON of values whose text is not fixed";
	else if (check_functions_in_node(node, check_function, &context) ||
			 (IsA(node, Aggref) && check_aggregate(((Aggref *) node)->aggfnoid, &context)) ||
			 (IsA(node, WindowFunc) && check_aggregate(((WindowFunc *) node)->winfnoid, &context)))
		search->refusal = psprintf("it calls %s, which is %s and may read other data than the %s tables",
								   format_procedure(context.culprit),
								   func_volatile(context.culprit) == PROVOLATILE_STABLE ? "STABLE" : "VOLATILE",
								   search->clock ? "query's" : "view's");
	return search->refusal != NULL || expression_tree_walker(node, find_refusal, arg);
}

/*
 * Returns why a query's result may change although its tables do not, or NULL when it may
 * not; clock: a result that depends on the clock or on the session's user is good enough.
 */
const char *
po_stability_refusal(Query *query, bool clock)
{
	Search		search = {clock, NULL};

	(void) query_tree_walker(query, find_refusal, &search, 0);
	return search.refusal;
}

/* check_functions_in_node callback: collects the functions that users can replace; *arg is List **. */
static bool
collect_function(Oid function, void *arg)
{
	List	  **functions = arg;

	if (function >= FirstNormalObjectId)
		*functions = list_append_unique_oid(*functions, function);
	return false;
}

/* expression_tree_walker callback: collects the functions that users can replace; *arg is List **. */
static bool
collect_functions(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, collect_functions, arg, 0);
	(void) check_functions_in_node(node, collect_function, arg);
	return expression_tree_walker(node, collect_functions, arg);
}

/* Returns the OIDs of the functions in a query that are not the server's own. */
List *
po_stability_functions(Query *query)
{
	List	   *functions = NIL;

	(void) query_tree_walker(query, collect_functions, &functions, 0);
	return functions;
}
