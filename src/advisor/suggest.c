/*
 * suggest.c
 *	  Suggesting indexes for a workload.
 */
#include "postgres.h"

#include "advisor/effort.h"
#include "advisor/pool.h"
#include "advisor/search.h"
#include "advisor/suggest.h"
#include "advisor/text.h"
#include "catalog/pg_class.h"
#include "core/relname.h"
#include "core/subtransaction.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "plan/access.h"
#include "utils/lsyscache.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

/* A statement counts as improved when its cost falls by at least this share. */
#define IMPROVED_SHARE 0.01

/* A statement counts as made worse when its cost rises by more than this share. */
#define WORSE_SHARE 0.1

/* An index in the place of another must save this share of what one must save. */
#define MIN_EXCHANGE_SHARE 0.1

/* Of a storage budget this share stays free: sizes are estimates, and a sum of them has come out up to 2 % too small. */
#define BUDGET_RESERVE 0.03

/* Planner calls after which a whole choice is not made better any more: some, and some for each statement. */
#define MAX_CALLS 100
#define MAX_CALLS_PER_STATEMENT 46
#define MAX_CALLS_PER_STATEMENT_OF_MANY 10

/* Of a time limit, finding candidates may take this share. */
#define POOL_TIME_SHARE 0.4

/* Of what statement_timeout leaves, the search may take this share, so that the call ends with a result. */
#define TIMEOUT_SHARE 0.75

/* When there is no time, so many statements are looked at until an index helps one. */
#define HEAVIEST 5

/* How long a search may take, and by which argument or setting. */
typedef struct TimeLimit
{
	int64		ms;				/* negative: as long as it takes */
	const char *name;
} TimeLimit;

/* What the callbacks of the search need. */
typedef struct Advice
{
	PoWorkload *workload;
	PoPool	   *pool;
	TimestampTz deadline;		/* 0: none */
	ErrorData  *cancel;			/* what ends the call, or NULL */
} Advice;

/* A statement that is to be planned with some indexes. */
typedef struct Planning
{
	PoAdvisorQuery *query;
	List	   *indexes;
	List	   *used;			/* of them, the result */
	double		cost;			/* the result */
} Planning;

/* Plans a statement with some indexes. */
static void
plan_with_indexes(void *arg)
{
	Planning   *planning = (Planning *) arg;

	CHECK_FOR_INTERRUPTS();
	planning->cost = po_effort_plan(planning->query, planning->indexes, &planning->used);
}

/*
 * Plans a statement with some indexes.  A cancel ends the search but does not leave it:
 * it is kept, to be raised with the best so far.  From then on no index helps.
 */
static void
plan_unless_cancelled(Advice *advice, Planning *planning)
{
	ErrorData  *error;

	if (advice->cancel != NULL)
		return;
	error = po_subtransaction_keep(plan_with_indexes, planning);
	if (error == NULL)
		return;
	if (error->sqlerrcode != ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	advice->cancel = error;
}

/* The search's cost function: plans the statement of a group with a set of candidates. */
static double
plan_with_set(void *arg, int query, const PoSet *set, PoSet *used)
{
	Advice	   *advice = (Advice *) arg;
	PoAdvisorQuery *q = advice->pool->groups[query].query;
	Planning	planning = {q, NIL, NIL, q->cost};

	for (int c = 0; c < advice->pool->ncandidates; c++)
	{
		if (po_set_has(set, c))
			planning.indexes = lappend(planning.indexes, advice->pool->indexes[c]);
	}
	if (planning.indexes == NIL)
		return q->cost;
	plan_unless_cancelled(advice, &planning);
	for (int c = 0; c < advice->pool->ncandidates; c++)
	{
		if (po_set_has(set, c) && list_member_ptr(planning.used, advice->pool->indexes[c]))
			po_set_add(used, c);
	}
	list_free(planning.indexes);
	list_free(planning.used);
	return planning.cost;
}

/* The search's stop function: the call was cancelled, or the time limit has passed. */
static bool
must_end(void *arg)
{
	const Advice *advice = (const Advice *) arg;

	return advice->cancel != NULL ||
		(advice->deadline != 0 && GetCurrentTimestamp() >= advice->deadline);
}

/* Writes the one sentence that says what an index is good for. */
static char *
write_reason(int improved, int nqueries, const PoAdvisorQuery *best, double before, double after)
{
	if (best == NULL)
		return pstrdup("Makes the other suggested indexes more useful.");
	return psprintf("Makes %d of %d statements cheaper, most of all \"%s\" (cost %.*f to %.*f, %.0f %% less).",
					improved, nqueries, po_text_short(best->text),
					before < 100 ? 1 : 0, before, after < 100 ? 1 : 0, after,
					100 * (before - after) / before);
}

/* Finds the statements that one more index makes cheaper and writes the reason. */
static void
explain_suggestion(PoSuggestion *suggestion, const Advice *advice, PoCostCache *cache,
				   const PoSet *without, const PoSet *with)
{
	PoAdvisorQuery *best = NULL;
	double		best_saving = 0;
	double		best_before = 0;
	double		best_after = 0;
	ListCell   *lc;

	foreach(lc, advice->workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);
		int			group = advice->pool->group_of[foreach_current_index(lc)];
		double		before = po_cost_cache_get(cache, group, without, NULL);
		double		after = po_cost_cache_get(cache, group, with, NULL);

		if (after > before * (1 - IMPROVED_SHARE))
			continue;
		suggestion->improved = lappend(suggestion->improved, query);
		if (best == NULL || (before - after) * query->weight > best_saving)
		{
			best = query;
			best_saving = (before - after) * query->weight;
			best_before = before;
			best_after = after;
		}
	}
	suggestion->reason = write_reason(list_length(suggestion->improved),
									  list_length(advice->workload->queries), best, best_before, best_after);
}

