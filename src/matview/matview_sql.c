/*
 * matview_sql.c
 *	  SQL functions on materialized views.
 */
#include "postgres.h"

#include "catalog/pg_class.h"
#include "core/args.h"
#include "core/srf.h"
#include "fmgr.h"
#include "matview/key.h"
#include "matview/refresh.h"
#include "utils/lsyscache.h"

PG_FUNCTION_INFO_V1(perf_optimizer_refresh);
PG_FUNCTION_INFO_V1(perf_optimizer_matview_unique_key);

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
