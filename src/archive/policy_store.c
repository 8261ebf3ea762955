/*
 * policy_store.c
 *	  Storing and loading archive policies.
 *
 * All functions here need SPI, which the caller has connected.
 */
#include "postgres.h"

#include "archive/policy_store.h"
#include "catalog/pg_type.h"
#include "core/own.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/builtins.h"
#include "utils/timestamp.h"

/* The columns that a policy consists of, in the order of put_policy and read_policy. */
#define POLICY_COLUMNS \
	"name, owner, relation, time_column, older_than, strategy, destination, predicate, batch_rows," \
	" max_rows_per_second, max_replica_lag, schedule, timezone, fk_policy, max_share_pct, max_runtime," \
	" run_window, max_wal_bytes_per_second, purge_after, on_drift, export_directory"
#define POLICY_PARAMS \
	"$1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19, $20, $21"
#define POLICY_NPARAMS 21

/* Parameters of a statement under construction. */
typedef struct Params
{
	int			n;
	Oid			types[POLICY_NPARAMS + 1];
	Datum		values[POLICY_NPARAMS + 1];
	char		nulls[POLICY_NPARAMS + 1];
} Params;

/* Adds a Datum or, when absent, a NULL. */
static void
put(Params *params, Oid type, Datum value, bool present)
{
	params->types[params->n] = type;
	params->values[params->n] = value;
	params->nulls[params->n] = present ? ' ' : 'n';
	params->n++;
}

/* Adds a C string or NULL. */
static void
put_text(Params *params, const char *text)
{
	put(params, TEXTOID, text ? CStringGetTextDatum(text) : (Datum) 0, text != NULL);
}

/* Adds an interval or NULL. */
static void
put_interval(Params *params, Interval *interval)
{
	put(params, INTERVALOID, IntervalPGetDatum(interval), interval != NULL);
}

/* Adds an integer; 0 gives NULL. */
static void
put_int4(Params *params, int value)
{
	put(params, INT4OID, Int32GetDatum(value), value != 0);
}

/* Adds the columns of a policy, but its number. */
static void
put_policy(Params *params, PoArchivePolicy *policy)
{
	put_text(params, policy->name);
	put(params, REGROLEOID, ObjectIdGetDatum(policy->owner), true);
	put(params, REGCLASSOID, ObjectIdGetDatum(policy->relation), true);
	put(params, NAMEOID, DirectFunctionCall1(namein, CStringGetDatum(policy->time_column)), true);
	put_interval(params, policy->older_than);
	put_text(params, po_policy_strategy_name(policy->strategy));
	put(params, REGCLASSOID, ObjectIdGetDatum(policy->destination), OidIsValid(policy->destination));
	put_text(params, policy->predicate);
	put_int4(params, policy->batch_rows);
	put_int4(params, policy->max_rows_per_second);
	put_interval(params, policy->max_replica_lag);
	put_text(params, policy->schedule);
	put_text(params, policy->timezone);
	put_text(params, policy->fk_cascade ? "cascade" : "refuse");
	put(params, FLOAT8OID, Float8GetDatum(policy->max_share_pct), policy->max_share_pct > 0);
	put_interval(params, policy->max_runtime);
	put_text(params, policy->run_window);
	put(params, INT8OID, Int64GetDatum(policy->max_wal_bytes_per_second), policy->max_wal_bytes_per_second > 0);
	put_interval(params, policy->purge_after);
	put_text(params, policy->add_columns ? "add_columns" : "error");
	put_text(params, policy->export_directory);
}

/* Raises 42710 when a policy of this name exists. */
static void
check_name_is_free(const char *name)
{
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};

	if (po_own_execute("SELECT FROM perf_optimizer.archive_policy WHERE name OPERATOR(pg_catalog.=) $1",
					   1, types, values, NULL) > 0)
		ereport(ERROR,
				(errcode(ERRCODE_DUPLICATE_OBJECT),
				 errmsg("archive policy \"%s\" already exists", name),
				 errhint("Change it with perf_optimizer.alter_archive_policy, choose another name, or remove it first with SELECT perf_optimizer.drop_archive_policy(%s).",
						 quote_literal_cstr(name))));
}

/* Stores a new policy; raises 42710 when its name is taken. */
void
po_policy_store_insert(PoArchivePolicy *policy)
{
	Params		params = {0};

	check_name_is_free(policy->name);
	put_policy(&params, policy);
	po_own_execute("INSERT INTO perf_optimizer.archive_policy (" POLICY_COLUMNS ")"
				   " VALUES (" POLICY_PARAMS ")", params.n, params.types, params.values, params.nulls);
}

