/*
 * matview_sql.c
 *	  SQL functions on materialized views.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "commands/event_trigger.h"
#include "core/args.h"
#include "core/srf.h"
#include "fmgr.h"
#include "matview/incremental.h"
#include "matview/key.h"
#include "matview/prospect.h"
#include "matview/refresh.h"
#include "matview/register.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(perf_optimizer_refresh);
PG_FUNCTION_INFO_V1(perf_optimizer_matview_unique_key);
PG_FUNCTION_INFO_V1(perf_optimizer_enable_incremental);
PG_FUNCTION_INFO_V1(perf_optimizer_disable_incremental);
PG_FUNCTION_INFO_V1(perf_optimizer_can_refresh_incrementally);
PG_FUNCTION_INFO_V1(perf_optimizer_incremental_prospect);
PG_FUNCTION_INFO_V1(perf_optimizer_matview_pending);
PG_FUNCTION_INFO_V1(perf_optimizer_forget_dropped_matviews);

/* refresh(matview, mode): po_refresh_run and its result as one row. */
Datum
perf_optimizer_refresh(PG_FUNCTION_ARGS)
{
	PoRefreshMode mode;
	PoRefreshResult result;
	PoRow		row;

	po_args_require(fcinfo, 0, "matview");
	mode = po_refresh_parse_mode(po_args_text(fcinfo, 1, "mode"));
	po_row_begin_single(fcinfo, &row);
	po_refresh_run(PG_GETARG_OID(0), mode, &result);
	po_row_text(&row, result.mode_used);
	po_row_int8(&row, result.rows_inserted);
	po_row_int8(&row, result.rows_updated);
	if (result.rows_deleted < 0)
		po_row_null(&row);
	else
		po_row_int8(&row, result.rows_deleted);
	po_row_float8(&row, result.duration_ms);
	po_row_text(&row, result.reason);
	return po_row_finish_single(&row);
}

/* Sets the next column to an array of the names in a list of char *. */
static void
put_names(PoRow *row, List *names)
{
	char	  **values = palloc(sizeof(char *) * list_length(names));

	for (int i = 0; i < list_length(names); i++)
		values[i] = list_nth(names, i);
	po_row_text_array(row, values, list_length(names));
}

/* matview_unique_key(matview): po_key_find as one row; NULLs when nothing is provable. */
Datum
perf_optimizer_matview_unique_key(PG_FUNCTION_ARGS)
{
	PoKey		key = {NIL, false};
	PoRow		row;

	po_row_begin_single(fcinfo, &row);
	if (get_rel_relkind(PG_GETARG_OID(0)) == RELKIND_MATVIEW)
		po_key_find(PG_GETARG_OID(0), &key);
	if (key.columns == NIL)
	{
		po_row_null(&row);
		po_row_null(&row);
		return po_row_finish_single(&row);
	}
	put_names(&row, key.columns);
	po_row_bool(&row, key.may_be_null);
	return po_row_finish_single(&row);
}

/* enable_incremental(matview): po_register_enable. */
Datum
perf_optimizer_enable_incremental(PG_FUNCTION_ARGS)
{
	po_args_require(fcinfo, 0, "matview");
	PG_RETURN_TEXT_P(cstring_to_text(po_register_enable(PG_GETARG_OID(0))));
}

/* disable_incremental(matview): po_register_disable. */
Datum
perf_optimizer_disable_incremental(PG_FUNCTION_ARGS)
{
	po_args_require(fcinfo, 0, "matview");
	po_register_disable(PG_GETARG_OID(0));
	PG_RETURN_VOID();
}

/* can_refresh_incrementally(matview): po_register_refusal as one row. */
Datum
perf_optimizer_can_refresh_incrementally(PG_FUNCTION_ARGS)
{
	const char *refusal;
	PoRow		row;

	po_args_require(fcinfo, 0, "matview");
	po_srf_begin(fcinfo, &row);
	refusal = po_register_refusal(PG_GETARG_OID(0));
	po_row_bool(&row, refusal == NULL);
	po_row_text(&row, refusal ? refusal : "its query tells which rows a change concerns");
	po_srf_emit(&row);
	return (Datum) 0;
}

/* incremental_prospect(definition): po_prospect_describe. */
Datum
perf_optimizer_incremental_prospect(PG_FUNCTION_ARGS)
{
	PG_RETURN_TEXT_P(cstring_to_text(po_prospect_describe(po_args_text(fcinfo, 0, "definition"))));
}

/* matview_pending(matview): po_incremental_pending; NULL when that is not known. */
Datum
perf_optimizer_matview_pending(PG_FUNCTION_ARGS)
{
	int64		pending = po_incremental_pending(PG_GETARG_OID(0));

	if (pending < 0)
		PG_RETURN_NULL();
	PG_RETURN_INT64(pending);
}

/* forget_dropped_matviews(): the event trigger that calls po_register_sweep. */
Datum
perf_optimizer_forget_dropped_matviews(PG_FUNCTION_ARGS)
{
	if (!CALLED_AS_EVENT_TRIGGER(fcinfo))
		ereport(ERROR,
				(errcode(ERRCODE_E_R_I_E_EVENT_TRIGGER_PROTOCOL_VIOLATED),
				 errmsg("perf_optimizer.forget_dropped_matviews is for an event trigger only"),
				 errhint("The extension has made that event trigger.")));
	po_register_sweep();
	PG_RETURN_NULL();
}
