/*
 * refresh.c
 *	  Refreshing a materialized view: checks, locks, the choice of a route.
 *
 * Locks: an object lock of our own (pg_class, the view, sub-object 0, exclusive)
 * lets one refresh at a time work on a view.  The concurrent route takes
 * RowExclusiveLock on the view, which shuts REFRESH out but neither readers nor
 * autovacuum; the full route takes AccessExclusiveLock as REFRESH does.  The
 * relations that the query reads are locked before the snapshot is taken, and
 * that snapshot is a new one at every isolation level, so a refresh never works
 * with rows older than its locks.
 *
 * A registered view's settings are pinned on every route, and every route
 * records what it saw (incremental.c), so routes can follow each other in any
 * order.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "commands/matview.h"
#include "core/compat.h"
#include "core/progress.h"
#include "core/relname.h"
#include "core/writers.h"
#include "matview/apply.h"
#include "matview/compose.h"
#include "matview/diff.h"
#include "matview/incremental.h"
#include "matview/refresh.h"
#include "matview/state.h"
#include "matview/view_query.h"
#include "miscadmin.h"
#include "nodes/makefuncs.h"
#include "portability/instr_time.h"
#include "storage/lmgr.h"
#include "tcop/utility.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"

/* One refresh. */
typedef struct Refresh
{
	Oid			matview;
	PoRefreshMode asked;
	const char *text;			/* what is run, for people */
	PoIncremental incremental;
	PoRefreshResult *result;
} Refresh;

/* Reads the mode argument of refresh; raises 22023 for an unknown mode. */
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
		return PO_REFRESH_INCREMENTAL;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"mode\" has the unknown value \"%s\"", mode),
			 errhint("Use \"auto\", \"incremental\", \"concurrent\" or \"full\".")));
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

/* Compares the whole query's rows with the view's and writes the difference, with the active snapshot. */
static void
write_difference(Refresh *refresh, Relation matview, PoApplyCounts *counts)
{
	PoApply    *apply = po_apply_begin(matview, GetActiveSnapshot());
	PoDiff	   *diff = po_diff_begin(matview, GetActiveSnapshot(), apply);

	po_progress_report("running the query", 0, 0);
	po_compose_run(po_view_query_rewrite(matview), refresh->text, NULL, po_diff_receiver(diff));
	po_progress_report("writing the difference", 0, 0);
	po_diff_finish(diff);
	po_apply_finish(apply, counts);
}

/* Takes the step that the logs ask for, with the active snapshot; returns whether it was less than the whole query. */
static bool
write_changes(Refresh *refresh, Relation matview, PoApplyCounts *counts)
{
	bool		any_size = refresh->asked == PO_REFRESH_INCREMENTAL;

	switch (po_incremental_choose(matview, &refresh->incremental, any_size))
	{
		case PO_STEP_SKIP:
			refresh->result->mode_used = "skipped";
			refresh->result->reason = "nothing that it reads has changed since its last refresh";
			return true;
		case PO_STEP_AFFECTED:
			refresh->result->mode_used = "incremental";
			refresh->result->reason = "only the rows that changes concern were computed";
			return po_incremental_run(matview, &refresh->incremental, refresh->text, any_size, counts);
		case PO_STEP_FULL:
			break;
	}
	return false;
}

/* Writes what is needed with the active snapshot, by what changed where possible and not asked otherwise. */
static void
write_view(Refresh *refresh, Relation matview, PoApplyCounts *counts)
{
	PoIncremental *incremental = &refresh->incremental;
	bool		by_changes = incremental->registered && refresh->asked != PO_REFRESH_CONCURRENT;

	if (by_changes && write_changes(refresh, matview, counts))
		return;
	write_difference(refresh, matview, counts);
	refresh->result->mode_used = "concurrent";
	if (by_changes)
		refresh->result->reason = psprintf("the whole query was run: %s", incremental->obstacle);
}

/* Locks what the view's query reads, and finds out what a registered view's logs are good for; as the view's owner. */
static void
lock_bases(Refresh *refresh, Relation matview)
{
	if (refresh->incremental.registered)
		po_incremental_prepare(matview, &refresh->incremental);
	else
		(void) po_view_query_rewrite(matview);
}

/* The routes that write in place; the view is locked RowExclusive. */
static void
refresh_in_place(Refresh *refresh, Relation matview)
{
	PoApplyCounts counts = {0, 0, 0};
	PoOwnerWork work;

	po_view_query_become_owner(matview, &work);
	lock_bases(refresh, matview);
	PushActiveSnapshot(GetLatestSnapshot());
	write_view(refresh, matview, &counts);
	po_view_query_be_oneself(&work);
	if (refresh->incremental.registered)
		po_incremental_record(refresh->matview, &refresh->incremental, GetActiveSnapshot());
	PopActiveSnapshot();
	refresh->result->rows_inserted = counts.inserted;
	refresh->result->rows_updated = counts.updated;
	refresh->result->rows_deleted = counts.deleted;
}

