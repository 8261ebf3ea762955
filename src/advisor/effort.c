/*
 * effort.c
 *	  Planning statements with many joins in bearable time.
 *
 * The planner tries joins in every sequence within groups of join_collapse_limit
 * relations, and with each index that could serve the inner side.  With many
 * hypothetical indexes that takes a second for one statement of a dozen joins.  So
 * statements with many relations are planned with smaller groups, with and without
 * indexes alike: costs stay comparable.
 */
#include "postgres.h"

#include "advisor/effort.h"
#include "core/setting.h"
#include "nodes/nodeFuncs.h"
#include "optimizer/geqo.h"
#include "optimizer/paths.h"
#include "optimizer/planmain.h"
#include "utils/guc.h"

/* Statements with more relations than this are planned with groups of so many. */
#define MANY_RELATIONS 10
#define SMALL_GROUP "3"

/* Counts the relations of a query and those of its sub-selects. */
static bool
count_relations(Node *node, void *count)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		if (((RangeTblEntry *) node)->rtekind == RTE_RELATION)
			++* (int *) count;
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, count_relations, count, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, count_relations, count);
}

/* Returns the number of relations that a statement names, views expanded: a measure of what planning it takes. */
int
po_effort_relations(const PoAdvisorQuery *query)
{
	int			count = 0;
	ListCell   *lc;

	foreach(lc, query->statement->queries)
		count_relations((Node *) lfirst(lc), &count);
	return count;
}

/* Says whether a statement is planned with less effort than the session would take. */
bool
po_effort_is_reduced(const PoAdvisorQuery *query)
{
	return po_effort_relations(query) > MANY_RELATIONS;
}

/* Sets a limit for the rest of the nest level unless it is stricter already. */
static void
lower_limit(const char *name, int current)
{
	if (current > atoi(SMALL_GROUP))
		po_setting_for_level(name, SMALL_GROUP);
}

/* Like po_workload_plan, with small groups of joins where there are many relations. */
double
po_effort_plan(PoAdvisorQuery *query, List *indexes, PoWhatIfReader read, void *arg)
{
	int			level;
	double		cost;

	if (!po_effort_is_reduced(query))
		return po_workload_plan(query, indexes, read, arg);
	level = NewGUCNestLevel();
	lower_limit("join_collapse_limit", join_collapse_limit);
	lower_limit("from_collapse_limit", from_collapse_limit);

	/*
	 * A list of relations that the text itself does not group: joined by the
	 * genetic optimizer, which is deterministic.
	 */
	po_setting_for_level("geqo", "on");
	po_setting_for_level("geqo_threshold", "6");
	po_setting_for_level("geqo_effort", "1");
	cost = po_workload_plan(query, indexes, read, arg);
	AtEOXact_GUC(true, level);
	return cost;
}
