/*
 * query.c
 *	  Query text to analysed queries to plans.
 *
 * A text is parsed and analysed as the session's user with the session's
 * search_path, as if it had been sent as a prepared statement; planning it asks
 * for the same permissions as EXPLAIN does.  Nothing is executed here, except
 * what the planner itself folds.
 *
 * The planner scribbles on its input, so each planning works on a copy, and one
 * PoStatement can be planned many times: with other settings, or with
 * hypothetical indexes injected through the planner's hooks.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/compat.h"
#include "core/subtransaction.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "nodes/primnodes.h"
#include "parser/analyze.h"
#include "plan/mend.h"
#include "plan/query.h"
#include "plan/repair.h"
#include "portability/instr_time.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"

/* Attempts at one text at most. */
#define MAX_ATTEMPTS 40

/* A parameter value under conversion, for the error context. */
typedef struct ParamContext
{
	int			number;
	Oid			type;
} ParamContext;

/* An attempt at a statement. */
typedef struct Attempt
{
	const char *text;
	const PoParams *params;
	PoMend	   *mend;
	PoStatement *statement;		/* the result */
} Attempt;

/* Turns an error's position in the caller's statement into one in the analysed text. */
static void
internal_position_callback(void *arg)
{
	int			position = geterrposition();

	if (position > 0)
	{
		errposition(0);
		internalerrposition(position);
		internalerrquery((const char *) arg);
	}
}

/* Says which parameter an error of a type's input function is about. */
static void
param_callback(void *arg)
{
	ParamContext *context = (ParamContext *) arg;

	errcontext("value %d of argument \"params\", of type %s",
			   context->number, format_type_be(context->type));
}

/* Removes the INTO clause of SELECT INTO, so that its query can be planned alone. */
static void
strip_into(SelectStmt *select)
{
	while (select->larg != NULL)
		select = select->larg;
	select->intoClause = NULL;
}

/*
 * Returns the query inside a utility statement that does nothing but plan and run
 * one (EXPLAIN, DECLARE CURSOR, CREATE TABLE AS, COPY (query) TO), or NULL.
 * Adds the planning options of a cursor to *cursor_options.
 */
static Node *
inner_statement(Node *node, int *cursor_options)
{
	switch (nodeTag(node))
	{
		case T_ExplainStmt:
			return ((ExplainStmt *) node)->query;
		case T_DeclareCursorStmt:
			*cursor_options |= ((DeclareCursorStmt *) node)->options;
			return ((DeclareCursorStmt *) node)->query;
		case T_CreateTableAsStmt:
			return ((CreateTableAsStmt *) node)->query;
		case T_CopyStmt:
			return ((CopyStmt *) node)->query;
		default:
			return NULL;
	}
}

/*
 * Parses a text into exactly one statement and unwraps it down to what the
 * planner plans.  Raises 42601 for a syntax error, for no statement and for several.
 */
static RawStmt *
parse_one(const char *text, int *cursor_options)
{
	List	   *parsed = pg_parse_query(text);
	RawStmt    *raw;
	Node	   *inner;

	if (list_length(parsed) != 1)
		ereport(ERROR,
				(errcode(ERRCODE_SYNTAX_ERROR),
				 parsed == NIL ? errmsg("argument \"query\" contains no statement") :
				 errmsg("argument \"query\" contains %d statements", list_length(parsed)),
				 errhint("Pass one statement in a call.")));
	raw = linitial_node(RawStmt, parsed);
	*cursor_options = 0;
	while ((inner = inner_statement(raw->stmt, cursor_options)) != NULL)
		raw->stmt = inner;
	if (IsA(raw->stmt, SelectStmt))
		strip_into((SelectStmt *) raw->stmt);
	if (*cursor_options == 0)
		*cursor_options = CURSOR_OPT_PARALLEL_OK;
	return raw;
}

/* Tells whether a parsed statement is a SELECT whose list holds a bare or qualified star. */
static bool
selects_star(const RawStmt *raw)
{
	ListCell   *lc;

	if (!IsA(raw->stmt, SelectStmt))
		return false;
	foreach(lc, ((const SelectStmt *) raw->stmt)->targetList)
	{
		Node	   *value = lfirst_node(ResTarget, lc)->val;

		if (value != NULL && IsA(value, ColumnRef) &&
			IsA(llast(((ColumnRef *) value)->fields), A_Star))
			return true;
	}
	return false;
}

