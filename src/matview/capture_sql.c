/*
 * capture_sql.c
 *	  The triggers that note changes for incremental refresh.
 *
 * Their names end with the OID of the base whose log they feed; a trigger on a
 * partition feeds the log of the partitioned table.  Where that log does not
 * exist, as after a restore of a dump, they do nothing.
 */
#include "postgres.h"

#include "commands/trigger.h"
#include "fmgr.h"
#include "matview/arm.h"
#include "matview/capture.h"

PG_FUNCTION_INFO_V1(perf_optimizer_capture_change);

/* Raises 39P01 unless the call comes from one of our AFTER triggers. */
static TriggerData *
trigger_data(FunctionCallInfo fcinfo)
{
	TriggerData *data = (TriggerData *) fcinfo->context;

	if (!CALLED_AS_TRIGGER(fcinfo) || !TRIGGER_FIRED_AFTER(data->tg_event))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("perf_optimizer.capture_change is for AFTER triggers only"),
				 errhint("Call perf_optimizer.enable_incremental; it makes the triggers.")));
	return data;
}

/* capture_change(): po_capture_change for a row, po_capture_everything for TRUNCATE. */
Datum
perf_optimizer_capture_change(PG_FUNCTION_ARGS)
{
	TriggerData *data = trigger_data(fcinfo);
	Oid			base = po_arm_base_of_trigger(data->tg_trigger->tgname);

	if (!TRIGGER_FIRED_FOR_ROW(data->tg_event))
		po_capture_everything(data->tg_relation, base);
	else if (TRIGGER_FIRED_BY_INSERT(data->tg_event))
		po_capture_change(data->tg_relation, base, NULL, data->tg_trigslot);
	else if (TRIGGER_FIRED_BY_DELETE(data->tg_event))
		po_capture_change(data->tg_relation, base, data->tg_trigslot, NULL);
	else
		po_capture_change(data->tg_relation, base, data->tg_trigslot, data->tg_newslot);
	return PointerGetDatum(NULL);
}
