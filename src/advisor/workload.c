/*
 * workload.c
 *	  The statements that indexes are suggested for.
 *
 * Each statement is parsed and planned once in a subtransaction, so that one that
 * cannot be planned is left out with its reason instead of ending the whole call.
 *
 * Planning runs code: immutable functions are folded.  A text that the caller typed is
 * planned as the caller; one from pg_stat_statements as the role that issued it, in a
 * security-restricted operation, so that it cannot act with the caller's rights.
 */
#include "postgres.h"

#include "advisor/search_path.h"
#include "advisor/workload.h"
#include "catalog/pg_type.h"
#include "core/setting.h"
#include "core/statements.h"
#include "core/subtransaction.h"
#include "executor/spi.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "plan/access.h"
#include "plan/repair.h"
#include "plan/sample.h"
#include "plan/whatif.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/syscache.h"

/* A statement that may become part of a workload. */
typedef struct Attempt
{
	PoWorkload *workload;
	PoAdvisorQuery *query;
} Attempt;

/*
 * Becomes the role that issued a statement, under the restrictions of code that its
 * caller did not choose to run; nothing for a statement that the caller typed.  An error
 * needs no po_workload_leave_role when it ends the (sub)transaction.
 */
void
po_workload_enter_role(const PoAdvisorQuery *query, PoRoleScope *scope)
{
	scope->entered = OidIsValid(query->role);
	if (!scope->entered)
		return;
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	SetUserIdAndSecContext(query->role, scope->sec_context | SECURITY_RESTRICTED_OPERATION);
	scope->guc_level = NewGUCNestLevel();
}

/* Undoes po_workload_enter_role. */
void
po_workload_leave_role(const PoRoleScope *scope)
{
	if (!scope->entered)
		return;
	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}

/* Returns a captured execution of a recorded statement, NULL when there is none. */
static PoSample *
find_sample(const PoAdvisorQuery *query)
{
	return OidIsValid(query->role) ? po_sample_find(query->queryid, query->role) : NULL;
}

/*
 * Parses a statement: as one of its executions was, with that one's values, where
 * such a sample was captured; else its text.  The search_path that its names are
 * meant under is set until po_workload_leave_role.  Called between entering and
 * leaving the statement's role.
 */
PoStatement *
po_workload_parse(const PoAdvisorQuery *query)
{
	PoSample   *sample = find_sample(query);
	const char *path = sample != NULL ? sample->search_path : query->search_path;

	if (path != NULL)
		po_setting_for_level("search_path", path);
	if (sample == NULL || !sample->plannable)
		return po_query_parse(query->text, NULL);
	return po_query_parse(sample->text, &sample->params);
}

/* Parses the statement and reads what it needs of its tables. */
static void
analyze_query(PoAdvisorQuery *query, PoExpressions *expressions)
{
	query->statement = po_workload_parse(query);
	if (query->queryid == 0)
		query->queryid = query->statement->queryid;
	query->accesses = po_access_collect(query->statement, expressions, &query->cost);
}

/* Says whether an error is about the statement, not about the server or the caller's wish to stop. */
bool
po_workload_is_about_statement(int sqlerrcode)
{
	switch (ERRCODE_TO_CATEGORY(sqlerrcode))
	{
		case ERRCODE_TO_CATEGORY(ERRCODE_OPERATOR_INTERVENTION):
		case ERRCODE_TO_CATEGORY(ERRCODE_INSUFFICIENT_RESOURCES):
		case ERRCODE_TO_CATEGORY(ERRCODE_SYSTEM_ERROR):
			return false;
		default:
			return sqlerrcode != ERRCODE_DATA_CORRUPTED && sqlerrcode != ERRCODE_INDEX_CORRUPTED;
	}
}

/* Says whether an error is that of a recorded statement that never has a plan, and so is no loss. */
static bool
is_no_loss(const PoAdvisorQuery *query, int sqlerrcode)
{
	/*
	 * From 16 on the values of utility statements are replaced where no
	 * parameter is allowed.
	 */
	return (sqlerrcode == ERRCODE_FEATURE_NOT_SUPPORTED || sqlerrcode == ERRCODE_SYNTAX_ERROR) &&
		po_repair_begins_utility(query->text);
}