/* Raises 0A000 for a statement that has no plan. */
static void
require_plannable(Query *query)
{
	if (query->commandType == CMD_UTILITY)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s has no plan to analyze", CreateCommandName(query->utilityStmt)),
				 errhint("Pass a SELECT, INSERT, UPDATE, DELETE, MERGE or VALUES statement.")));
}

/*
 * Gives the type text to parameters whose use leaves the type open, as that of an
 * argument of type "any" does: statement texts with constants replaced have such.
 * Returns whether there were any.
 */
static bool
settle_open_types(PoStatement *statement)
{
	bool		found = false;

	for (int i = 0; i < statement->nparams; i++)
	{
		if (statement->param_types[i] != UNKNOWNOID)
			continue;
		statement->param_types[i] = TEXTOID;
		found = true;
	}
	return found;
}

/* Raises 42P18 for a parameter number below the highest that the text never uses. */
static void
require_param_types(const PoStatement *statement)
{
	for (int i = 0; i < statement->nparams; i++)
	{
		Oid			type = statement->param_types[i];

		if (type == InvalidOid || type == UNKNOWNOID)
			ereport(ERROR,
					(errcode(ERRCODE_INDETERMINATE_DATATYPE),
					 errmsg("could not determine data type of parameter $%d", i + 1)));
	}
}

/* Converts one value by the input function of the parameter's type. */
static void
convert_value(ParamExternData *param, Oid type, char *value, int number)
{
	ParamContext context = {number, type};
	ErrorContextCallback callback;
	Oid			typinput;
	Oid			typioparam;

	callback.callback = param_callback;
	callback.arg = &context;
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	getTypeInputInfo(type, &typinput, &typioparam);
	param->value = OidInputFunctionCall(typinput, value, typioparam, -1);
	param->isnull = (value == NULL);
	param->pflags = PARAM_FLAG_CONST;
	param->ptype = type;

	error_context_stack = callback.previous;
}

/*
 * Converts the given values to the statement's parameters.  Raises 22023 when
 * their number differs, and whatever the types' input functions raise.
 */
static void
bind_values(PoStatement *statement, const PoParams *params)
{
	if (params->nvalues != statement->nparams)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"params\" has a wrong number of values"),
				 errdetail("Values given: %d. Parameters of the statement: %d.",
						   params->nvalues, statement->nparams),
				 errhint("Pass one value for each of $1, $2, ..., or no \"params\" for a generic plan.")));
	if (statement->nparams == 0)
		return;
	statement->params = makeParamList(statement->nparams);
	for (int i = 0; i < statement->nparams; i++)
		convert_value(&statement->params->params[i], statement->param_types[i],
					  params->values[i], i + 1);
}

/* Decides what the plan will be made for. */
static PoPlanSource
choose_source(const PoStatement *statement, const PoParams *params)
{
	if (params != NULL && params->sample)
		return PO_SOURCE_SAMPLE;
	if (statement->nparams == 0)
		return PO_SOURCE_LITERAL;
	if (statement->params != NULL)
		return PO_SOURCE_PARAMS;
	if (params != NULL && params->ntypes > 0)
		return PO_SOURCE_TYPED_GENERIC;
	return PO_SOURCE_GENERIC;
}

/*
 * Gives the query its id whatever compute_query_id says; the server asserts
 * that the setting allows it, so it is on for the moment.
 */
static void
identify(Query *query, const char *text)
{
	int			setting = compute_query_id;

	compute_query_id = COMPUTE_QUERY_ID_ON;
	PG_TRY();
	{
		PO_JUMBLE_QUERY(query, text);
	}
	PG_FINALLY();
	{
		compute_query_id = setting;
	}
	PG_END_TRY();
}

/* Analyses and rewrites the parsed statement. */
static void
analyze(PoStatement *statement, RawStmt *raw)
{
	Query	   *query;
	ListCell   *lc;

	statement->query = NULL;
	query = parse_analyze_varparams(raw, statement->text, &statement->param_types,
									&statement->nparams, NULL);
	require_plannable(query);
	if (query->queryId == 0)
		identify(query, statement->text);
	statement->queryid = (int64) query->queryId;
	statement->queries = pg_rewrite_query(query);
	foreach(lc, statement->queries)
	{
		Query	   *rewritten = lfirst_node(Query, lc);

		if (rewritten->commandType == CMD_UTILITY)
			continue;
		if (statement->query == NULL || rewritten->canSetTag)
			statement->query = rewritten;
	}
}

