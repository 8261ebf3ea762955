/*
 * whatif.c
 *	  What a statement would cost with indexes that do not exist, or without some that do.
 *
 * Each call plans the statement inside a scope of its own (see hypo.c).  The plans
 * are handed to the caller or thrown away; they never reach a plan cache.
 */
#include "postgres.h"

#include "commands/explain.h"
#include "plan/index_use.h"
#include "plan/whatif.h"
#include "utils/memutils.h"

static explain_get_index_name_hook_type prev_index_name_hook = NULL;

/* The result whose hypothetical indexes have names at present, or NULL. */
static const PoWhatIf *shown = NULL;

/*
 * Plans the statement inside the result's scope and keeps the plans there; the
 * statement's own plans and parameters are as before, also when planning fails.
 */
static void
plan_in_scope(PoStatement *statement, PoWhatIf *whatif)
{
	PoHypoScope *scope = &whatif->scope;
	ParamListInfo params = statement->params;
	List	   *old_plans = statement->plans;
	PlannedStmt *old_plan = statement->plan;
	double		old_ms = statement->planning_ms;

	/*
	 * A statement without values gets an empty list of them, so that the
	 * scope has a key.
	 */
	scope->key = params != NULL ? params : makeParamList(0);
	statement->params = scope->key;
	po_hypo_enter(scope);
	PG_TRY();
	{
		po_query_plan(statement);
		whatif->plans = statement->plans;
	}
	PG_FINALLY();
	{
		po_hypo_leave(scope);
		statement->params = params;
		statement->plans = old_plans;
		statement->plan = old_plan;
		statement->planning_ms = old_ms;
	}
	PG_END_TRY();
}

/* Tells hypothetical from real among the indexes that the plans scan. */
static void
collect_used(PoWhatIf *whatif)
{
	ListCell   *lc;

	foreach(lc, po_index_use_collect(whatif->plans))
	{
		PoHypoEntry *entry = po_hypo_find(&whatif->scope, lfirst_oid(lc));

		if (entry != NULL)
			whatif->used = list_append_unique_ptr(whatif->used, entry->index);
		else
			whatif->used_oids = lappend_oid(whatif->used_oids, lfirst_oid(lc));
	}
}

/*
 * Plans a statement with PoHypoIndexes added and real indexes (OIDs) hidden.  The
 * result lives in the current memory context and refers to the indexes given.
 * Needs an active snapshot; raises what planning the statement raises.
 */
PoWhatIf *
po_whatif_plan(PoStatement *statement, List *indexes, List *hidden)
{
	PoWhatIf   *whatif = palloc0(sizeof(PoWhatIf));

	whatif->scope.indexes = indexes;
	whatif->scope.hidden = hidden;
	whatif->scope.context = CurrentMemoryContext;
	plan_in_scope(statement, whatif);
	whatif->cost = po_query_total_cost(whatif->plans);
	collect_used(whatif);
	return whatif;
}

/*
 * Like po_whatif_plan, but returns the cost alone and frees the plans.  read, unless
 * NULL, sees the result before, in the caller's memory context.
 */
double
po_whatif_read(PoStatement *statement, List *indexes, List *hidden, PoWhatIfReader read, void *arg)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer what-if",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	PoWhatIf   *whatif = po_whatif_plan(statement, indexes, hidden);
	double		cost = whatif->cost;

	MemoryContextSwitchTo(old);
	if (read != NULL)
		read(whatif, arg);
	MemoryContextDelete(scratch);
	return cost;
}

/* A reader that keeps the list of those hypothetical indexes that the plans scan. */
void
po_whatif_keep_used(const PoWhatIf *whatif, void *used)
{
	*(List **) used = list_copy(whatif->used);
}

/* Like po_whatif_read with po_whatif_keep_used. */
double
po_whatif_cost(PoStatement *statement, List *indexes, List *hidden, List **used)
{
	return po_whatif_read(statement, indexes, hidden, used != NULL ? po_whatif_keep_used : NULL, used);
}

/*
 * Plans a statement as things are, calls visit for each relation on the way, and
 * returns the cost.  The visitor runs in a memory context that goes away; what it
 * keeps it must allocate elsewhere.
 */
double
po_whatif_visit(PoStatement *statement, PoHypoVisit visit, void *arg)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer visit",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(scratch);
	PoWhatIf   *whatif = palloc0(sizeof(PoWhatIf));
	double		cost;

	whatif->scope.context = scratch;
	whatif->scope.visit = visit;
	whatif->scope.visit_arg = arg;
	plan_in_scope(statement, whatif);
	cost = po_query_total_cost(whatif->plans);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(scratch);
	return cost;
}

/*
 * Makes readers of plans know the names of a result's hypothetical indexes; NULL ends
 * that.  End it in PG_FINALLY.
 */
void
po_whatif_show_names(const PoWhatIf *whatif)
{
	shown = whatif;
}

/* EXPLAIN's hook for index names: answers for hypothetical indexes that are being shown. */
static const char *
index_name(Oid indexoid)
{
	PoHypoEntry *entry = shown != NULL ? po_hypo_find(&shown->scope, indexoid) : NULL;

	if (entry != NULL)
		return entry->index->name;
	return prev_index_name_hook ? prev_index_name_hook(indexoid) : NULL;
}

/* Installs the hook for index names; called once when the library is loaded. */
void
po_whatif_init(void)
{
	prev_index_name_hook = explain_get_index_name_hook;
	explain_get_index_name_hook = index_name;
}
