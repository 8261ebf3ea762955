/*
 * forecast_sql.c
 *	  The forecast as a SQL function.
 */
#include "postgres.h"

#include <math.h>

#include "catalog/pg_type.h"
#include "core/args.h"
#include "core/srf.h"
#include "fmgr.h"
#include "miscadmin.h"
#include "monitor/forecast.h"
#include "utils/array.h"
#include "utils/timestamp.h"

PG_FUNCTION_INFO_V1(perf_optimizer_forecast);

/* The server's day 0 was a Saturday. */
#define SATURDAY 5

/* Reads an array argument of 8-byte elements; raises 22004 for NULLs, 22023 for more than limit elements. */
static Datum *
array_arg(FunctionCallInfo fcinfo, int argno, const char *name, Oid type, int limit, int *n)
{
	Datum	   *values;
	bool	   *nulls;

	po_args_require(fcinfo, argno, name);
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno), type, sizeof(float8), FLOAT8PASSBYVAL, TYPALIGN_DOUBLE, &values, &nulls, n);
	for (int i = 0; i < *n; i++)
		if (nulls[i])
			po_args_refuse_null_element(name, i);
	if (*n > limit)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" has more than %d elements", name, limit),
				 errhint("Pass a figure a day.")));
	return values;
}

/* Returns a moment in days since some Monday. */
static double
day_of(Datum moment)
{
	return DatumGetTimestampTz(moment) / (double) USECS_PER_DAY + SATURDAY;
}

/* Reads moments, which must ascend, and figures into plain arrays; returns how many. */
static int
series_args(FunctionCallInfo fcinfo, double **days, double **figures)
{
	int			n;
	int			nfigures;
	Datum	   *moments = array_arg(fcinfo, 0, "moments", TIMESTAMPTZOID, PO_FORECAST_MAX_POINTS, &n);
	Datum	   *values = array_arg(fcinfo, 1, "figures", FLOAT8OID, PO_FORECAST_MAX_POINTS, &nfigures);

	*days = palloc(sizeof(double) * (n + 1));
	*figures = palloc(sizeof(double) * (n + 1));
	for (int i = 0; i < n && n == nfigures; i++)
	{
		(*days)[i] = day_of(moments[i]);
		(*figures)[i] = DatumGetFloat8(values[i]);
		if ((i > 0 && (*days)[i] < (*days)[i - 1]) || !isfinite((*figures)[i]))
			nfigures = -1;
	}
	if (n != nfigures)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"figures\" does not match argument \"moments\""),
				 errhint("Pass a finite figure for each moment, the oldest first.")));
	return n;
}

/* forecast(moments, figures, ahead): what is expected at moments to come; no rows when the series is too short. */
Datum
perf_optimizer_forecast(PG_FUNCTION_ARGS)
{
	PoForecast	forecast;
	PoProjection projection;
	PoRow		row;
	double	   *days;
	double	   *figures;
	int			nahead;
	int			n = series_args(fcinfo, &days, &figures);
	Datum	   *ahead = array_arg(fcinfo, 2, "ahead", TIMESTAMPTZOID, 100000, &nahead);

	po_srf_begin(fcinfo, &row);
	if (!po_forecast_fit(days, figures, n, &forecast))
		PG_RETURN_VOID();
	for (int i = 0; i < nahead; i++)
	{
		projection = po_forecast_at(&forecast, day_of(ahead[i]));
		po_row_datum(&row, ahead[i]);
		po_row_float8(&row, projection.value);
		po_row_float8(&row, projection.lower);
		po_row_float8(&row, projection.upper);
		po_row_float8(&row, forecast.slope);
		po_row_bool(&row, forecast.weekly);
		po_srf_emit(&row);
	}
	PG_RETURN_VOID();
}
