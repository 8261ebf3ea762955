/*
 * refresh.c
 *	  Refreshing a materialized view: checks, locks, identity and the two routes.
 *
 * Locks: an object lock of our own (pg_class, the view, sub-object 0, exclusive)
 * lets one refresh at a time work on a view.  The concurrent route takes
 * RowExclusiveLock on the view, which shuts REFRESH out but neither readers nor
 * autovacuum; the full route takes AccessExclusiveLock as REFRESH does.  The
 * relations that the query reads are locked before the snapshot is taken, and
 * that snapshot is a new one at every isolation level, so a refresh never works
 * with rows older than its locks.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/matview.h"
#include "core/compat.h"
#include "core/progress.h"
#include "core/relname.h"
#include "executor/executor.h"
#include "matview/apply.h"
#include "matview/diff.h"
#include "matview/refresh.h"
#include "matview/state.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "portability/instr_time.h"
#include "rewrite/rewriteHandler.h"
#include "storage/lmgr.h"
#include "tcop/tcopprot.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* The identity and settings to go back to after working as a view's owner. */
typedef struct OwnerScope
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
} OwnerScope;

/*
 * Reads the mode argument of refresh; raises 22023 for an unknown mode and 0A000
 * for "incremental", which this version does not have.
 */
PoRefreshMode
po_refresh_parse_mode(const char *mode)
{
	if (strcmp(mode, "auto") == 0)
		return PO_REFRESH_AUTO;
	if (strcmp(mode, "concurrent") == 0)
		return PO_REFRESH_CONCURRENT;
	if (strcmp(mode, "full") == 0)
		return PO_REFRESH_FULL;
	if (strcmp(mode, "incremental") == 0)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("refresh mode \"incremental\" is not available in this version"),
				 errhint("Use mode \"concurrent\": it runs the whole query, but writes only what changed and blocks no reader.")));
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"mode\" has the unknown value \"%s\"", mode),
			 errhint("Use \"auto\", \"concurrent\" or \"full\".")));
	return PO_REFRESH_AUTO;		/* not reached */
}

/*
 * Checks that a relation is a materialized view that the role may refresh: its
 * owner, from 17 on also a role with MAINTAIN.  Raises 42P01, 42809 or 42501.
 */
void
po_refresh_check(Oid matview, Oid roleid)
{
	char	   *name = po_relname_qualified(matview);

	if (get_rel_relkind(matview) != RELKIND_MATVIEW)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a materialized view", name),
				 errhint("Pass the name of a materialized view; pg_matviews lists them.")));
	if (!PO_MAY_MAINTAIN(matview, roleid))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_MATVIEW, name);
}

/* Tells whether a materialized view has been populated. */
static bool
is_populated(Oid matview)
{
	Relation	rel = table_open(matview, AccessShareLock);
	bool		populated = RelationIsPopulated(rel);

	table_close(rel, AccessShareLock);
	return populated;
}

/*
 * Chooses between the routes and sets the reason.  The answer holds while the
 * caller has the refresh lock and the lock that the route needs.
 */
static PoRefreshMode
choose_mode(Oid matview, PoRefreshMode asked, const char **reason)
{
	if (!is_populated(matview))
	{
		*reason = "the view has not been populated yet";
		return PO_REFRESH_FULL;
	}
	if (asked == PO_REFRESH_AUTO)
		*reason = "populated: the whole query is run, readers are not blocked";
	else
		*reason = "as asked for";
	return asked == PO_REFRESH_FULL ? PO_REFRESH_FULL : PO_REFRESH_CONCURRENT;
}

/*
 * Locks a view for a refresh and returns the route to take.  A view that is
 * emptied or given away while we wait is noticed, because both are looked at
 * again under the lock.
 */
static PoRefreshMode
lock_matview(Oid matview, PoRefreshMode asked, const char **reason)
{
	PoRefreshMode mode;

	LockDatabaseObject(RelationRelationId, matview, 0, ExclusiveLock);
	po_refresh_check(matview, GetUserId());
	mode = choose_mode(matview, asked, reason);
	LockRelationOid(matview, mode == PO_REFRESH_FULL ? AccessExclusiveLock : RowExclusiveLock);
	po_refresh_check(matview, GetUserId());
	if (mode == PO_REFRESH_CONCURRENT && !is_populated(matview))
	{
		mode = choose_mode(matview, asked, reason);
		LockRelationOid(matview, AccessExclusiveLock);
	}
	return mode;
}

/*
 * Becomes the view's owner as REFRESH does: no temporary objects, no SET ROLE,
 * setting changes undone at the end, and from 17 on a safe search_path.
 */
static void
begin_as_owner(Relation matview, OwnerScope *scope)
{
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	SetUserIdAndSecContext(matview->rd_rel->relowner,
						   scope->sec_context | SECURITY_RESTRICTED_OPERATION);
	scope->guc_level = NewGUCNestLevel();
	PO_RESTRICT_SEARCH_PATH();
}

/* Goes back to who we were before begin_as_owner. */
static void
end_as_owner(OwnerScope *scope)
{
	AtEOXact_GUC(false, scope->guc_level);
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}

/* Returns a private copy of the view's stored query. */
static Query *
copy_view_query(Relation matview)
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

/* Locks what the view's query reads, expands the views in it and returns it. */
static Query *
rewrite_view_query(Relation matview)
{
	Query	   *query = copy_view_query(matview);
	List	   *rewritten;

	AcquireRewriteLocks(query, true, false);
	rewritten = QueryRewrite(query);
	if (list_length(rewritten) != 1)
		elog(ERROR, "unexpected rewrite result for materialized view \"%s\"",
			 RelationGetRelationName(matview));
	return linitial_node(Query, rewritten);
}

