/*
 * incremental.c
 *	  Refreshing a registered view by what changed.
 *
 * Order matters.  The relations that the query reads and the logs are locked
 * first; then the fingerprint is taken, so that what changes later differs from
 * what is recorded; then the one snapshot with which logs, relations and view
 * are read.  What the view holds after a refresh is what the query returned at
 * that snapshot, and the snapshot is recorded as what was consumed: a change is
 * either in it or in the log later.
 */
#include "postgres.h"

#include <math.h>

#include "access/table.h"
#include "access/xact.h"
#include "access/xlog.h"
#include "catalog/pg_class.h"
#include "core/compat.h"
#include "core/relname.h"
#include "matview/affected.h"
#include "matview/arm.h"
#include "matview/capture.h"
#include "matview/fingerprint.h"
#include "matview/incremental.h"
#include "matview/log.h"
#include "matview/lookup.h"
#include "matview/view_query.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Beyond these shares of a base's rows and of the view's rows the whole query is cheaper. */
#define MAX_CHANGED_SHARE 0.05
#define MAX_KEY_SHARE 0.35

/* So many changed rows or keys are few, whatever they are a share of. */
#define ALWAYS_FEW 1000

/* Returns which base (of PoShapeBase) a role does not own, as a reason, or NULL. */
const char *
po_incremental_rights_refusal(List *bases, Oid role)
{
	ListCell   *cell;

	foreach(cell, bases)
	{
		Oid			relid = ((PoShapeBase *) lfirst(cell))->relid;

		if (!PO_OWNS_RELATION(relid, role))
			return psprintf("%s does not own %s, which needs triggers", GetUserNameFromId(role, false),
							po_relname_qualified(relid));
	}
	return NULL;
}

/* Makes sure that the bases note their changes; returns why they do not, or NULL. */
static const char *
arm(Relation matview, List *bases)
{
	const char *refusal;

	if (po_arm_is_ready(bases))
		return NULL;
	refusal = po_incremental_rights_refusal(bases, matview->rd_rel->relowner);
	return refusal ? refusal : po_arm_try(bases);
}

/* Opens and holds the logs of the bases. */
static void
open_logs(PoIncremental *incremental)
{
	ListCell   *cell;

	foreach(cell, incremental->shape.bases)
	{
		PoDelta    *delta = palloc0(sizeof(PoDelta));
		PoLog		log;

		delta->base = lfirst(cell);
		if (!po_log_find(delta->base->relid, &log))
			elog(ERROR, "log of relation %u is missing", delta->base->relid);
		po_track_hold(log.log);
		delta->log = table_open(log.log, AccessShareLock);
		incremental->deltas = lappend(incremental->deltas, delta);
	}
}

/* Says why the fingerprint of the query differs from that of the last refresh. */
static const char *
explain_difference(PoIncremental *incremental)
{
	ListCell   *cell;

	foreach(cell, incremental->deltas)
	{
		PoDelta    *delta = lfirst(cell);

		if (po_log_is_newer(delta->log, incremental->track.consumed))
			return psprintf("what was noted of %s was lost in a crash or a promotion, or outgrew perf_optimizer.matview_log_limit",
							po_relname_qualified(delta->base->relid));
	}
	return "its query, a table or a trigger was changed";
}

/* Compares the fingerprints with those of the last refresh; keeps the new one of the query. */
static const char *
compare_prints(Relation matview, PoIncremental *incremental, uint64 query_print)
{
	uint64		old = incremental->track.query_print;

	incremental->track.query_print = query_print;
	if (!incremental->track.current)
		return incremental->track.reason ? incremental->track.reason :
			"this is its first refresh since it was registered";
	if (old != query_print)
		return explain_difference(incremental);
	if (incremental->track.view_print != po_fingerprint_view(RelationGetRelid(matview)))
		return "it was changed or refreshed by other means";
	return NULL;
}

/*
 * Finds out whether a registered view can be refreshed by what changed, as the
 * view's owner.  Locks what the query reads and the logs; the caller has the
 * view locked and takes its snapshot afterwards.
 */
void
po_incremental_prepare(Relation matview, PoIncremental *incremental)
{
	uint64		query_print;

	po_capture_copy();
	po_shape_analyse(matview, po_view_query_rewrite(matview), &incremental->shape);
	incremental->obstacle = incremental->shape.refusal;
	if (incremental->obstacle == NULL)
		incremental->obstacle = arm(matview, incremental->shape.bases);
	if (incremental->obstacle)
		return;
	incremental->armed = true;
	open_logs(incremental);
	query_print = po_fingerprint_query(RelationGetRelid(matview), incremental->shape.query, incremental->shape.bases);
	incremental->obstacle = compare_prints(matview, incremental, query_print);
}

