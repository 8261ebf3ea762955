/*
 * suggestion.c
 *	  What is said of the indexes that a search has chosen.
 */
#include "postgres.h"

#include "advisor/suggestion.h"
#include "advisor/text.h"
#include "catalog/pg_class.h"
#include "core/relname.h"
#include "lib/stringinfo.h"
#include "plan/access.h"
#include "utils/lsyscache.h"

/* A statement counts as made worse when its cost rises by more than this share. */
#define WORSE_SHARE 0.1

/*
 * A gain that is gone with so many times the rows that joins are expected to give is in
 * doubt.  Of TPC-H the statements that indexes make slower have 1.2 to 10.5, the others
 * but one 24 and more.
 */
#define DOUBTFUL_MARGIN 16

/* So many statements are named in one reason. */
#define DOUBTS_SHOWN 5

/* Suggestions that are being made. */
typedef struct Making
{
	const PoAdvice *advice;
	PoSuggestion **savers;		/* of each group: which saves it most */
	double	   *saved;			/* and how much */
} Making;

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
explain_suggestion(Making *making, PoSuggestion *suggestion, const PoSet *without, const PoSet *with)
{
	const PoAdvice *advice = making->advice;
	PoAdvisorQuery *best = NULL;
	double		best_saving = 0;
	double		best_before = 0;
	double		best_after = 0;
	ListCell   *lc;

	foreach(lc, advice->workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);
		int			group = advice->pool->group_of[foreach_current_index(lc)];
		double		before = po_cost_cache_get(advice->cache, group, without, NULL);
		double		after = po_cost_cache_get(advice->cache, group, with, NULL);

		if (after > before * (1 - PO_IMPROVED_SHARE))
			continue;
		suggestion->improved = lappend(suggestion->improved, query);
		if (before - after > making->saved[group])
		{
			making->saved[group] = before - after;
			making->savers[group] = suggestion;
		}
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
 * Adds to a reason of which statements the gain, most of which is due to this suggestion,
 * stands and falls with the planner's estimates of joins (see plan/margin.c), and by which
 * factor these may be wrong.
 */
static const char *
add_doubts(const Making *making, const PoSuggestion *suggestion)
{
	const PoAdvice *advice = making->advice;
	StringInfoData statements;
	int			n = 0;
	ListCell   *lc;

	initStringInfo(&statements);
	foreach(lc, advice->workload->queries)
	{
		int			group = advice->pool->group_of[foreach_current_index(lc)];
		double		margin = advice->outcomes[group].margin;

		if (making->savers[group] != suggestion || margin >= DOUBTFUL_MARGIN || n++ >= DOUBTS_SHOWN)
			continue;
		appendStringInfo(&statements, "%s\"%s\" (%.1f)", n == 1 ? "" : ", ",
						 po_text_short(((const PoAdvisorQuery *) lfirst(lc))->text), margin);
	}
	if (n == 0)
		return suggestion->reason;
	if (n > DOUBTS_SHOWN)
		appendStringInfo(&statements, " and %d more", n - DOUBTS_SHOWN);
	return psprintf("%s The gain of %s rests on the rows that the planner expects of joins: with so many times as many there would be none. verify_suggestion measures it.",
					suggestion->reason, statements.data);
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
add_worse(const char *reason, const PoHypoIndex *index, const PoAdvice *advice)
{
	const PoStatementGroup *worst = NULL;
	double		rise = 0;
	double		after = 0;
	int			n = 0;

	if (index->expressions == NIL || advice->outcomes == NULL)
		return reason;
	for (int i = 0; i < list_length(advice->workload->queries); i++)
	{
		int			g = advice->pool->group_of[i];
		const PoStatementGroup *group = &advice->pool->groups[g];
		double		cost = advice->outcomes[g].cost;

		if (cost <= group->query->cost * (1 + WORSE_SHARE) || !reads_table(group->query, index->relid))
			continue;
		n++;
		if (worst == NULL || (cost - group->query->cost) * group->weight > rise)
		{
			worst = group;
			rise = (cost - group->query->cost) * group->weight;
			after = cost;
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

/* Makes one suggestion, with the statements that it makes cheaper. */
static PoSuggestion *
make_suggestion(Making *making, int i, PoSet *with)
{
	const PoAdvice *advice = making->advice;
	const PoSearchResult *result = advice->result;
	int			c = result->chosen[i];
	const PoSearchCandidate *candidate = &advice->pool->candidates[c];
	PoSuggestion *suggestion = palloc0(sizeof(PoSuggestion));
	PoSet		without = *with;

	po_set_add(with, c);
	po_pool_describe(advice->pool, c);
	suggestion->index = advice->pool->indexes[c];
	suggestion->size_bytes = (int64) candidate->size;
	suggestion->cost_before = result->before;
	suggestion->cost_after = result->after[i];
	if (result->before > 0)
		suggestion->write_cost_pct = 100 * candidate->write_cost / result->before;
	explain_suggestion(making, suggestion, &without, with);
	return suggestion;
}

/* Turns what a search has chosen into a list of PoSuggestion, best first. */
List *
po_suggestion_make(const PoAdvice *advice)
{
	Making		making = {advice};
	List	   *suggestions = NIL;
	PoSet		with = {{0}};
	ListCell   *lc;

	making.savers = palloc0(sizeof(PoSuggestion *) * (advice->pool->ngroups + 1));
	making.saved = palloc0(sizeof(double) * (advice->pool->ngroups + 1));
	for (int i = 0; i < advice->result->nchosen; i++)
		suggestions = lappend(suggestions, make_suggestion(&making, i, &with));
	foreach(lc, suggestions)
	{
		PoSuggestion *suggestion = (PoSuggestion *) lfirst(lc);
		int			c = advice->result->chosen[foreach_current_index(lc)];

		if (advice->outcomes != NULL)
			suggestion->reason = add_doubts(&making, suggestion);
		suggestion->reason = add_worse(suggestion->reason, suggestion->index, advice);
		suggestion->reason = add_analyze(suggestion->reason, suggestion->index);
		suggestion->reason = add_superfluous(suggestion->reason, advice->pool->superfluous[c]);
	}
	return suggestions;
}