/* Notes that a statement is left out, unless it is a recorded one that never has a plan. */
static void
skip_query(PoWorkload *workload, const PoAdvisorQuery *query, int sqlerrcode, const char *reason)
{
	PoSkipped  *skipped;

	if (workload->measured && is_no_loss(query, sqlerrcode))
		return;
	skipped = palloc(sizeof(PoSkipped));

	skipped->text = query->text;
	skipped->queryid = query->queryid;
	skipped->sqlerrcode = sqlerrcode;
	skipped->reason = pstrdup(reason);
	workload->skipped = lappend(workload->skipped, skipped);
}

/* Analyses a statement as its role. */
static void
analyze_as_role(void *arg)
{
	const Attempt *attempt = (const Attempt *) arg;
	PoRoleScope scope;

	po_workload_enter_role(attempt->query, &scope);
	analyze_query(attempt->query, attempt->workload->expressions);
	po_workload_leave_role(&scope);
}

/*
 * Adds a statement to the workload, or returns the error when it cannot be planned; locks
 * on its tables stay.  Errors that are not the statement's fault pass through.
 */
static ErrorData *
try_query(PoWorkload *workload, PoAdvisorQuery *query)
{
	Attempt		attempt = {workload, query};
	ErrorData  *error = po_subtransaction_keep(analyze_as_role, &attempt);

	if (error == NULL)
		workload->queries = lappend(workload->queries, query);
	else if (!po_workload_is_about_statement(error->sqlerrcode))
		ReThrowError(error);
	return error;
}

/* Adds a statement to the workload, or to what is left out.  Errors that are not the statement's fault pass through. */
void
po_workload_add(PoWorkload *workload, PoAdvisorQuery *query)
{
	const ErrorData *error = try_query(workload, query);

	if (error != NULL)
		skip_query(workload, query, error->sqlerrcode, error->message);
}

/* Says whether an error may come of names that mean something else, or nothing, under this search_path. */
static bool
is_about_names(int sqlerrcode)
{
	return sqlerrcode == ERRCODE_INVALID_SCHEMA_NAME ||
		(sqlerrcode != ERRCODE_SYNTAX_ERROR &&
		 ERRCODE_TO_CATEGORY(sqlerrcode) == ERRCODE_TO_CATEGORY(ERRCODE_SYNTAX_ERROR_OR_ACCESS_RULE_VIOLATION));
}

/*
 * Like po_workload_add, for a recorded statement: one whose names mean nothing under the
 * search_path that is most likely is tried under others.
 */
static void
add_recorded(PoWorkload *workload, PoAdvisorQuery *query, PoSearchPaths *paths)
{
	const ErrorData *error;
	ListCell   *lc;

	query->search_path = po_search_path_first(paths, query->role);
	error = try_query(workload, query);
	if (error == NULL)
		return;
	if (is_about_names(error->sqlerrcode) && find_sample(query) == NULL)
	{
		foreach(lc, po_search_path_others(paths, query->role))
		{
			query->search_path = (const char *) lfirst(lc);
			if (try_query(workload, query) == NULL)
				return;
		}
	}
	skip_query(workload, query, error->sqlerrcode, error->message);
}

/* Returns an empty workload in the current memory context. */
static PoWorkload *
create_workload(bool measured)
{
	PoWorkload *workload = palloc0(sizeof(PoWorkload));

	workload->measured = measured;
	workload->expressions = po_key_column_create();
	return workload;
}

/*
 * Makes a workload of given texts; weights may be NULL (all 1).  Everything lives in
 * the current memory context and refers to the texts.
 */
PoWorkload *
po_workload_from_texts(char **texts, const double *weights, int n)
{
	PoWorkload *workload = create_workload(false);

	for (int i = 0; i < n; i++)
	{
		PoAdvisorQuery *query = palloc0(sizeof(PoAdvisorQuery));

		CHECK_FOR_INTERRUPTS();
		query->text = texts[i];
		query->weight = weights != NULL ? weights[i] : 1;
		query->rows = -1;
		po_workload_add(workload, query);
	}
	return workload;
}