/* Runs the server's own REFRESH with the active snapshot; the view is locked AccessExclusive. */
static void
run_server_refresh(Refresh *refresh)
{
	RefreshMatViewStmt *stmt = makeNode(RefreshMatViewStmt);
	QueryCompletion completion;
	ObjectAddress address;

	stmt->relation = makeRangeVar(get_namespace_name(get_rel_namespace(refresh->matview)),
								  get_rel_name(refresh->matview), -1);
	InitializeQueryCompletion(&completion);
	po_progress_report("replacing the rows", 0, 0);
	address = PO_REFRESH_MATVIEW(stmt, refresh->text, &completion);
	if (address.objectId != refresh->matview)
		elog(ERROR, "materialized view %u changed its name while locked", refresh->matview);
	CommandCounterIncrement();
	refresh->result->mode_used = "full";
	refresh->result->rows_inserted = (int64) completion.nprocessed;
	refresh->result->rows_updated = 0;
	refresh->result->rows_deleted = -1;
}

/* The full route: the server's own REFRESH; the view is locked AccessExclusive. */
static void
refresh_full(Refresh *refresh, Relation matview)
{
	PoOwnerWork work;

	po_view_query_become_owner(matview, &work);
	lock_bases(refresh, matview);
	po_view_query_be_oneself(&work);
	table_close(matview, NoLock);
	PushActiveSnapshot(GetLatestSnapshot());
	run_server_refresh(refresh);
	if (refresh->incremental.registered)
		po_incremental_record(refresh->matview, &refresh->incremental, GetActiveSnapshot());
	PopActiveSnapshot();
}

/* Raises the server's own errors where a refresh cannot write. */
static void
check_may_write(void)
{
	PreventCommandIfReadOnly("refresh of a materialized view");
	PreventCommandIfParallelMode("refresh of a materialized view");
	PreventCommandDuringRecovery("refresh of a materialized view");
}

/* Does the work on a locked view. */
static void
run_route(Refresh *refresh, PoRefreshMode mode)
{
	Relation	matview;
	int			level;

	CommandCounterIncrement();
	refresh->text = psprintf("REFRESH MATERIALIZED VIEW %s", po_relname_qualified(refresh->matview));
	refresh->incremental.registered = po_track_read(refresh->matview, &refresh->incremental.track);
	if (!refresh->incremental.registered && refresh->asked == PO_REFRESH_INCREMENTAL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("incremental refresh of %s is not enabled", po_relname_qualified(refresh->matview)),
				 errhint("Call perf_optimizer.enable_incremental for it; perf_optimizer.can_refresh_incrementally tells whether that works.")));
	level = po_view_query_pin(refresh->incremental.track.settings);
	matview = table_open(refresh->matview, NoLock);
	if (mode == PO_REFRESH_FULL)
		refresh_full(refresh, matview);
	else
	{
		refresh_in_place(refresh, matview);
		table_close(matview, NoLock);
	}
	po_view_query_unpin(level);
}

/*
 * Refreshes a materialized view as the current user, who must be allowed to, and
 * records it.  Works inside the current transaction and is undone with it; the
 * locks are kept until its end.  Raises what po_refresh_check raises, 55000 for
 * mode incremental of a view that is not registered, 25006 in a read-only transaction, 23505 when the query's rows break a unique index of the
 * view, and whatever the view's query raises.
 */
void
po_refresh_run(Oid matview, PoRefreshMode mode, PoRefreshResult *result)
{
	Refresh		refresh = {matview, mode};
	MemoryContext context;
	MemoryContext old;
	instr_time	start;
	instr_time	duration;

	INSTR_TIME_SET_CURRENT(start);
	check_may_write();
	po_refresh_check(matview, GetUserId());
	memset(result, 0, sizeof(*result));
	refresh.result = result;
	context = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer refresh", ALLOCSET_DEFAULT_SIZES);
	old = MemoryContextSwitchTo(context);
	run_route(&refresh, lock_matview(matview, mode, &result->reason));
	if (result->rows_inserted != 0 || result->rows_updated != 0 || result->rows_deleted != 0)
		po_writers_note(matview);
	MemoryContextSwitchTo(old);
	result->reason = pstrdup(result->reason);
	MemoryContextDelete(context);
	INSTR_TIME_SET_CURRENT(duration);
	INSTR_TIME_SUBTRACT(duration, start);
	result->duration_ms = INSTR_TIME_GET_MILLISEC(duration);
	po_state_record(matview, result);
}