/*
 * Plans each statement with all that is chosen when that holds an expression: what the
 * planner learns of one can raise its estimates of statements that do not use the index.
 * Returns the costs by group, or NULL; other indexes make no plan dearer.
 */
static double *
price_outcome(Advice *advice, PoCostCache *cache, const PoSearchResult *result)
{
	PoSet		all = {{0}};
	bool		any = false;
	double	   *costs;

	for (int i = 0; i < result->nchosen; i++)
	{
		po_set_add(&all, result->chosen[i]);
		any |= advice->pool->indexes[result->chosen[i]]->expressions != NIL;
	}
	if (!any)
		return NULL;
	costs = palloc(sizeof(double) * advice->pool->ngroups);
	for (int g = 0; g < advice->pool->ngroups; g++)
	{
		PoSet		used = {{0}};

		cache->calls++;
		costs[g] = plan_with_set(advice, g, &all, &used);
	}
	return costs;
}

/* Says whether a statement reads a table. */
static bool
reads_table(const PoAdvisorQuery *query, Oid relid)
{
	ListCell   *lc;

	foreach(lc, query->accesses)
	{
		if (((const PoAccess *) lfirst(lc))->relid == relid)
			return true;
	}
	return false;
}

/* Adds to the reason for an index on an expression which statements on its table get dearer. */
static const char *
add_worse(const char *reason, const PoHypoIndex *index, const Advice *advice, const double *costs)
{
	const PoStatementGroup *worst = NULL;
	double		rise = 0;
	double		after = 0;
	int			n = 0;

	if (index->expressions == NIL)
		return reason;
	for (int i = 0; i < list_length(advice->workload->queries); i++)
	{
		int			g = advice->pool->group_of[i];
		const PoStatementGroup *group = &advice->pool->groups[g];

		if (costs[g] <= group->query->cost * (1 + WORSE_SHARE) || !reads_table(group->query, index->relid))
			continue;
		n++;
		if (worst == NULL || (costs[g] - group->query->cost) * group->weight > rise)
		{
			worst = group;
			rise = (costs[g] - group->query->cost) * group->weight;
			after = costs[g];
		}
	}
	if (worst == NULL)
		return reason;
	return psprintf("%s By what the planner learns of its expression it expects %d of them to cost over %.0f %% more, most of all \"%s\" (cost %.0f to %.0f).",
					reason, n, 100 * WORSE_SHARE, po_text_short(worst->query->text), worst->query->cost, after);
}

/* Adds to a reason that an index on an expression is to be followed by ANALYZE. */
static const char *
add_analyze(const char *reason, const PoHypoIndex *index)
{
	if (index->expressions == NIL)
		return reason;
	return psprintf("%s The planner knows an expression's values only after ANALYZE %s.", reason,
					po_relname_qualified(index->relid));
}

/* Adds to a reason which existing indexes the suggested one makes superfluous, and how to drop them. */
static const char *
add_superfluous(const char *reason, const List *indexes)
{
	StringInfoData text;
	ListCell   *lc;

	if (indexes == NIL)
		return reason;
	initStringInfo(&text);
	appendStringInfoString(&text, reason);
	appendStringInfoString(&text, " Once it is there, drop what it replaces:");
	foreach(lc, indexes)
		appendStringInfo(&text, " DROP INDEX %s%s;",
						 get_rel_relkind(lfirst_oid(lc)) == RELKIND_PARTITIONED_INDEX ? "" : "CONCURRENTLY ",
						 po_relname_qualified(lfirst_oid(lc)));
	return text.data;
}