/* Stores the new values of a policy. */
void
po_policy_store_update(PoArchivePolicy *policy)
{
	Params		params = {0};

	put_policy(&params, policy);
	put(&params, INT4OID, Int32GetDatum(policy->id), true);
	po_own_execute("UPDATE perf_optimizer.archive_policy SET (" POLICY_COLUMNS ") = ROW(" POLICY_PARAMS ")"
				   " WHERE id OPERATOR(pg_catalog.=) $22", params.n, params.types, params.values, params.nulls);
}

/* Reads a column of the first result row; *isnull tells NULL. */
static Datum
get(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/* Reads a text column of the first result row into a context; NULL gives NULL. */
static char *
get_text(int column, MemoryContext context)
{
	bool		isnull;
	Datum		value = get(column, &isnull);

	return isnull ? NULL : MemoryContextStrdup(context, TextDatumGetCString(value));
}

/* Reads an interval column of the first result row into a context; NULL gives NULL. */
static Interval *
get_interval(int column, MemoryContext context)
{
	bool		isnull;
	Datum		value = get(column, &isnull);
	Interval   *copy;

	if (isnull)
		return NULL;
	copy = MemoryContextAlloc(context, sizeof(Interval));
	memcpy(copy, DatumGetIntervalP(value), sizeof(Interval));
	return copy;
}

/* Reads an oid or integer column of the first result row; NULL gives 0. */
static int64
get_number(int column, bool wide)
{
	bool		isnull;
	Datum		value = get(column, &isnull);

	if (isnull)
		return 0;
	return wide ? DatumGetInt64(value) : (int64) DatumGetUInt32(value);
}

/* Turns the first result row, the columns and then the number, into a policy in the given context. */
static PoArchivePolicy *
read_policy(MemoryContext context)
{
	PoArchivePolicy *policy = MemoryContextAllocZero(context, sizeof(PoArchivePolicy));
	bool		isnull;
	Datum		share;

	policy->name = get_text(1, context);
	policy->owner = (Oid) get_number(2, false);
	policy->relation = (Oid) get_number(3, false);
	policy->time_column = MemoryContextStrdup(context, NameStr(*DatumGetName(get(4, &isnull))));
	policy->older_than = get_interval(5, context);
	policy->strategy = po_policy_parse_strategy(get_text(6, context));
	policy->destination = (Oid) get_number(7, false);
	policy->predicate = get_text(8, context);
	policy->batch_rows = (int) get_number(9, false);
	policy->max_rows_per_second = (int) get_number(10, false);
	policy->max_replica_lag = get_interval(11, context);
	policy->schedule = get_text(12, context);
	policy->timezone = get_text(13, context);
	policy->fk_cascade = po_policy_parse_fk(get_text(14, context));
	share = get(15, &isnull);
	policy->max_share_pct = isnull ? 0 : DatumGetFloat8(share);
	policy->max_runtime = get_interval(16, context);
	policy->run_window = get_text(17, context);
	policy->max_wal_bytes_per_second = get_number(18, true);
	policy->purge_after = get_interval(19, context);
	policy->add_columns = po_policy_parse_drift(get_text(20, context));
	policy->export_directory = get_text(21, context);
	policy->id = (int32) get_number(22, false);
	policy->time_type = po_policy_column_type(policy->relation, policy->time_column);
	return policy;
}

/*
 * Returns the policy of this name in the current context.  Raises 42704 when
 * there is none and 42501 when the current user may not use it.  The relation
 * may be gone.
 */
PoArchivePolicy *
po_policy_store_load(const char *name)
{
	static const char *const sql =
	"SELECT " POLICY_COLUMNS ", id FROM perf_optimizer.archive_policy WHERE name OPERATOR(pg_catalog.=) $1";
	Oid			types[] = {TEXTOID};
	Datum		values[] = {CStringGetTextDatum(name)};
	PoArchivePolicy *policy;

	if (po_own_execute(sql, 1, types, values, NULL) == 0)
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("archive policy \"%s\" does not exist", name),
				 errhint("The view perf_optimizer.archive_policies lists the policies.")));
	policy = read_policy(CurrentMemoryContext);
	policy->caller = GetUserId();
	po_policy_check_may_use(policy);
	return policy;
}

/* Removes a policy; its runs stay. */
void
po_policy_store_delete(PoArchivePolicy *policy)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(policy->id)};

	po_own_execute("DELETE FROM perf_optimizer.archive_policy WHERE id OPERATOR(pg_catalog.=) $1",
				   1, types, values, NULL);
}
