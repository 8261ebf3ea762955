/*
 * views.c
 *	  Suggesting materialized views for aggregates that a workload computes again and again.
 *
 * The server does not rewrite statements to read views, so a suggestion is a view, and
 * the statements that could read it instead; what that would cost is estimated from the
 * view's expected rows and width.
 */
#include "postgres.h"

#include <math.h>

#include "access/htup_details.h"
#include "advisor/aggregate.h"
#include "advisor/text.h"
#include "advisor/views.h"
#include "commands/defrem.h"
#include "lib/stringinfo.h"
#include "miscadmin.h"
#include "optimizer/cost.h"
#include "optimizer/optimizer.h"
#include "plan/query.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* A view must save this share of the workload's cost. */
#define MIN_SAVING 0.01

/* A statement reads a view when that costs no more than this share of what it costs now. */
#define MAX_READ_SHARE 0.5

/* A statement that costs less needs no view. */
#define MIN_COST 100.0

/* Pages of a table are filled to this share. */
#define PAGE_FILL 0.95

/* A second of work is about so many of the planner's units. */
#define UNITS_PER_SECOND 100000.0

/* A refresh may take this share of the time between two. */
#define REFRESH_SHARE 0.01

/* A view and the statements that could read it. */
typedef struct Candidate
{
	const char *sql;
	Oid			relid;
	const List *keys;
	const List *filters;
	List	   *aggregates;		/* PoAggregate */
	double		rows;
	double		pages;
	double		refresh_cost;
	bool		chosen;
} Candidate;

/* Returns the query of the view that serves an aggregate in a group of like ones. */
static const PoAggregateView *
view_of(const PoAggregate *aggregate, bool open)
{
	return open ? &aggregate->open : &aggregate->fixed;
}

/* Tells whether aggregates that differ in constants only differ in them at all. */
static bool
constants_differ(List *aggregates)
{
	const char *first = ((const PoAggregate *) linitial(aggregates))->fixed.sql;
	ListCell   *lc;

	foreach(lc, aggregates)
	{
		if (strcmp(((const PoAggregate *) lfirst(lc))->fixed.sql, first) != 0)
			return true;
	}
	return false;
}

/* Makes the candidate of a group of aggregates that one view can answer. */
static Candidate *
make_candidate(List *aggregates)
{
	Candidate  *candidate = palloc0(sizeof(Candidate));
	const PoAggregate *first = (const PoAggregate *) linitial(aggregates);
	const PoAggregateView *view = view_of(first, constants_differ(aggregates));

	candidate->sql = view->sql;
	candidate->relid = first->relid;
	candidate->keys = view->keys;
	candidate->filters = view->filters;
	candidate->aggregates = aggregates;
	return candidate;
}

/* Puts aggregates that one view can answer together. */
static List *
group_aggregates(List *aggregates)
{
	List	   *groups = NIL;	/* lists of PoAggregate */
	List	   *candidates = NIL;
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, aggregates)
	{
		const PoAggregate *aggregate = (const PoAggregate *) lfirst(lc);
		bool		found = false;

		foreach(lc2, groups)
		{
			List	   *group = (List *) lfirst(lc2);

			if (strcmp(((const PoAggregate *) linitial(group))->open.sql, aggregate->open.sql) != 0)
				continue;
			lfirst(lc2) = lappend(group, unconstify(PoAggregate *, aggregate));
			found = true;
			break;
		}
		if (!found)
			groups = lappend(groups, list_make1(unconstify(PoAggregate *, aggregate)));
	}
	foreach(lc, groups)
		candidates = lappend(candidates, make_candidate((List *) lfirst(lc)));
	return candidates;
}

/* Plans a query as the role of a statement; fills rows and width, returns the cost. */
static double
plan_sql(const PoAdvisorQuery *query, const char *sql, bool with_params, double *rows, int *width)
{
	PoRoleScope scope;
	PoParams	params = {.nvalues = -1};
	PoStatement *statement;
	Plan	   *plan;

	if (with_params)
	{
		params.ntypes = query->statement->nparams;
		params.types = query->statement->param_types;
	}
	po_workload_enter_role(query, &scope);
	statement = po_query_parse(sql, &params);
	plan = po_query_plan(statement)->planTree;
	po_workload_leave_role(&scope);
	*rows = plan->plan_rows;
	*width = plan->plan_width;
	return plan->total_cost;
}