/* Plans the view's query; the locks on all relations it reads are held afterwards. */
static PlannedStmt *
plan_view_query(Relation matview, const char *text)
{
	Query	   *query = rewrite_view_query(matview);
	PlannedStmt *plan;

	PushActiveSnapshot(GetLatestSnapshot());
	plan = PO_PLAN_QUERY(query, text, CURSOR_OPT_PARALLEL_OK, NULL);
	PopActiveSnapshot();
	return plan;
}

/* Runs the view's plan with the active snapshot; the rows go to dest. */
static void
run_view_plan(PlannedStmt *plan, const char *text, DestReceiver *dest)
{
	QueryDesc  *desc = CreateQueryDesc(plan, text, GetActiveSnapshot(), InvalidSnapshot,
									   dest, NULL, NULL, 0);

	ExecutorStart(desc, 0);
	PO_EXECUTOR_RUN(desc, 0);
	ExecutorFinish(desc);
	ExecutorEnd(desc);
	FreeQueryDesc(desc);
}

/* Runs the query, compares and writes the difference; the caller is the view's owner. */
static void
write_difference(Relation matview, const char *text, PoApplyCounts *counts)
{
	PlannedStmt *plan = plan_view_query(matview, text);
	PoApply    *apply;
	PoDiff	   *diff;

	PushActiveSnapshot(GetLatestSnapshot());
	apply = po_apply_begin(matview, GetActiveSnapshot());
	diff = po_diff_begin(matview, GetActiveSnapshot(), apply);
	po_progress_report("running the query", 0, 0);
	run_view_plan(plan, text, po_diff_receiver(diff));
	po_progress_report("writing the difference", 0, 0);
	po_diff_finish(diff);
	po_apply_finish(apply, counts);
	PopActiveSnapshot();
}

/* The concurrent route: minimal changes in place; the view is locked RowExclusive. */
static void
refresh_concurrent(Oid matview, const char *text, PoRefreshResult *result)
{
	Relation	rel = table_open(matview, NoLock);
	MemoryContext context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer refresh",
												  ALLOCSET_DEFAULT_SIZES);
	MemoryContext old = MemoryContextSwitchTo(context);
	PoApplyCounts counts;
	OwnerScope	scope;

	begin_as_owner(rel, &scope);
	write_difference(rel, text, &counts);
	end_as_owner(&scope);
	MemoryContextSwitchTo(old);
	MemoryContextDelete(context);
	table_close(rel, NoLock);
	result->mode_used = "concurrent";
	result->rows_inserted = counts.inserted;
	result->rows_updated = counts.updated;
	result->rows_deleted = counts.deleted;
}

/* Locks what the view's query reads, as the view's owner. */
static void
lock_bases(Oid matview)
{
	Relation	rel = table_open(matview, NoLock);
	OwnerScope	scope;

	begin_as_owner(rel, &scope);
	(void) rewrite_view_query(rel);
	end_as_owner(&scope);
	table_close(rel, NoLock);
}

/* The full route: the server's own REFRESH; the view is locked AccessExclusive. */
static void
refresh_full(Oid matview, const char *text, PoRefreshResult *result)
{
	RefreshMatViewStmt *stmt = makeNode(RefreshMatViewStmt);
	QueryCompletion completion;
	ObjectAddress address;

	stmt->relation = makeRangeVar(get_namespace_name(get_rel_namespace(matview)),
								  get_rel_name(matview), -1);
	lock_bases(matview);
	InitializeQueryCompletion(&completion);
	po_progress_report("replacing the rows", 0, 0);
	PushActiveSnapshot(GetLatestSnapshot());
	address = PO_REFRESH_MATVIEW(stmt, text, &completion);
	PopActiveSnapshot();
	if (address.objectId != matview)
		elog(ERROR, "materialized view %u changed its name while locked", matview);
	CommandCounterIncrement();
	result->mode_used = "full";
	result->rows_inserted = (int64) completion.nprocessed;
	result->rows_updated = 0;
	result->rows_deleted = -1;
}

/* Raises the server's own errors where a refresh cannot write. */
static void
check_may_write(void)
{
	PreventCommandIfReadOnly("refresh of a materialized view");
	PreventCommandIfParallelMode("refresh of a materialized view");
	PreventCommandDuringRecovery("refresh of a materialized view");
}

/*
 * Refreshes a materialized view as the current user, who must be allowed to, and
 * records it.  Works inside the current transaction and is undone with it; the
 * locks are kept until its end.  Raises what po_refresh_check raises, 25006 in a
 * read-only transaction, 23505 when the query's rows break a unique index of the
 * view, and whatever the view's query raises.
 */
void
po_refresh_run(Oid matview, PoRefreshMode mode, PoRefreshResult *result)
{
	instr_time	start;
	instr_time	duration;
	char	   *text;

	INSTR_TIME_SET_CURRENT(start);
	check_may_write();
	po_refresh_check(matview, GetUserId());
	memset(result, 0, sizeof(*result));
	mode = lock_matview(matview, mode, &result->reason);
	text = psprintf("REFRESH MATERIALIZED VIEW %s", po_relname_qualified(matview));
	CommandCounterIncrement();
	if (mode == PO_REFRESH_FULL)
		refresh_full(matview, text, result);
	else
		refresh_concurrent(matview, text, result);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	result->duration_ms = INSTR_TIME_GET_MILLISEC(duration);
	po_state_record(matview, result);
}
