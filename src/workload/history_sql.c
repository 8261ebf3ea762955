/*
 * history_sql.c
 *	  SQL entry points of the history of the workload.
 */
#include "postgres.h"

#include "catalog/pg_type.h"
#include "core/args.h"
#include "fmgr.h"
#include "plan/sample.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "workload/growth.h"
#include "workload/rules.h"
#include "workload/snapshot.h"
#include "workload/welch.h"

PG_FUNCTION_INFO_V1(perf_optimizer_growth);
PG_FUNCTION_INFO_V1(perf_optimizer_may_read_statement);
PG_FUNCTION_INFO_V1(perf_optimizer_statement_rules);
PG_FUNCTION_INFO_V1(perf_optimizer_take_snapshot);
PG_FUNCTION_INFO_V1(perf_optimizer_welch_p_value);

/* take_snapshot(): adds a snapshot to the history and returns its number. */
Datum
perf_optimizer_take_snapshot(PG_FUNCTION_ARGS)
{
	PG_RETURN_INT64(po_snapshot_take());
}

/* welch_p_value(n, mean, stddev, n, mean, stddev): how likely such a rise is by chance. */
Datum
perf_optimizer_welch_p_value(PG_FUNCTION_ARGS)
{
	PoMoments	before = {PG_GETARG_FLOAT8(0), PG_GETARG_FLOAT8(1), PG_GETARG_FLOAT8(2)};
	PoMoments	after = {PG_GETARG_FLOAT8(3), PG_GETARG_FLOAT8(4), PG_GETARG_FLOAT8(5)};

	PG_RETURN_FLOAT8(po_welch_p_value(&before, &after));
}

/* may_read_statement(userid): whether the caller may see the statements of a role. */
Datum
perf_optimizer_may_read_statement(PG_FUNCTION_ARGS)
{
	PG_RETURN_BOOL(po_sample_may_read(PG_GETARG_OID(0)));
}

/* Reads a float8[] argument, NULL elements as 0; returns the number of elements, 0 for a NULL array. */
static int
read_numbers(FunctionCallInfo fcinfo, int argno, double **numbers)
{
	Datum	   *elements;
	bool	   *nulls;
	int			n;

	*numbers = NULL;
	if (PG_ARGISNULL(argno))
		return 0;
	deconstruct_array(PG_GETARG_ARRAYTYPE_P(argno), FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
					  TYPALIGN_DOUBLE, &elements, &nulls, &n);
	*numbers = palloc(sizeof(double) * Max(n, 1));
	for (int i = 0; i < n; i++)
		(*numbers)[i] = nulls[i] ? 0 : DatumGetFloat8(elements[i]);
	return n;
}

/* growth(present, last): what counters grew by; NULL for NULL. */
Datum
perf_optimizer_growth(PG_FUNCTION_ARGS)
{
	double	   *present;
	double	   *last;
	Datum	   *grown;
	int			n = read_numbers(fcinfo, 0, &present);
	int			nlast = read_numbers(fcinfo, 1, &last);

	if (PG_ARGISNULL(0))
		PG_RETURN_NULL();
	po_growth_of(present, n, last, nlast);
	grown = palloc(sizeof(Datum) * Max(n, 1));
	for (int i = 0; i < n; i++)
		grown[i] = Float8GetDatum(present[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(grown, n, FLOAT8OID, sizeof(float8), FLOAT8PASSBYVAL,
										  TYPALIGN_DOUBLE));
}

/* Returns a float8 argument, 0 for NULL. */
static double
number(FunctionCallInfo fcinfo, int argno)
{
	return PG_ARGISNULL(argno) ? 0 : PG_GETARG_FLOAT8(argno);
}

/* statement_rules(...): the findings that one statement's counters decide. */
Datum
perf_optimizer_statement_rules(PG_FUNCTION_ARGS)
{
	PoStatementCounters c = {0};
	const char *rules[PO_WORKLOAD_MAX_RULES];
	Datum		names[PO_WORKLOAD_MAX_RULES];
	int			n;

	c.calls = number(fcinfo, 0);
	c.total_time_ms = number(fcinfo, 1);
	c.mean_time_ms = c.calls > 0 ? c.total_time_ms / c.calls : 0;
	c.hit_blocks = number(fcinfo, 2);
	c.read_blocks = number(fcinfo, 3);
	c.temp_bytes = number(fcinfo, 4);
	c.wal_bytes = number(fcinfo, 5);
	c.all_time_ms = number(fcinfo, 6);
	c.all_read_blocks = number(fcinfo, 7);
	c.all_temp_bytes = number(fcinfo, 8);
	c.all_wal_bytes = number(fcinfo, 9);
	c.tracked = !PG_ARGISNULL(10);
	c.p50_ms = number(fcinfo, 10);
	c.p95_ms = number(fcinfo, 11);
	c.p99_ms = number(fcinfo, 12);
	n = po_rules_judge(&c, rules);
	for (int i = 0; i < n; i++)
		names[i] = CStringGetTextDatum(rules[i]);
	PG_RETURN_ARRAYTYPE_P(construct_array(names, n, TEXTOID, -1, false, TYPALIGN_INT));
}