/* Estimates a candidate's rows, pages and what a refresh costs. */
static void
estimate_candidate(Candidate *candidate)
{
	const PoAggregate *first = (const PoAggregate *) linitial(candidate->aggregates);
	int			width;

	candidate->refresh_cost = plan_sql(first->query, candidate->sql, false, &candidate->rows, &width);
	candidate->pages = ceil(candidate->rows *
							(MAXALIGN(SizeofHeapTupleHeader) + MAXALIGN(width) + sizeof(ItemIdData)) /
							(BLCKSZ * PAGE_FILL));
}

/* What reading a view costs: all of it, or the rows of one value by its unique index. */
static double
read_cost(const Candidate *candidate, const PoAggregate *aggregate, double result_rows)
{
	bool		open = candidate->sql == aggregate->open.sql ||
	strcmp(candidate->sql, aggregate->open.sql) == 0;
	const PoAggregateView *view = view_of(aggregate, open);
	double		rows = candidate->rows;
	double		cost = candidate->pages * seq_page_cost + rows * cpu_tuple_cost;

	if (view->filters != NIL && view->looked_up)
	{
		double		found = Min(result_rows, rows);

		cost = Min(cost, 2 * random_page_cost + Min(found, candidate->pages) * random_page_cost +
				   found * (cpu_tuple_cost + cpu_index_tuple_cost));
		rows = found;
	}
	else if (view->filters != NIL)
		cost += rows * cpu_operator_cost * 2;
	if (aggregate->sorted && rows > 1)
		cost += rows * log2(rows) * 2 * cpu_operator_cost;
	return cost;
}

/* Returns what the statement of an aggregate costs when it reads the view. */
static double
cost_with_view(const Candidate *candidate, const PoAggregate *aggregate)
{
	double		rows;
	int			width;
	double		cost = plan_sql(aggregate->query, aggregate->sql, true, &rows, &width);
	double		rest = aggregate->whole ? 0 : Max(aggregate->query->cost - cost, 0);

	return rest + read_cost(candidate, aggregate, rows);
}

/* Finds the aggregates of a candidate that are worth reading from it; returns what that saves. */
static double
count_saving(const Candidate *candidate, List **readers)
{
	double		saving = 0;
	ListCell   *lc;

	*readers = NIL;
	foreach(lc, candidate->aggregates)
	{
		PoAggregate *aggregate = (PoAggregate *) lfirst(lc);
		double		after = cost_with_view(candidate, aggregate);

		CHECK_FOR_INTERRUPTS();
		if (aggregate->query->cost < MIN_COST || after > aggregate->query->cost * MAX_READ_SHARE ||
			list_member_ptr(*readers, aggregate->query))
			continue;
		*readers = lappend(*readers, aggregate->query);
		saving += (aggregate->query->cost - after) * aggregate->query->weight;
	}
	return saving;
}

/* Returns how often to refresh: as often as a refresh takes no more than its share of the time. */
static const char *
choose_schedule(double refresh_cost)
{
	static const struct
	{
		const char *schedule;
		double		seconds;
	}			schedules[] = {
		{"every 1 minute", 60},
		{"every 5 minutes", 300},
		{"every 15 minutes", 900},
		{"@hourly", 3600},
		{"0 */6 * * *", 6 * 3600},
	};

	for (int i = 0; i < lengthof(schedules); i++)
	{
		if (refresh_cost / UNITS_PER_SECOND <= schedules[i].seconds * REFRESH_SHARE)
			return schedules[i].schedule;
	}
	return "@daily";
}

/* Returns names as a list of quoted columns. */
static char *
join_names(const List *names, const char *separator, bool quote)
{
	StringInfoData list;
	ListCell   *lc;

	initStringInfo(&list);
	foreach(lc, names)
		appendStringInfo(&list, "%s%s", list.len > 0 ? separator : "",
						 quote ? quote_identifier((const char *) lfirst(lc)) : (const char *) lfirst(lc));
	return list.data;
}

/* Returns a qualified name that no relation and no earlier suggestion has. */
static char *
choose_name(const Candidate *candidate, List **names)
{
	Oid			schema = get_rel_namespace(candidate->relid);
	char	   *name;

	for (int i = 0;; i++)
	{
		name = ChooseRelationName(get_rel_name(candidate->relid), join_names(candidate->keys, "_", false),
								  i == 0 ? "summary" : psprintf("summary%d", i), schema, false);
		if (!list_member(*names, makeString(name)))
			break;
	}
	*names = lappend(*names, makeString(name));
	return quote_qualified_identifier(get_namespace_name(schema), name);
}