/* Starts a statement's parameters with the types that are known of them, or that are tried. */
static void
preset_types(PoStatement *statement, const PoParams *params, const PoMend *mend)
{
	int			given = params != NULL ? params->ntypes : 0;

	statement->nparams = Max(given, mend->ntypes);
	if (statement->nparams == 0)
		return;
	statement->param_types = palloc0(sizeof(Oid) * statement->nparams);
	if (mend->ntypes > 0)
		memcpy(statement->param_types, mend->types, sizeof(Oid) * mend->ntypes);
	if (given > 0)
		memcpy(statement->param_types, params->types, sizeof(Oid) * given);
}

/* Gives parameters that others took the place of the type of those. */
static void
settle_replaced(PoStatement *statement, const PoMend *mend)
{
	int			nparams = Max(statement->nparams, mend->nreplaced);

	if (mend->nreplaced == 0)
		return;
	statement->param_types = repalloc(statement->param_types, sizeof(Oid) * nparams);
	for (int i = statement->nparams; i < nparams; i++)
		statement->param_types[i] = InvalidOid;
	statement->nparams = nparams;
	for (int i = 0; i < mend->nreplaced; i++)
		if (mend->replaced[i] != 0 && !OidIsValid(statement->param_types[i]))
			statement->param_types[i] = statement->param_types[mend->replaced[i] - 1];
}

/* Parses a text that was repaired, and does to its tree what is to be done. */
static RawStmt *
parse_mended(const char *text, int *cursor_options, PoMend *mend)
{
	RawStmt    *raw = parse_one(text, cursor_options);

	po_mend_apply(mend, raw);
	return raw;
}

/* One attempt at a statement, see po_query_parse. */
static PoStatement *
parse_statement(const char *text, const PoParams *params, PoMend *mend)
{
	PoStatement *statement = palloc0(sizeof(PoStatement));
	ErrorContextCallback callback;
	RawStmt    *raw;

	text = po_repair_text(text, mend->type_names);
	callback.callback = internal_position_callback;
	callback.arg = unconstify(char *, text);
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	statement->text = text;
	raw = parse_mended(text, &statement->cursor_options, mend);
	statement->star = selects_star(raw);
	preset_types(statement, params, mend);
	analyze(statement, raw);

	/*
	 * Analysis scribbles on its input, so the second one needs a fresh parse
	 * tree.
	 */
	if (settle_open_types(statement))
		analyze(statement, parse_mended(text, &statement->cursor_options, mend));
	settle_replaced(statement, mend);
	require_param_types(statement);
	error_context_stack = callback.previous;

	if (params != NULL && params->nvalues >= 0)
		bind_values(statement, params);
	statement->source = choose_source(statement, params);
	return statement;
}

/* Makes one attempt. */
static void
run_attempt(void *arg)
{
	Attempt    *attempt = (Attempt *) arg;

	attempt->statement = parse_statement(attempt->text, attempt->params, attempt->mend);
}

/* Decides what the next attempt does otherwise; false when there is nothing to try. */
static bool
mend_after(PoMend *mend, const char *text, const ErrorData *error)
{
	RawStmt    *raw = NULL;
	int			cursor_options;

	text = po_repair_text(text, mend->type_names);
	if (error->sqlerrcode != ERRCODE_SYNTAX_ERROR)
		raw = parse_mended(text, &cursor_options, mend);
	return po_mend_next(mend, raw, text, error->sqlerrcode, error->internalpos);
}

/* Attempts a statement with what each error asks for; returns NULL and the first error when none succeeds. */
static PoStatement *
parse_attempts(const char *text, const PoParams *params, ErrorData **first)
{
	PoMend		mend = {0};

	*first = NULL;
	for (int i = 0; i < MAX_ATTEMPTS; i++)
	{
		Attempt		attempt = {text, params, &mend, NULL};
		ErrorData  *error = po_subtransaction_keep(run_attempt, &attempt);

		if (error == NULL)
			return attempt.statement;
		if (*first == NULL)
			*first = error;
		if (!mend_after(&mend, text, error))
			break;
	}
	return NULL;
}

