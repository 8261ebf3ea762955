/*
 * view_query.c
 *	  A materialized view's query, and working as the view's owner.
 */
#include "postgres.h"

#include "catalog/pg_inherits.h"
#include "core/compat.h"
#include "core/setting.h"
#include "matview/view_query.h"
#include "miscadmin.h"
#include "nodes/nodeFuncs.h"
#include "rewrite/prs2lock.h"
#include "rewrite/rewriteHandler.h"
#include "utils/guc.h"
#include "utils/rel.h"

/*
 * Gives settings (names and values in turn, as char *) their values until
 * po_view_query_unpin.
 */
int
po_view_query_pin(List *settings)
{
	int			level = NewGUCNestLevel();

	for (int i = 0; i < list_length(settings); i += 2)
		po_setting_for_level(list_nth(settings, i), list_nth(settings, i + 1));
	return level;
}

/* Gives the settings back the values that they had before po_view_query_pin. */
void
po_view_query_unpin(int level)
{
	AtEOXact_GUC(false, level);
}

/*
 * Becomes the view's owner as REFRESH does: no temporary objects, no SET ROLE,
 * setting changes undone at the end, and from 17 on a safe search_path.
 */
void
po_view_query_become_owner(Relation matview, PoOwnerWork *work)
{
	GetUserIdAndSecContext(&work->userid, &work->sec_context);
	SetUserIdAndSecContext(matview->rd_rel->relowner,
						   work->sec_context | SECURITY_RESTRICTED_OPERATION);
	work->guc_level = NewGUCNestLevel();
	PO_RESTRICT_SEARCH_PATH();
}

/* Goes back to who we were before po_view_query_become_owner. */
void
po_view_query_be_oneself(PoOwnerWork *work)
{
	AtEOXact_GUC(false, work->guc_level);
	SetUserIdAndSecContext(work->userid, work->sec_context);
}

/* Returns a private copy of the view's stored query. */
static Query *
copy_stored(Relation matview)
{
	RewriteRule *rule;

	if (!matview->rd_rel->relhasrules || matview->rd_rules->numLocks != 1)
		elog(ERROR, "materialized view \"%s\" does not have one rule",
			 RelationGetRelationName(matview));
	rule = matview->rd_rules->rules[0];
	if (rule->event != CMD_SELECT || !rule->isInstead || list_length(rule->actions) != 1)
		elog(ERROR, "the rule of materialized view \"%s\" is not a SELECT",
			 RelationGetRelationName(matview));
	return copyObject(linitial_node(Query, rule->actions));
}

/* query_tree_walker callback: locks the partitions and children of what a query reads. */
static bool
lock_children(Node *node, void *arg)
{
	if (node == NULL)
		return false;
	if (IsA(node, RangeTblEntry))
	{
		RangeTblEntry *rte = (RangeTblEntry *) node;

		if (rte->rtekind == RTE_RELATION && rte->inh && has_subclass(rte->relid))
			list_free(find_all_inheritors(rte->relid, AccessShareLock, NULL));
		return false;
	}
	if (IsA(node, Query))
		return query_tree_walker((Query *) node, lock_children, arg, QTW_EXAMINE_RTES_BEFORE);
	return expression_tree_walker(node, lock_children, arg);
}

/*
 * Locks what the view's query reads, partitions too, expands the views in it
 * and returns it.
 */
Query *
po_view_query_rewrite(Relation matview)
{
	Query	   *query = copy_stored(matview);
	List	   *rewritten;

	AcquireRewriteLocks(query, true, false);
	rewritten = QueryRewrite(query);
	if (list_length(rewritten) != 1)
		elog(ERROR, "unexpected rewrite result for materialized view \"%s\"",
			 RelationGetRelationName(matview));
	query = linitial_node(Query, rewritten);
	(void) lock_children((Node *) query, NULL);
	return query;
}