/* Says what the view is good for. */
static char *
write_reason(const Candidate *candidate, const List *readers)
{
	const PoAdvisorQuery *best = NULL;
	ListCell   *lc;

	foreach(lc, readers)
	{
		const PoAdvisorQuery *query = (const PoAdvisorQuery *) lfirst(lc);

		if (best == NULL || query->cost * query->weight > best->cost * best->weight)
			best = query;
	}
	return psprintf("%d of the statements can read this instead of computing it, most of all \"%s\" (cost %.0f)%s%s; a refresh costs %.0f.",
					list_length(readers), po_text_short(best->text), best->cost,
					candidate->filters != NIL ? ", with their conditions on " : "",
					candidate->filters != NIL ? join_names(candidate->filters, ", ", true) : "",
					candidate->refresh_cost);
}

/* Returns the columns of the unique index: first those that statements look rows up by. */
static List *
index_columns(const Candidate *candidate)
{
	List	   *columns = list_copy(candidate->filters);
	ListCell   *lc;
	ListCell   *lc2;

	foreach(lc, candidate->keys)
	{
		bool		there = false;

		foreach(lc2, candidate->filters)
			there = there || strcmp((const char *) lfirst(lc), (const char *) lfirst(lc2)) == 0;
		if (!there)
			columns = lappend(columns, lfirst(lc));
	}
	return columns;
}

/* Turns the chosen candidate into a suggestion. */
static PoViewAdvice *
make_advice(const Candidate *candidate, List *readers, List **names)
{
	PoViewAdvice *advice = palloc0(sizeof(PoViewAdvice));
	char	   *name = choose_name(candidate, names);

	advice->definition = psprintf("CREATE MATERIALIZED VIEW %s AS %s", name, candidate->sql);
	advice->unique_index = psprintf("CREATE UNIQUE INDEX ON %s (%s)", name,
									join_names(index_columns(candidate), ", ", true));
	advice->rows = candidate->rows;
	advice->size_bytes = (int64) candidate->pages * BLCKSZ;
	advice->queries = readers;
	advice->schedule = choose_schedule(candidate->refresh_cost);
	advice->reason = write_reason(candidate, readers);
	return advice;
}

/* Returns the candidate that saves most of those not chosen; NULL when none saves enough. */
static Candidate *
best_candidate(List *candidates, double enough, List **readers, double *saving)
{
	Candidate  *best = NULL;
	ListCell   *lc;

	*saving = enough;
	foreach(lc, candidates)
	{
		Candidate  *candidate = (Candidate *) lfirst(lc);
		List	   *of_this = NIL;
		double		saved = candidate->chosen ? 0 : count_saving(candidate, &of_this);

		if (saved <= *saving)
			continue;
		best = candidate;
		*saving = saved;
		*readers = of_this;
	}
	return best;
}

/* Collects the candidates of a workload. */
static List *
collect_candidates(const PoWorkload *workload)
{
	List	   *aggregates = NIL;
	List	   *candidates;
	ListCell   *lc;

	foreach(lc, workload->queries)
	{
		PoAdvisorQuery *query = (PoAdvisorQuery *) lfirst(lc);
		PoRoleScope scope;

		CHECK_FOR_INTERRUPTS();
		po_workload_enter_role(query, &scope);
		aggregates = list_concat(aggregates, po_aggregate_collect(query, workload->measured));
		po_workload_leave_role(&scope);
	}
	candidates = group_aggregates(aggregates);
	foreach(lc, candidates)
		estimate_candidate((Candidate *) lfirst(lc));
	return candidates;
}

/*
 * Suggests materialized views for a workload: a list of PoViewAdvice, best first, in
 * the current memory context.
 */
List *
po_views_suggest(const PoWorkload *workload, int max_views)
{
	List	   *candidates = collect_candidates(workload);
	List	   *advices = NIL;
	List	   *names = NIL;
	double		before = 0;
	double		after;
	ListCell   *lc;

	foreach(lc, workload->queries)
		before += ((const PoAdvisorQuery *) lfirst(lc))->cost * ((const PoAdvisorQuery *) lfirst(lc))->weight;
	after = before;
	while (list_length(advices) < max_views)
	{
		List	   *readers = NIL;
		double		saving;
		Candidate  *best = best_candidate(candidates, before * MIN_SAVING, &readers, &saving);
		PoViewAdvice *advice;

		if (best == NULL)
			break;
		best->chosen = true;
		after -= saving;
		advice = make_advice(best, readers, &names);
		advice->cost_before = before;
		advice->cost_after = after;
		advices = lappend(advices, advice);
	}
	return advices;
}