/* Turns the search's result into suggestions, best first. */
static List *
make_suggestions(const Advice *advice, PoCostCache *cache, const PoSearchResult *result, const double *costs)
{
	List	   *suggestions = NIL;
	PoSet		with = {{0}};

	for (int i = 0; i < result->nchosen; i++)
	{
		int			c = result->chosen[i];
		const PoSearchCandidate *candidate = &advice->pool->candidates[c];
		PoSuggestion *suggestion = palloc0(sizeof(PoSuggestion));
		PoSet		without = with;

		po_set_add(&with, c);
		po_pool_describe(advice->pool, c);
		suggestion->index = advice->pool->indexes[c];
		suggestion->size_bytes = (int64) candidate->size;
		suggestion->cost_before = result->before;
		suggestion->cost_after = result->after[i];
		if (result->before > 0)
			suggestion->write_cost_pct = 100 * candidate->write_cost / result->before;
		explain_suggestion(suggestion, advice, cache, &without, &with);
		suggestion->reason = add_worse(suggestion->reason, suggestion->index, advice, costs);
		suggestion->reason = add_analyze(suggestion->reason, suggestion->index);
		suggestion->reason = add_superfluous(suggestion->reason, advice->pool->superfluous[c]);
		suggestions = lappend(suggestions, suggestion);
	}
	return suggestions;
}

/* Returns the weights of the groups as an array. */
static double *
collect_weights(const PoPool *pool)
{
	double	   *weights = palloc(sizeof(double) * (pool->ngroups + 1));

	for (int g = 0; g < pool->ngroups; g++)
		weights[g] = pool->groups[g].weight;
	return weights;
}

/* Raises the cancel, with the best so far: an error is all that a cancelled call may return. */
static void
raise_cancel(ErrorData *cancel, const List *suggestions)
{
	StringInfoData best;
	ListCell   *lc;

	if (suggestions == NIL)
		ReThrowError(cancel);
	initStringInfo(&best);
	appendStringInfo(&best, "The best indexes found so far, for a cost of %.0f instead of %.0f:",
					 ((const PoSuggestion *) llast(suggestions))->cost_after,
					 ((const PoSuggestion *) linitial(suggestions))->cost_before);
	foreach(lc, suggestions)
		appendStringInfo(&best, "\n%s;", ((const PoSuggestion *) lfirst(lc))->index->definition);
	cancel->detail = best.data;
	ReThrowError(cancel);
}

/* Searches as po_suggest_indexes does; *stopped says that the limit ended the search. */
static List *
search_indexes(PoWorkload *workload, const PoSuggestOptions *options, const TimeLimit *limit, bool *stopped)
{
	Advice		advice = {.workload = workload};
	TimestampTz start = GetCurrentTimestamp();
	TimestampTz pool_deadline = 0;
	bool		pool_late;
	PoCostCache cache;
	PoSearchProblem problem = {0};
	PoSearchResult result;
	PoSet		none = {{0}};
	double		total = 0;
	double	   *costs;
	List	   *suggestions;

	if (limit->ms >= 0)
	{
		advice.deadline = TimestampTzPlusMilliseconds(start, limit->ms);
		pool_deadline = TimestampTzPlusMilliseconds(start, (int64) (limit->ms * POOL_TIME_SHARE));
	}
	advice.pool = po_pool_build(workload, options->relation, pool_deadline);
	pool_late = pool_deadline != 0 && GetCurrentTimestamp() >= pool_deadline;
	po_cost_cache_init(&cache, advice.pool->ngroups, advice.pool->relevant,
					   plan_with_set, &advice);

	problem.nqueries = advice.pool->ngroups;
	problem.weights = collect_weights(advice.pool);
	problem.ncandidates = advice.pool->ncandidates;
	problem.candidates = advice.pool->candidates;
	problem.cache = &cache;
	problem.budget = options->budget * (1 - BUDGET_RESERVE);
	problem.max_indexes = options->max_indexes;
	problem.brief = advice.pool->brief;
	problem.max_calls = MAX_CALLS + problem.nqueries *
		(problem.brief ? MAX_CALLS_PER_STATEMENT_OF_MANY : MAX_CALLS_PER_STATEMENT);
	problem.stop = must_end;
	problem.stop_arg = &advice;
	total = po_search_total(&problem, &none);
	problem.min_gain = total * options->min_improvement_pct / 100;
	problem.min_exchange = problem.min_gain * MIN_EXCHANGE_SHARE;

	po_search_run(&problem, &result);
	*stopped = result.stopped || pool_late;
	costs = price_outcome(&advice, &cache, &result);
	ereport(DEBUG1,
			(errmsg_internal("%d candidate indexes, " INT64_FORMAT " planner calls to find them, "
							 INT64_FORMAT " to choose, " INT64_FORMAT " costs known without",
							 problem.ncandidates, advice.pool->planner_calls,
							 cache.calls, cache.hits)));
	suggestions = make_suggestions(&advice, &cache, &result, costs);
	if (advice.cancel != NULL)
		raise_cancel(advice.cancel, suggestions);
	return suggestions;
}