/*
 * Parses, analyses and rewrites one statement; params may be NULL when nothing is
 * known of its parameters.  A normalised text is repaired first (see repair.c), and one
 * that fails all the same is tried again with what its error says it lacks (see mend.c).
 * The result is allocated in the current memory context and may refer to text.  Takes the
 * locks that running the statement takes on its relations.  Raises what parse analysis
 * raises, 42601 for no or several statements, 0A000 for a statement without a plan,
 * 22023 for a wrong number of values, and the errors of the types' input functions.
 */
PoStatement *
po_query_parse(const char *text, const PoParams *params)
{
	PoMend		mend = {0};
	PoStatement *statement;
	ErrorData  *error;

	if (!po_repair_has_parameter(text))
		return parse_statement(text, params, &mend);
	statement = parse_attempts(text, params, &error);
	if (statement == NULL)
		ReThrowError(error);
	return statement;
}

/* Like po_query_parse, but returns NULL where the statement itself is at fault. */
PoStatement *
po_query_try(const char *text, const PoParams *params)
{
	ErrorData  *error;
	PoStatement *statement = parse_attempts(text, params, &error);

	if (statement == NULL &&
		(ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_OPERATOR_INTERVENTION ||
		 ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INSUFFICIENT_RESOURCES))
		ReThrowError(error);
	return statement;
}

/* Raises the error that EXPLAIN raises when the user may not read or write a relation of the plans. */
static void
check_permissions(PoStatement *statement, List *plans)
{
	ListCell   *lc;

	foreach(lc, plans)
		PO_CHECK_PERMISSIONS(lfirst_node(PlannedStmt, lc));
	statement->permitted = true;
}

/* Plans each query of the statement from a fresh copy; returns PlannedStmts in the current context. */
static List *
plan_queries(PoStatement *statement)
{
	List	   *plans = NIL;
	ErrorContextCallback callback;
	ListCell   *lc;

	callback.callback = internal_position_callback;
	callback.arg = unconstify(char *, statement->text);
	callback.previous = error_context_stack;
	error_context_stack = &callback;

	foreach(lc, statement->queries)
	{
		Query	   *query = lfirst_node(Query, lc);
		PlannedStmt *plan;

		CHECK_FOR_INTERRUPTS();
		if (query->commandType == CMD_UTILITY)
			continue;
		plan = PO_PLAN_QUERY(copyObject(query), statement->text,
							 statement->cursor_options, statement->params);
		if (query == statement->query)
			statement->plan = plan;
		plans = lappend(plans, plan);
	}
	error_context_stack = callback.previous;
	if (!statement->permitted)
		check_permissions(statement, plans);
	return plans;
}

/*
 * Plans the statement, sets its plans and planning time, and returns the plan of
 * its main query (NULL for a statement that rewrites to nothing).  May be called
 * again; the plans live in the current memory context.  Needs an active
 * snapshot.  Raises 42501 when the user lacks a permission on a relation.
 */
PlannedStmt *
po_query_plan(PoStatement *statement)
{
	instr_time	start;
	instr_time	duration;

	statement->plan = NULL;
	INSTR_TIME_SET_CURRENT(start);
	statement->plans = plan_queries(statement);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	statement->planning_ms = INSTR_TIME_GET_MILLISEC(duration);
	return statement->plan;
}

/* Adds up the total costs of a list of PlannedStmts. */
double
po_query_total_cost(List *plans)
{
	double		cost = 0;
	ListCell   *lc;

	foreach(lc, plans)
		cost += lfirst_node(PlannedStmt, lc)->planTree->total_cost;
	return cost;
}

/*
 * Returns the total cost of the statement as the planner sees it now and keeps
 * nothing: the statement's own plans are untouched and all memory is freed.
 */
double
po_query_cost(PoStatement *statement)
{
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext,
												  "perf_optimizer cost", ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PlannedStmt *plan = statement->plan;
	double		cost = po_query_total_cost(plan_queries(statement));

	statement->plan = plan;
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	return cost;
}

/* Returns the name of a plan source as results show it. */
const char *
po_query_source_name(PoPlanSource source)
{
	switch (source)
	{
		case PO_SOURCE_LITERAL:
			return "literal";
		case PO_SOURCE_PARAMS:
			return "params";
		case PO_SOURCE_SAMPLE:
			return "sample";
		case PO_SOURCE_TYPED_GENERIC:
			return "typed generic";
		case PO_SOURCE_GENERIC:
			return "generic";
	}
	pg_unreachable();
}
