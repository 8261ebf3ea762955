/*
 * wake.c
 *	  Waking the scheduler when a change of jobs or runs commits.
 *
 * A trigger on the tables sets a flag that only the end of the top-level
 * transaction reads, so a rolled-back subtransaction costs one look in vain and
 * nothing is lost.  An abort wakes as well: the scheduler passes over rows that
 * are locked and is told here when they no longer are.
 */
#include "postgres.h"

#include "access/xact.h"
#include "catalog/objectaccess.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "commands/trigger.h"
#include "core/preload.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "sched/shared.h"
#include "sched/wake.h"

PG_FUNCTION_INFO_V1(perf_optimizer_job_changed);

static object_access_hook_type prev_object_access_hook = NULL;
static bool wake_pending = false;
static bool quiet = false;

/* Wakes the scheduler of this database once the transaction that asked has ended. */
static void
end_of_transaction(XactEvent event, void *arg)
{
	if (!wake_pending)
		return;
	if (event == XACT_EVENT_PREPARE)
		wake_pending = false;	/* COMMIT PREPARED wakes, in whatever session */
	if (event != XACT_EVENT_COMMIT && event != XACT_EVENT_ABORT)
		return;
	wake_pending = false;
	po_shared_wake_database(MyDatabaseId);
}

/* Asks for a wake-up at the end of the current transaction; nothing when not preloaded. */
void
po_wake_at_end(void)
{
	static bool registered = false;

	if (!po_preload_done() || quiet)
		return;
	if (!registered)
		RegisterXactCallback(end_of_transaction, NULL);
	registered = true;
	wake_pending = true;
}

/* While on, changes wake nobody: for the bookkeeping of workers, who wake whom they want themselves. */
void
po_wake_be_quiet(bool on)
{
	quiet = on;
}

/*
 * Trigger of the job and run tables, for each row.  Rows that logical replication
 * applies are kept out: the jobs of a publisher are not the subscriber's.
 */
Datum
perf_optimizer_job_changed(PG_FUNCTION_ARGS)
{
	TriggerData *trigger = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("function \"%s\" is a trigger function", "job_changed")));
	if (SessionReplicationRole == SESSION_REPLICATION_ROLE_REPLICA)
		return PointerGetDatum(NULL);
	po_wake_at_end();
	return PointerGetDatum(TRIGGER_FIRED_BY_UPDATE(trigger->tg_event)
						   ? trigger->tg_newtuple : trigger->tg_trigtuple);
}

/* Wakes the scheduler for its end when the extension that is dropped is ours. */
static pg_noinline void
extension_dropped(Oid extension)
{
	char	   *name = get_extension_name(extension);

	if (name != NULL && strcmp(name, "perf_optimizer") == 0)
		po_wake_at_end();
}

/* Hook: notices that an extension is dropped, in whatever way; it is called for each function that a statement calls, too. */
static void
object_access(ObjectAccessType access, Oid class, Oid object, int sub, void *arg)
{
	if (unlikely(access == OAT_DROP) && class == ExtensionRelationId)
		extension_dropped(object);
	if (prev_object_access_hook)
		prev_object_access_hook(access, class, object, sub, arg);
}

/* Installs the hook; called once while preloading. */
void
po_wake_init(void)
{
	prev_object_access_hook = object_access_hook;
	object_access_hook = object_access;
}
