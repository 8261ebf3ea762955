/*
 * suggest.c
 *	  Suggesting indexes for a workload.
 */
#include "postgres.h"

#include <math.h>

#include "advisor/effort.h"
#include "advisor/pool.h"
#include "advisor/search.h"
#include "advisor/suggest.h"
#include "core/subtransaction.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "plan/margin.h"
#include "utils/timeout.h"
#include "utils/timestamp.h"

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
typedef struct Search
{
	PoWorkload *workload;
	PoPool	   *pool;
	TimestampTz deadline;		/* 0: none */
	ErrorData  *cancel;			/* what ends the call, or NULL */
} Search;

/* A statement that is to be planned with some indexes. */
typedef struct Planning
{
	PoAdvisorQuery *query;
	List	   *indexes;
	PoWhatIfReader read;		/* takes what is wanted of the plan */
	double		cost;			/* a result */
	List	   *used;			/* by read_used: those of the indexes */
	double		margin;			/* by read_margin: see po_margin_find */
} Planning;

/* Keeps which indexes a plan uses. */
static void
read_used(const PoWhatIf *whatif, void *arg)
{
	po_whatif_keep_used(whatif, &((Planning *) arg)->used);
}

/* Keeps what the gain of a plan rests on. */
static void
read_margin(const PoWhatIf *whatif, void *arg)
{
	Planning   *planning = (Planning *) arg;

	planning->margin = po_margin_find(whatif->plans, whatif->cost, planning->query->cost);
}

/* Plans a statement with some indexes. */
static void
plan_with_indexes(void *arg)
{
	Planning   *planning = (Planning *) arg;

	CHECK_FOR_INTERRUPTS();
	planning->cost = po_effort_plan(planning->query, planning->indexes, planning->read, planning);
}

/*
 * Plans a statement with some indexes.  A cancel ends the search but does not leave it:
 * it is kept, to be raised with the best so far.  From then on no index helps.
 */
static void
plan_unless_cancelled(Search *search, Planning *planning)
{
	ErrorData  *error;

	if (search->cancel != NULL)
		return;
	error = po_subtransaction_keep(plan_with_indexes, planning);
	if (error == NULL)
		return;
	if (error->sqlerrcode != ERRCODE_QUERY_CANCELED)
		ReThrowError(error);
	search->cancel = error;
}

/* Lists the indexes of a set of candidates. */
static List *
list_indexes(const Search *search, const PoSet *set)
{
	List	   *indexes = NIL;

	for (int c = 0; c < search->pool->ncandidates; c++)
	{
		if (po_set_has(set, c))
			indexes = lappend(indexes, search->pool->indexes[c]);
	}
	return indexes;
}

/* The search's cost function: plans the statement of a group with a set of candidates. */
static double
plan_with_set(void *arg, int query, const PoSet *set, PoSet *used)
{
	Search	   *search = (Search *) arg;
	PoAdvisorQuery *q = search->pool->groups[query].query;
	Planning	planning = {q, list_indexes(search, set), read_used, q->cost};

	if (planning.indexes == NIL)
		return q->cost;
	plan_unless_cancelled(search, &planning);
	for (int c = 0; c < search->pool->ncandidates; c++)
	{
		if (po_set_has(set, c) && list_member_ptr(planning.used, search->pool->indexes[c]))
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
	const Search *search = (const Search *) arg;

	return search->cancel != NULL ||
		(search->deadline != 0 && GetCurrentTimestamp() >= search->deadline);
}

/*
 * Plans the statements that were improved once more with all that is chosen, to tell what
 * the gain rests on, and, when that holds an expression, all statements: what the planner
 * learns of one can raise its estimates of statements that do not use the index; other
 * indexes make no plan dearer.  Returns the outcomes by group, or NULL when there is no
 * time and no expression.
 */
static PoOutcome *
plan_outcomes(Search *search, PoCostCache *cache, const PoSearchResult *result)
{
	PoSet		all = {{0}};
	bool		any = false;
	List	   *indexes;
	PoOutcome  *outcomes;

	for (int i = 0; i < result->nchosen; i++)
	{
		po_set_add(&all, result->chosen[i]);
		any |= search->pool->indexes[result->chosen[i]]->expressions != NIL;
	}
	if (result->stopped && !any)
		return NULL;
	indexes = list_indexes(search, &all);
	outcomes = palloc(sizeof(PoOutcome) * (search->pool->ngroups + 1));
	for (int g = 0; g < search->pool->ngroups; g++)
	{
		PoAdvisorQuery *query = search->pool->groups[g].query;
		double		cost = po_cost_cache_get(cache, g, &all, NULL);
		Planning	planning = {query, indexes, read_margin, cost, NIL, INFINITY};

		if (any || cost <= query->cost * (1 - PO_IMPROVED_SHARE))
		{
			cache->calls++;
			plan_unless_cancelled(search, &planning);
		}
		outcomes[g].cost = planning.cost;
		outcomes[g].margin = planning.margin;
	}
	return outcomes;
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
	Search		search = {.workload = workload};
	TimestampTz start = GetCurrentTimestamp();
	TimestampTz pool_deadline = 0;
	bool		pool_late;
	PoCostCache cache;
	PoSearchProblem problem = {0};
	PoSearchResult result;
	PoSet		none = {{0}};
	double		total = 0;
	PoAdvice	advice;
	List	   *suggestions;

	if (limit->ms >= 0)
	{
		search.deadline = TimestampTzPlusMilliseconds(start, limit->ms);
		pool_deadline = TimestampTzPlusMilliseconds(start, (int64) (limit->ms * POOL_TIME_SHARE));
	}
	search.pool = po_pool_build(workload, options->relation, pool_deadline);
	pool_late = pool_deadline != 0 && GetCurrentTimestamp() >= pool_deadline;
	po_cost_cache_init(&cache, search.pool->ngroups, search.pool->relevant,
					   plan_with_set, &search);

	problem.nqueries = search.pool->ngroups;
	problem.weights = collect_weights(search.pool);
	problem.ncandidates = search.pool->ncandidates;
	problem.candidates = search.pool->candidates;
	problem.cache = &cache;
	problem.budget = options->budget * (1 - BUDGET_RESERVE);
	problem.max_indexes = options->max_indexes;
	problem.brief = search.pool->brief;
	problem.max_calls = MAX_CALLS + problem.nqueries *
		(problem.brief ? MAX_CALLS_PER_STATEMENT_OF_MANY : MAX_CALLS_PER_STATEMENT);
	problem.stop = must_end;
	problem.stop_arg = &search;
	total = po_search_total(&problem, &none);
	problem.min_gain = total * options->min_improvement_pct / 100;
	problem.min_exchange = problem.min_gain * MIN_EXCHANGE_SHARE;

	po_search_run(&problem, &result);
	*stopped = result.stopped || pool_late;
	advice = (PoAdvice)
	{
		workload, search.pool, &cache, &result, plan_outcomes(&search, &cache, &result)
	};
	ereport(DEBUG1,
			(errmsg_internal("%d candidate indexes, " INT64_FORMAT " planner calls to find them, "
							 INT64_FORMAT " to choose, " INT64_FORMAT " costs known without",
							 problem.ncandidates, search.pool->planner_calls,
							 cache.calls, cache.hits)));
	suggestions = po_suggestion_make(&advice);
	if (search.cancel != NULL)
		raise_cancel(search.cancel, suggestions);
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
