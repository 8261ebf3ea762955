/*
 * hypo.c
 *	  Showing hypothetical indexes to the planner, and hiding real ones.
 *
 * The planner asks a hook to edit what it knows of each relation.  Ours adds and
 * removes indexes, but only inside a scope: the stretch of one planner call of
 * ours.  Planning can run user code that plans other statements (an immutable
 * function is folded), and their plans may be cached for the session, so a scope
 * must not reach them.  It is recognized by the parameter list that the planner
 * call was given: its address is private to the scope, and all levels of one
 * planner call share it through the planner's global state.
 *
 * A second hook gives the statistics that an expression of such an index would have.
 *
 * The OIDs that stand for hypothetical indexes in a plan count down from the top
 * of the OID space and are checked against pg_class, so that nothing that looks
 * one up finds another relation.  The planner itself opens no index that is marked
 * hypothetical.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "catalog/partition.h"
#include "core/compat.h"
#include "optimizer/pathnode.h"
#include "optimizer/paths.h"
#include "optimizer/plancat.h"
#include "plan/hypo.h"
#include "plan/hypo_info.h"
#include "utils/lsyscache.h"
#include "utils/selfuncs.h"
#include "utils/syscache.h"

static PO_RELATION_INFO_HOOK_TYPE prev_relation_info_hook = NULL;
static set_rel_pathlist_hook_type prev_set_rel_pathlist_hook = NULL;
static get_index_stats_hook_type prev_get_index_stats_hook = NULL;

/* The innermost scope that was entered, or NULL. */
static PoHypoScope *active_scope = NULL;

/* Starts a scope for the planner calls that get scope->key; always pair with po_hypo_leave. */
void
po_hypo_enter(PoHypoScope *scope)
{
	Assert(scope->key != NULL && scope->context != NULL);
	scope->outer = active_scope;
	active_scope = scope;
}

/* Ends a scope, in the error path too: call it in PG_FINALLY. */
void
po_hypo_leave(PoHypoScope *scope)
{
	active_scope = scope->outer;
}

/* Returns the entry that an index OID of a plan stands for, or NULL for a real index. */
PoHypoEntry *
po_hypo_find(const PoHypoScope *scope, Oid indexoid)
{
	ListCell   *lc;

	foreach(lc, scope->entries)
	{
		PoHypoEntry *entry = (PoHypoEntry *) lfirst(lc);

		if (entry->indexoid == indexoid)
			return entry;
	}
	return NULL;
}

/* Returns an OID that no relation has and that the scope has not used yet. */
static Oid
choose_oid(const PoHypoScope *scope)
{
	Oid			oid = PG_UINT32_MAX;

	if (scope->entries != NIL)
		oid = ((PoHypoEntry *) llast(scope->entries))->indexoid - 1;
	while (SearchSysCacheExists1(RELOID, ObjectIdGetDatum(oid)))
		oid--;
	return oid;
}

/*
 * Says whether a relation of a query is the index's table or a partition below it.
 * Partitions reached through their parent are told by the planner's own links;
 * the catalogue is asked only when the query names a partition.
 */
static bool
applies_to(const PoHypoIndex *index, const PlannerInfo *root, Oid relid, Index rti)
{
	if (index->relid == relid)
		return true;
	while (root->append_rel_array != NULL && root->append_rel_array[rti] != NULL)
	{
		rti = root->append_rel_array[rti]->parent_relid;
		if (root->simple_rte_array[rti]->relid == index->relid)
			return get_rel_relkind(index->relid) == RELKIND_PARTITIONED_TABLE;
	}
	return get_rel_relispartition(relid) &&
		list_member_oid(get_partition_ancestors(relid), index->relid);
}

