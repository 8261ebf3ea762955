/*
 * register.c
 *	  Registering views for incremental refresh.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "core/relname.h"
#include "lib/stringinfo.h"
#include "matview/arm.h"
#include "matview/incremental.h"
#include "matview/lookup.h"
#include "matview/refresh.h"
#include "matview/register.h"
#include "matview/state.h"
#include "matview/track.h"
#include "matview/view_query.h"
#include "miscadmin.h"
#include "storage/lmgr.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
#include "utils/rel.h"

/* Arming is tried this often, with pauses in which writers go on. */
#define ARM_ATTEMPTS 40
#define ARM_PAUSE_US 50000L

/* Analyses a view's query as its owner; what it reads stays locked. */
static void
analyse(Oid matview, PoShape *shape)
{
	Relation	rel = table_open(matview, AccessShareLock);
	PoOwnerWork work;

	po_view_query_become_owner(rel, &work);
	po_shape_analyse(rel, po_view_query_rewrite(rel), shape);
	po_view_query_be_oneself(&work);
	table_close(rel, AccessShareLock);
}

/*
 * Returns why a view cannot be refreshed incrementally if the current user
 * registers it, or NULL.  Raises what po_refresh_check raises.
 */
const char *
po_register_refusal(Oid matview)
{
	PoShape		shape;

	po_refresh_check(matview, GetUserId());
	analyse(matview, &shape);
	return shape.refusal ? shape.refusal : po_incremental_rights_refusal(shape.bases, GetUserId());
}

/* Makes the bases note their changes; raises 55P03 when their writers leave no room. */
static void
arm(List *bases)
{
	const char *reason = NULL;

	for (int i = 0; i < ARM_ATTEMPTS; i++)
	{
		reason = po_arm_is_ready(bases) ? NULL : po_arm_try(bases);
		if (reason == NULL)
			return;
		CHECK_FOR_INTERRUPTS();
		pg_usleep(ARM_PAUSE_US);
	}
	ereport(ERROR,
			(errcode(ERRCODE_LOCK_NOT_AVAILABLE),
			 errmsg("could not lock the tables of the view to make their triggers"),
			 errdetail("Transactions that write to them were open all the time."),
			 errhint("Try again when no long transaction writes to them.")));
}

/* Returns what is tracked, for people. */
static char *
describe(Oid matview, PoShape *shape)
{
	StringInfoData text;
	ListCell   *cell;

	initStringInfo(&text);
	appendStringInfoString(&text, "rows are recomputed by ");
	foreach(cell, shape->keys)
		appendStringInfo(&text, "%s%s", foreach_current_index(cell) > 0 ? ", " : "",
						 quote_identifier(get_attname(matview, lfirst_int(cell), false)));
	appendStringInfoString(&text, "; changes are noted of ");
	foreach(cell, shape->bases)
		appendStringInfo(&text, "%s%s", foreach_current_index(cell) > 0 ? ", " : "",
						 po_relname_qualified(((PoShapeBase *) lfirst(cell))->relid));
	return text.data;
}

/* Raises the errors of enable_incremental for a view that cannot be registered. */
static void
check(Oid matview, PoShape *shape)
{
	const char *refusal = po_incremental_rights_refusal(shape->bases, GetUserId());

	if (shape->refusal)
		ereport(ERROR,
				(errcode(ERRCODE_FEATURE_NOT_SUPPORTED),
				 errmsg("%s cannot be refreshed incrementally", po_relname_qualified(matview)),
				 errdetail("Reason: %s.", shape->refusal),
				 errhint("perf_optimizer.refresh in mode \"concurrent\" refreshes any view and writes only what changed.")));
	if (refusal)
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("incremental refresh of %s needs triggers on its tables", po_relname_qualified(matview)),
				 errdetail("Reason: %s.", refusal),
				 errhint("Let a role that owns the view and its tables call perf_optimizer.enable_incremental.")));
}

/*
 * Registers a view for incremental refresh as the current user and returns what
 * is tracked.  Raises what po_refresh_check raises, 0A000 when the view's query
 * does not allow it, 42501 without the rights on its tables, 55P03 when they are
 * busy.
 */
char *
po_register_enable(Oid matview)
{
	PoShape		shape;
	PoTrack		track = {.reason = "this is its first refresh since it was registered"};

	po_refresh_check(matview, GetUserId());
	LockDatabaseObject(RelationRelationId, matview, 0, ExclusiveLock);
	po_refresh_check(matview, GetUserId());
	analyse(matview, &shape);
	check(matview, &shape);
	arm(shape.bases);
	po_track_register(matview);
	track.lookups = po_lookup_describe(matview, &shape);
	po_track_store(matview, shape.bases, &track);
	return describe(matview, &shape);
}

/* Ends the incremental refresh of a view as the current user; raises what po_refresh_check raises. */
void
po_register_disable(Oid matview)
{
	po_refresh_check(matview, GetUserId());
	LockDatabaseObject(RelationRelationId, matview, 0, ExclusiveLock);
	po_refresh_check(matview, GetUserId());
	if (po_incremental_pending(matview) == 0)
		po_state_count(matview);
	po_track_unregister(matview);
	CommandCounterIncrement();
	po_track_sweep();
}

/* Forgets views that were dropped, and stops noting changes for them. */
void
po_register_sweep(void)
{
	if (!po_track_is_used())
		return;
	po_track_forget_dropped();
	CommandCounterIncrement();
	po_track_sweep();
}
