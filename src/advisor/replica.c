/*
 * replica.c
 *	  What keeps a statement from running on a replica.
 *
 * A function that is declared volatile may write, as far as one can know; a few of the
 * server's own are known not to.
 */
#include "postgres.h"

#include "access/transam.h"
#include "advisor/replica.h"
#include "catalog/pg_class.h"
#include "catalog/pg_proc.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

/* What the walk over a statement finds. */
typedef struct Findings
{
	char	   *obstacle;		/* the first */
	bool		has_tables;		/* it reads tables other than the server's */
	bool		has_catalogs;
} Findings;

/* Tells whether a volatile function of the server only reads. */
static bool
only_reads(Oid function)
{
	static const char *const names[] = {"random", "random_normal", "setseed", "clock_timestamp", "timeofday",
	"gen_random_uuid", "uuidv4", "uuidv7", "pg_sleep", "set_config"};
	char	   *name = get_func_name(function);

	for (int i = 0; function < FirstNormalObjectId && name != NULL && i < lengthof(names); i++)
		if (strcmp(name, names[i]) == 0)
			return true;
	return false;
}

/* The checker of functions: notes one that may write. */
static bool
check_function(Oid function, void *arg)
{
	Findings   *findings = (Findings *) arg;

	if (func_volatile(function) != PROVOLATILE_VOLATILE || only_reads(function))
		return false;
	findings->obstacle = psprintf("it calls %s(), which may write", get_func_name(function));
	return true;
}

/* Notes a relation; true ends the walk. */
static bool
check_relation(const RangeTblEntry *rte, Findings *findings)
{
	if (rte->rtekind != RTE_RELATION || rte->relkind == RELKIND_VIEW)
		return false;
	if (rte->relid < FirstNormalObjectId)
		findings->has_catalogs = true;
	else
		findings->has_tables = true;
	if (get_rel_persistence(rte->relid) == RELPERSISTENCE_PERMANENT)
		return false;
	findings->obstacle = psprintf("%s is not on a replica, being temporary or unlogged",
								  quote_identifier(get_rel_name(rte->relid)));
	return true;
}

/* Walks over every part of a query; true when an obstacle was found. */
static bool
walk(Node *node, void *arg)
{
	Findings   *findings = (Findings *) arg;
	Query	   *query = (Query *) node;

	if (node == NULL)
		return false;
	check_stack_depth();
	if (IsA(node, RangeTblEntry))
		return check_relation((RangeTblEntry *) node, findings);
	if (!IsA(node, Query))
		return check_functions_in_node(node, check_function, findings) ||
			expression_tree_walker(node, walk, findings);
	if (query->commandType != CMD_SELECT || query->hasModifyingCTE)
		findings->obstacle = pstrdup("it writes");
	else if (query->hasForUpdate)
		findings->obstacle = pstrdup("it locks rows");
	return findings->obstacle != NULL || query_tree_walker(query, walk, findings, QTW_EXAMINE_RTES_BEFORE);
}

/* Returns what keeps an analysed statement from running on a replica, a clause; NULL when nothing does. */
char *
po_replica_obstacle(const PoStatement *statement)
{
	Findings	findings = {0};
	ListCell   *lc;

	foreach(lc, statement->queries)
		if (walk((Node *) lfirst(lc), &findings))
		return findings.obstacle;
	if (findings.has_catalogs && !findings.has_tables)
		return pstrdup("it asks about this server");
	return NULL;
}