/* Reads one row of pg_stat_statements, whose texts the caller may see, into a query in the current context. */
static PoAdvisorQuery *
read_row(int row)
{
	PoAdvisorQuery *query = palloc0(sizeof(PoAdvisorQuery));
	HeapTuple	tuple = SPI_tuptable->vals[row];
	TupleDesc	desc = SPI_tuptable->tupdesc;
	bool		isnull;

	query->role = DatumGetObjectId(SPI_getbinval(tuple, desc, 1, &isnull));
	query->queryid = DatumGetInt64(SPI_getbinval(tuple, desc, 2, &isnull));
	query->text = TextDatumGetCString(SPI_getbinval(tuple, desc, 3, &isnull));
	query->weight = (double) DatumGetInt64(SPI_getbinval(tuple, desc, 4, &isnull));
	query->rows = (double) DatumGetInt64(SPI_getbinval(tuple, desc, 5, &isnull));
	return query;
}

/*
 * Reads this database's statements that the caller may see, the most costly first.
 * What the caller may not see has no queryid there and no text; it is not ours to
 * name either.
 */
static List *
read_statistics(const char *what)
{
	PoStatementsView view;
	StringInfoData sql;
	MemoryContext context = CurrentMemoryContext;
	MemoryContext old;
	List	   *queries = NIL;

	po_statements_find(&view, what);
	initStringInfo(&sql);
	appendStringInfo(&sql,
					 "SELECT s.userid, s.queryid, s.query, pg_catalog.sum(s.calls)::pg_catalog.int8,"
					 " pg_catalog.sum(s.rows)::pg_catalog.int8"
					 " FROM %s s WHERE s.dbid OPERATOR(pg_catalog.=) %u AND s.queryid IS NOT NULL"
					 " AND s.query IS NOT NULL AND s.calls OPERATOR(pg_catalog.>) 0"
					 " GROUP BY s.userid, s.queryid, s.query"
					 " ORDER BY pg_catalog.sum(s.total_exec_time) DESC, s.queryid, s.userid",
					 view.name, MyDatabaseId);
	SPI_connect();
	if (SPI_execute(sql.data, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read pg_stat_statements");
	old = MemoryContextSwitchTo(context);
	for (uint64 i = 0; i < SPI_processed; i++)
		queries = lappend(queries, read_row((int) i));
	MemoryContextSwitchTo(old);
	SPI_finish();
	return queries;
}

/*
 * Makes a workload of what pg_stat_statements holds of this database, weighted by
 * calls.  Utility statements are left out silently, what cannot be planned with its
 * reason.  Raises 55000 when pg_stat_statements is not there; what is who needs it.
 */
PoWorkload *
po_workload_from_statistics(const char *what)
{
	PoWorkload *workload = create_workload(true);
	PoSearchPaths paths = {read_statistics(what), NIL};
	ListCell   *lc;

	foreach(lc, paths.queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);

		CHECK_FOR_INTERRUPTS();
		if (SearchSysCacheExists1(AUTHOID, ObjectIdGetDatum(query->role)))
			add_recorded(workload, query, &paths);
		else
			skip_query(workload, query, ERRCODE_UNDEFINED_OBJECT,
					   "the role that issued it does not exist any more");
	}
	return workload;
}

/*
 * Returns the cost of one execution of a statement with PoHypoIndexes, planned as the
 * role that it belongs to; read, unless NULL, sees the plans.
 */
double
po_workload_plan(PoAdvisorQuery *query, List *indexes, PoWhatIfReader read, void *arg)
{
	PoRoleScope scope;
	volatile double cost = 0;

	po_workload_enter_role(query, &scope);
	PG_TRY();
	{
		cost = po_whatif_read(query->statement, indexes, NIL, read, arg);
	}
	PG_FINALLY();
	{
		po_workload_leave_role(&scope);
	}
	PG_END_TRY();
	return cost;
}