/* Returns what statements cost together without any suggestion. */
static double
total_cost(const List *queries)
{
	double		total = 0;
	ListCell   *lc;

	foreach(lc, queries)
		total += ((const PoAdvisorQuery *) lfirst(lc))->cost * ((const PoAdvisorQuery *) lfirst(lc))->weight;
	return total;
}

/*
 * Suggests indexes for one statement, without a time limit: what is left to do when there was no time for more.  Costs are those
 * of the whole workload.
 */
static List *
search_for_one(const PoWorkload *workload, PoAdvisorQuery *query, const PoSuggestOptions *options)
{
	PoWorkload	one = *workload;
	PoSuggestOptions own_options = *options;
	TimeLimit	unlimited = {-1, NULL};
	double		own = query->cost * query->weight;
	double		others = total_cost(workload->queries) - own;
	List	   *suggestions;
	bool		stopped;
	ListCell   *lc;

	if (own <= 0)
		return NIL;
	one.queries = list_make1(query);
	own_options.min_improvement_pct *= (own + others) / own;
	suggestions = search_indexes(&one, &own_options, &unlimited, &stopped);
	foreach(lc, suggestions)
	{
		PoSuggestion *suggestion = (PoSuggestion *) lfirst(lc);

		suggestion->write_cost_pct *= suggestion->cost_before / (suggestion->cost_before + others);
		suggestion->cost_before += others;
		suggestion->cost_after += others;
	}
	return suggestions;
}

/* Suggests indexes for the first of the statements that cost most which an index helps; the workload is sorted by cost. */
static List *
search_for_heaviest(const PoWorkload *workload, const PoSuggestOptions *options)
{
	List	   *suggestions = NIL;

	for (int i = 0; i < Min(list_length(workload->queries), HEAVIEST) && suggestions == NIL; i++)
		suggestions = search_for_one(workload, list_nth(workload->queries, i), options);
	return suggestions;
}

/*
 * Returns the stricter one of the caller's time limit and what statement_timeout allows: a
 * statement that it cancels has no result.
 */
static TimeLimit
find_limit(const PoSuggestOptions *options)
{
	TimeLimit	limit = {options->time_limit_ms, "time_limit_ms"};
	int64		left;

	if (!get_timeout_active(STATEMENT_TIMEOUT))
		return limit;
	left = (int64) (TIMEOUT_SHARE *
					TimestampDifferenceMilliseconds(GetCurrentTimestamp(), get_timeout_finish_time(STATEMENT_TIMEOUT)));
	if (limit.ms < 0 || left < limit.ms)
	{
		limit.ms = left;
		limit.name = "statement_timeout";
	}
	return limit;
}

/*
 * Suggests indexes for a workload: a list of PoSuggestion, best first, in the current
 * memory context.  *ended_by is the limit of time that ended the search early, or NULL; the
 * reasons say so too, and what serves one of the heaviest statements is found all the same.
 * Raises what planning raises; a cancel during the search has the best so far as its detail.
 */
List *
po_suggest_indexes(PoWorkload *workload, const PoSuggestOptions *options, const char **ended_by)
{
	TimeLimit	limit = find_limit(options);
	bool		stopped;
	List	   *suggestions = search_indexes(workload, options, &limit, &stopped);
	const char *mark = "ended the search";
	ListCell   *lc;

	*ended_by = stopped ? limit.name : NULL;
	if (!stopped)
		return suggestions;
	if (suggestions == NIL)
	{
		suggestions = search_for_heaviest(workload, options);
		mark = "left time for one of the statements that cost most";
	}
	foreach(lc, suggestions)
	{
		PoSuggestion *suggestion = (PoSuggestion *) lfirst(lc);

		suggestion->reason = psprintf("%s %s %s: there may be better ones.", suggestion->reason, limit.name, mark);
	}
	return suggestions;
}