/* Adds the scope's indexes on a table to what the planner knows, newest first as the server does. */
static void
add_indexes(PoHypoScope *scope, PlannerInfo *root, Oid relid, RelOptInfo *rel)
{
	ListCell   *lc;

	foreach(lc, scope->indexes)
	{
		PoHypoIndex *index = (PoHypoIndex *) lfirst(lc);
		IndexOptInfo *info;
		PoHypoEntry *entry;
		MemoryContext old;

		if (!applies_to(index, root, relid, rel->relid))
			continue;
		info = po_hypo_info_build(index, relid, rel);
		if (info == NULL)
			continue;
		info->indexoid = choose_oid(scope);
		rel->indexlist = lcons(info, rel->indexlist);

		old = MemoryContextSwitchTo(scope->context);
		entry = palloc(sizeof(PoHypoEntry));
		entry->indexoid = info->indexoid;
		entry->relid = relid;
		entry->index = index;
		scope->entries = lappend(scope->entries, entry);
		MemoryContextSwitchTo(old);
	}
}

/* Takes the scope's hidden indexes from what the planner knows of a table. */
static void
remove_hidden(PoHypoScope *scope, RelOptInfo *rel)
{
	ListCell   *lc;

	foreach(lc, rel->indexlist)
	{
		IndexOptInfo *info = (IndexOptInfo *) lfirst(lc);

		if (list_member_oid(scope->hidden, info->indexoid))
			rel->indexlist = foreach_delete_current(rel->indexlist, lc);
	}
}

/* Returns the innermost scope that means this planner call, or NULL. */
static PoHypoScope *
scope_of(const PlannerInfo *root)
{
	PoHypoScope *scope = active_scope;

	while (scope != NULL && scope->key != root->glob->boundParams)
		scope = scope->outer;
	return scope;
}

/* The planner's hook: edits the list of indexes of one relation. */
static void
relation_info(PO_RELATION_INFO_PARAMS)
{
	PoHypoScope *scope;
	Oid			relid = PO_RELATION_INFO_RELID;

	if (prev_relation_info_hook)
		prev_relation_info_hook(PO_RELATION_INFO_ARGS);
	if (active_scope == NULL || !OidIsValid(relid))
		return;
	scope = scope_of(root);
	if (scope == NULL)
		return;
	remove_hidden(scope, rel);
	if (!PO_RELATION_INFO_INH)
		add_indexes(scope, root, relid, rel);
}

/* The planner's hook after the paths of one relation were made: calls the scope's visitor. */
static void
set_rel_pathlist(PlannerInfo *root, RelOptInfo *rel, Index rti, RangeTblEntry *rte)
{
	PoHypoScope *scope;

	if (prev_set_rel_pathlist_hook)
		prev_set_rel_pathlist_hook(root, rel, rti, rte);
	if (active_scope == NULL)
		return;
	scope = scope_of(root);
	if (scope != NULL && scope->visit != NULL)
		scope->visit(root, rel, rte, scope->visit_arg);
}

/* Frees statistics that live longer than the planner call: not at all. */
static void
keep_statistics(HeapTuple tuple)
{
}

/* The hook of the planner's estimates: gives the statistics of a hypothetical index's expression. */
static bool
index_stats(PlannerInfo *root, Oid indexoid, AttrNumber attnum, VariableStatData *vardata)
{
	PoHypoScope *scope = active_scope != NULL ? scope_of(root) : NULL;
	PoHypoEntry *entry = scope != NULL ? po_hypo_find(scope, indexoid) : NULL;

	if (entry == NULL || attnum > entry->index->nkeycolumns || entry->index->statistics[attnum - 1] == NULL)
		return prev_get_index_stats_hook != NULL &&
			prev_get_index_stats_hook(root, indexoid, attnum, vardata);
	vardata->statsTuple = entry->index->statistics[attnum - 1];
	vardata->freefunc = keep_statistics;
	vardata->acl_ok = true;
	return true;
}

/* Installs the hooks; called once when the library is loaded. */
void
po_hypo_init(void)
{
	prev_relation_info_hook = PO_RELATION_INFO_HOOK;
	PO_RELATION_INFO_HOOK = relation_info;
	prev_set_rel_pathlist_hook = set_rel_pathlist_hook;
	set_rel_pathlist_hook = set_rel_pathlist;
	prev_get_index_stats_hook = get_index_stats_hook;
	get_index_stats_hook = index_stats;
}
