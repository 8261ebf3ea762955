/*
 * suggest.c
 *	  Suggesting indexes for a workload.
 */
#include "postgres.h"

#include "advisor/pool.h"
#include "advisor/search.h"
#include "advisor/suggest.h"
#include "advisor/text.h"
#include "miscadmin.h"
#include "utils/timestamp.h"

/* A statement counts as improved when its cost falls by at least this share. */
#define IMPROVED_SHARE 0.01

/* Two indexes give way to one when the workload's cost grows by no more than this share. */
#define MIN_PRICE_SHARE 0.001

/* What the callbacks of the search need. */
typedef struct Advice
{
	PoWorkload *workload;
	PoPool	   *pool;
	TimestampTz deadline;		/* 0: none */
} Advice;

/* The search's cost function: plans one statement with a set of candidates. */
static double
plan_with_set(void *arg, int query, const PoSet *set, PoSet *used)
{
	Advice	   *advice = (Advice *) arg;
	PoAdvisorQuery *q = (PoAdvisorQuery *) list_nth(advice->workload->queries, query);
	List	   *indexes = NIL;
	List	   *used_indexes = NIL;
	double		cost;

	CHECK_FOR_INTERRUPTS();
	for (int c = 0; c < advice->pool->ncandidates; c++)
	{
		if (po_set_has(set, c))
			indexes = lappend(indexes, advice->pool->indexes[c]);
	}
	if (indexes == NIL)
		return q->cost;
	cost = po_workload_plan(q, indexes, &used_indexes);
	for (int c = 0; c < advice->pool->ncandidates; c++)
	{
		if (po_set_has(set, c) && list_member_ptr(used_indexes, advice->pool->indexes[c]))
			po_set_add(used, c);
	}
	list_free(indexes);
	list_free(used_indexes);
	return cost;
}

/* The search's stop function: the time limit has passed. */
static bool
out_of_time(void *arg)
{
	const Advice *advice = (const Advice *) arg;

	return advice->deadline != 0 && GetCurrentTimestamp() >= advice->deadline;
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
explain_suggestion(PoSuggestion *suggestion, PoWorkload *workload, PoCostCache *cache,
				   const PoSet *without, const PoSet *with)
{
	PoAdvisorQuery *best = NULL;
	double		best_saving = 0;
	double		best_before = 0;
	double		best_after = 0;
	ListCell   *lc;

	foreach(lc, workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);
		double		before = po_cost_cache_get(cache, foreach_current_index(lc), without, NULL);
		double		after = po_cost_cache_get(cache, foreach_current_index(lc), with, NULL);

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
									  list_length(workload->queries), best, best_before, best_after);
}

/* Turns the search's result into suggestions, best first. */
static List *
make_suggestions(const Advice *advice, PoCostCache *cache, const PoSearchResult *result)
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
		suggestion->index = advice->pool->indexes[c];
		suggestion->size_bytes = (int64) candidate->size;
		suggestion->cost_before = result->before;
		suggestion->cost_after = result->after[i];
		if (result->before > 0)
			suggestion->write_cost_pct = 100 * candidate->write_cost / result->before;
		explain_suggestion(suggestion, advice->workload, cache, &without, &with);
		suggestions = lappend(suggestions, suggestion);
	}
	return suggestions;
}

/* Returns the weights of the workload's queries as an array. */
static double *
collect_weights(const PoWorkload *workload)
{
	double	   *weights = palloc(sizeof(double) * (list_length(workload->queries) + 1));
	ListCell   *lc;

	foreach(lc, workload->queries)
		weights[foreach_current_index(lc)] = ((PoAdvisorQuery *) lfirst(lc))->weight;
	return weights;
}

/*
 * Suggests indexes for a workload: a list of PoSuggestion, best first, in the current
 * memory context.  *stopped says that the time limit ended the search early.  Raises
 * what planning raises.
 */
List *
po_suggest_indexes(PoWorkload *workload, const PoSuggestOptions *options, bool *stopped)
{
	Advice		advice = {workload, NULL, 0};
	PoCostCache cache;
	PoSearchProblem problem = {0};
	PoSearchResult result;
	PoSet		none = {{0}};
	double		total = 0;

	if (options->time_limit_ms >= 0)
		advice.deadline = TimestampTzPlusMilliseconds(GetCurrentTimestamp(), options->time_limit_ms);
	advice.pool = po_pool_build(workload, options->relation, advice.deadline);
	po_cost_cache_init(&cache, list_length(workload->queries), advice.pool->relevant,
					   plan_with_set, &advice);

	problem.nqueries = list_length(workload->queries);
	problem.weights = collect_weights(workload);
	problem.ncandidates = advice.pool->ncandidates;
	problem.candidates = advice.pool->candidates;
	problem.cache = &cache;
	problem.budget = (double) options->budget;
	problem.max_indexes = options->max_indexes;
	problem.stop = out_of_time;
	problem.stop_arg = &advice;
	total = po_search_total(&problem, &none);
	problem.min_gain = total * options->min_improvement_pct / 100;
	problem.min_price = total * MIN_PRICE_SHARE;

	po_search_run(&problem, &result);
	*stopped = result.stopped;
	ereport(DEBUG1,
			(errmsg_internal("%d candidate indexes, " INT64_FORMAT " planner calls to find them, "
							 INT64_FORMAT " to choose, " INT64_FORMAT " costs known without",
							 problem.ncandidates, advice.pool->planner_calls,
							 cache.calls, cache.hits)));
	return make_suggestions(&advice, &cache, &result);
}