/* Returns how many rows the planner's statistics give a relation; for a partitioned one its partitions. */
static double
estimated_rows(Oid relid)
{
	Relation	rel = table_open(relid, NoLock);
	double		rows = rel->rd_rel->reltuples;

	table_close(rel, NoLock);
	return rows;
}

/* Tells whether a number is more than a share of a relation's rows, as far as is known. */
static bool
is_many(double number, double rows, double share)
{
	return rows >= 0 && number > Max(rows * share, ALWAYS_FEW);
}

/*
 * Looks at the logs with the active snapshot and says what there is to do.
 * any_size: also when so much changed that the whole query is cheaper.  For a
 * full step the obstacle says why.
 */
PoIncrementalStep
po_incremental_choose(Relation matview, PoIncremental *incremental, bool any_size)
{
	int64		changes = 0;
	ListCell   *cell;

	if (incremental->obstacle)
		return PO_STEP_FULL;
	foreach(cell, incremental->deltas)
	{
		PoDelta    *delta = lfirst(cell);
		PoLogPending pending;

		delta->consumed = incremental->track.consumed;
		po_log_pending(delta->log, GetActiveSnapshot(), delta->consumed, &pending);
		delta->changes = pending.changes;
		changes += pending.changes;
		if (pending.everything)
			incremental->obstacle = psprintf("too much of %s changed at once, or it was truncated",
											 po_relname_qualified(delta->base->relid));
		else if (!any_size && is_many(pending.changes, estimated_rows(delta->base->relid), MAX_CHANGED_SHARE))
			incremental->obstacle = psprintf("so much of %s changed that the whole query is cheaper",
											 po_relname_qualified(delta->base->relid));
	}
	if (incremental->obstacle)
		return PO_STEP_FULL;
	return changes == 0 ? PO_STEP_SKIP : PO_STEP_AFFECTED;
}

/*
 * Brings the rows that changes concern up to date with the active snapshot.
 * Returns false, having written nothing, when they are too many; the obstacle
 * then says so.
 */
bool
po_incremental_run(Relation matview, PoIncremental *incremental, const char *text,
				   bool any_size, PoApplyCounts *counts)
{
	double		rows = estimated_rows(RelationGetRelid(matview));
	double		max_keys = any_size || rows < 0 ? INFINITY : Max(rows * MAX_KEY_SHARE, ALWAYS_FEW);

	if (po_affected_refresh(matview, &incremental->shape, incremental->deltas, text, max_keys, counts))
		return true;
	incremental->obstacle = "the changes concern so many of its rows that the whole query is cheaper";
	return false;
}

/*
 * Records what a registered view's refresh with snapshot saw, and closes the
 * logs; the view has been written.
 */
void
po_incremental_record(Oid matview, PoIncremental *incremental, Snapshot snapshot)
{
	ListCell   *cell;

	incremental->track.current = incremental->armed;
	incremental->track.reason = incremental->armed ? NULL : pstrdup(incremental->obstacle);
	incremental->track.view_print = po_fingerprint_view(matview);
	if (incremental->armed)
		incremental->track.consumed = po_track_snapshot(snapshot);
	if (incremental->armed && incremental->obstacle)
		incremental->track.lookups = po_lookup_describe(matview, &incremental->shape);
	po_track_store(matview, incremental->shape.bases, &incremental->track);
	foreach(cell, incremental->deltas)
		table_close(((PoDelta *) lfirst(cell))->log, NoLock);
	if (incremental->armed)
		po_track_purge(matview, incremental->shape.bases);
}

/*
 * Returns how many logged changes a registered view has not consumed; -1 when
 * that is not known, as on a standby, which has no logs.
 */
int64
po_incremental_pending(Oid matview)
{
	PoTrack		track;
	int64		changes = 0;
	ListCell   *cell;

	if (RecoveryInProgress() || !po_track_read(matview, &track) || !track.current)
		return -1;
	foreach(cell, track.bases)
	{
		PoLog		log;
		PoLogPending pending;
		Relation	table;
		uint64		xid;

		if (!po_log_find(lfirst_oid(cell), &log) || (table = try_table_open(log.log, AccessShareLock)) == NULL)
			return -1;
		memset(&pending, 0, sizeof(pending));
		if (po_log_sentinel(table, &xid))
			po_log_pending(table, GetActiveSnapshot(), track.consumed, &pending);
		else
			pending.everything = true;
		table_close(table, AccessShareLock);
		if (pending.everything)
			return -1;
		changes += pending.changes;
	}
	return changes;
}
