/*
 * policy.c
 *	  Archive policies: checking, storing and loading.
 *
 * A policy belongs to the role that made it, which must own the table.  It is
 * used by that role, its members and superusers, and whoever uses it must have
 * the owner's rights on the table at that moment; the stored row gives none.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "archive/policy.h"
#include "catalog/pg_class.h"
#include "catalog/pg_type.h"
#include "core/compat.h"
#include "core/own.h"
#include "core/relname.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

#define MAX_BATCH_ROWS 50000

static const char *const strategy_names[] = {"move", "copy", "delete"};

/* Reads the strategy argument; raises 22023 for an unknown one. */
PoArchiveStrategy
po_policy_parse_strategy(const char *text)
{
	for (int i = 0; i < lengthof(strategy_names); i++)
		if (strcmp(text, strategy_names[i]) == 0)
			return (PoArchiveStrategy) i;
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("argument \"strategy\" has the unknown value \"%s\"", text),
			 errhint("Use \"move\", \"copy\" or \"delete\".")));
	return PO_ARCHIVE_MOVE;		/* not reached */
}

/* Returns a strategy's name. */
const char *
po_policy_strategy_name(PoArchiveStrategy strategy)
{
	return strategy_names[strategy];
}

/* Raises 22023 unless an argument's value is acceptable. */
static void
require_value(bool ok, const char *argument, const char *fact, const char *hint)
{
	if (!ok)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" %s", argument, fact),
				 errhint("%s", hint)));
}

/* Tells whether an interval is longer than nothing. */
static bool
is_positive(Interval *interval)
{
	Interval	zero = {0};

	return DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(interval),
											 IntervalPGetDatum(&zero))) > 0;
}

/* Looks the time column's type up; InvalidOid when there is no such column. */
static Oid
column_type(Oid relation, const char *column)
{
	AttrNumber	attno = get_attnum(relation, column);

	return attno > 0 ? get_atttype(relation, attno) : InvalidOid;
}

/*
 * Checks that the policy's relation is a table that the current user owns and
 * that its time column is one, and sets time_type.  Raises 42P01, 42809, 42501,
 * 42703 or 42804.
 */
void
po_policy_check_source(PoArchivePolicy *policy)
{
	char	   *name = po_relname_qualified(policy->relation);
	char		kind = get_rel_relkind(policy->relation);

	if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("%s is not a table", name),
				 errhint("Pass an ordinary or a partitioned table.")));
	if (!PO_OWNS_RELATION(policy->relation, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, OBJECT_TABLE, name);
	policy->time_type = column_type(policy->relation, policy->time_column);
	if (!OidIsValid(policy->time_type))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_COLUMN),
				 errmsg("column \"%s\" of table %s does not exist", policy->time_column, name),
				 errhint("Pass the column's name as it is stored, without double quotes.")));
	if (policy->time_type != TIMESTAMPTZOID && policy->time_type != TIMESTAMPOID &&
		policy->time_type != DATEOID)
		ereport(ERROR,
				(errcode(ERRCODE_DATATYPE_MISMATCH),
				 errmsg("column \"%s\" of table %s has type %s, which is not a time",
						policy->time_column, name, format_type_be(policy->time_type)),
				 errhint("Pass a column of type timestamptz, timestamp or date.")));
}

/*
 * Settles the time zone: given, or the session's.  A column without time zone
 * needs it given, because applications store other zones than the session's in
 * it, unless the session is in UTC.
 */
static void
settle_timezone(PoArchivePolicy *policy)
{
	const char *session = pg_get_timezone_name(session_timezone);
	bool		utc = pg_strcasecmp(session, "UTC") == 0 || pg_strcasecmp(session, "Etc/UTC") == 0 ||
	pg_strcasecmp(session, "GMT") == 0;

	if (policy->timezone == NULL)
	{
		require_value(policy->time_type == TIMESTAMPTZOID || utc, "timezone",
					  "is needed for a time column without time zone",
					  "Pass the time zone in which the column's values are written, for example timezone => 'UTC'.");
		policy->timezone = pstrdup(session);
	}
	require_value(pg_tzset(policy->timezone) != NULL, "timezone", "is not a known time zone",
				  "Use a name of pg_timezone_names, for example 'Europe/Berlin'.");
}

/*
 * Checks the policy's values and fills in the time zone; the source has been
 * checked.  Raises 22023 or 42809.
 */
void
po_policy_check_values(PoArchivePolicy *policy)
{
	require_value(policy->name[0] != '\0', "name", "is empty", "Pass a name, or leave it out.");
	require_value(is_positive(policy->older_than), "older_than", "must be longer than nothing",
				  "Pass an age, for example interval '90 days'.");
	require_value(policy->strategy != PO_ARCHIVE_DELETE || !OidIsValid(policy->destination),
				  "destination", "has no use with strategy \"delete\"", "Leave it out.");
	require_value(policy->destination != policy->relation, "destination", "is the table itself",
				  "Pass another table, or leave it out to have one made.");
	require_value(policy->batch_rows >= 1 && policy->batch_rows <= MAX_BATCH_ROWS, "batch_rows",
				  "is out of range", "Pass 1 to 50000.");
	require_value(policy->max_rows_per_second >= 0, "max_rows_per_second", "is out of range",
				  "Pass a positive number, or leave it out for no limit.");
	require_value(policy->max_wal_bytes_per_second >= 0, "max_wal_bytes_per_second", "is out of range",
				  "Pass a positive number, or leave it out for no limit.");
	require_value(policy->max_share_pct >= 0 && policy->max_share_pct <= 100, "max_share_pct",
				  "is out of range", "Pass more than 0 and up to 100, or leave it out for no guard.");
	require_value(policy->max_replica_lag == NULL || is_positive(policy->max_replica_lag),
				  "max_replica_lag", "must be longer than nothing", "Pass for example interval '10 seconds'.");
	require_value(policy->max_runtime == NULL || is_positive(policy->max_runtime),
				  "max_runtime", "must be longer than nothing", "Pass for example interval '1 hour'.");
	settle_timezone(policy);
}

/* Stores a Datum or, when absent, a NULL as the next parameter. */
static void
put(Datum *values, char *nulls, int *n, Datum value, bool present)
{
	values[*n] = value;
	nulls[*n] = present ? ' ' : 'n';
	(*n)++;
}

/* Stores a C string or NULL as the next parameter. */
static void
put_text(Datum *values, char *nulls, int *n, const char *text)
{
	put(values, nulls, n, text ? CStringGetTextDatum(text) : (Datum) 0, text != NULL);
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
				 errhint("Choose another name, or remove it first with SELECT perf_optimizer.drop_archive_policy(%s).",
						 quote_literal_cstr(name))));
}

/* Stores a new policy owned by the current user; raises 42710.  The caller has connected SPI. */
void
po_policy_store(PoArchivePolicy *policy)
{
	static const char *const sql =
	"INSERT INTO perf_optimizer.archive_policy (name, owner, relation, time_column, older_than,"
	" strategy, destination, predicate, batch_rows, max_rows_per_second, max_replica_lag, schedule,"
	" timezone, fk_policy, max_share_pct, max_runtime, max_wal_bytes_per_second)"
	" VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
	Oid			types[] = {TEXTOID, REGROLEOID, REGCLASSOID, NAMEOID, INTERVALOID, TEXTOID,
		REGCLASSOID, TEXTOID, INT4OID, INT4OID, INTERVALOID, TEXTOID, TEXTOID, TEXTOID, FLOAT8OID,
	INTERVALOID, INT8OID};
	Datum		v[lengthof(types)];
	char		nulls[lengthof(types)];
	int			n = 0;

	check_name_is_free(policy->name);
	put_text(v, nulls, &n, policy->name);
	put(v, nulls, &n, ObjectIdGetDatum(GetUserId()), true);
	put(v, nulls, &n, ObjectIdGetDatum(policy->relation), true);
	put(v, nulls, &n, DirectFunctionCall1(namein, CStringGetDatum(policy->time_column)), true);
	put(v, nulls, &n, IntervalPGetDatum(policy->older_than), true);
	put_text(v, nulls, &n, po_policy_strategy_name(policy->strategy));
	put(v, nulls, &n, ObjectIdGetDatum(policy->destination), OidIsValid(policy->destination));
	put_text(v, nulls, &n, policy->predicate);
	put(v, nulls, &n, Int32GetDatum(policy->batch_rows), true);
	put(v, nulls, &n, Int32GetDatum(policy->max_rows_per_second), policy->max_rows_per_second > 0);
	put(v, nulls, &n, IntervalPGetDatum(policy->max_replica_lag), policy->max_replica_lag != NULL);
	put_text(v, nulls, &n, policy->schedule);
	put_text(v, nulls, &n, policy->timezone);
	put_text(v, nulls, &n, policy->fk_cascade ? "cascade" : "refuse");
	put(v, nulls, &n, Float8GetDatum(policy->max_share_pct), policy->max_share_pct > 0);
	put(v, nulls, &n, IntervalPGetDatum(policy->max_runtime), policy->max_runtime != NULL);
	put(v, nulls, &n, Int64GetDatum(policy->max_wal_bytes_per_second), policy->max_wal_bytes_per_second > 0);
	po_own_execute(sql, n, types, v, nulls);
}

/* Reads a column of the first result row; *isnull tells NULL. */
static Datum
get(int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, isnull);
}

/* Reads a text column of the first result row into the caller's context; NULL gives NULL. */
static char *
get_text(int column, MemoryContext context)
{
	bool		isnull;
	Datum		value = get(column, &isnull);

	return isnull ? NULL : MemoryContextStrdup(context, TextDatumGetCString(value));
}

/* Reads an interval column of the first result row into the caller's context; NULL gives NULL. */
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

/* Turns the first result row into a policy in the given context. */
static PoArchivePolicy *
read_policy(MemoryContext context)
{
	PoArchivePolicy *policy = MemoryContextAllocZero(context, sizeof(PoArchivePolicy));
	bool		isnull;
	Datum		share;

	policy->id = (int32) get_number(1, false);
	policy->name = get_text(2, context);
	policy->owner = (Oid) get_number(3, false);
	policy->relation = (Oid) get_number(4, false);
	policy->time_column = get_text(5, context);
	policy->older_than = get_interval(6, context);
	policy->strategy = po_policy_parse_strategy(get_text(7, context));
	policy->destination = (Oid) get_number(8, false);
	policy->predicate = get_text(9, context);
	policy->batch_rows = (int) get_number(10, false);
	policy->max_rows_per_second = (int) get_number(11, false);
	policy->max_replica_lag = get_interval(12, context);
	policy->schedule = get_text(13, context);
	policy->timezone = get_text(14, context);
	policy->fk_cascade = strcmp(get_text(15, context), "cascade") == 0;
	share = get(16, &isnull);
	policy->max_share_pct = isnull ? 0 : DatumGetFloat8(share);
	policy->max_runtime = get_interval(17, context);
	policy->max_wal_bytes_per_second = get_number(18, true);
	policy->time_type = column_type(policy->relation, policy->time_column);
	return policy;
}

/* Raises 42501 unless the current user has the rights of the policy's owner. */
static void
check_may_use(PoArchivePolicy *policy)
{
	if (!has_privs_of_role(GetUserId(), policy->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for archive policy \"%s\"", policy->name),
				 errhint("Only its owner, members of that role and superusers may use it.")));
}

/*
 * Returns the policy of this name in the current context.  Raises 42704 when
 * there is none and 42501 when the current user may not use it.  The caller has
 * connected SPI; the relation may be gone.
 */
PoArchivePolicy *
po_policy_load(const char *name)
{
	static const char *const sql =
	"SELECT id, name, owner, relation, time_column::pg_catalog.text, older_than, strategy, destination,"
	" predicate, batch_rows, max_rows_per_second, max_replica_lag, schedule, timezone, fk_policy,"
	" max_share_pct, max_runtime, max_wal_bytes_per_second"
	" FROM perf_optimizer.archive_policy WHERE name OPERATOR(pg_catalog.=) $1";
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
	check_may_use(policy);
	return policy;
}

/* Removes a policy; its runs stay.  The caller has connected SPI. */
void
po_policy_delete(PoArchivePolicy *policy)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(policy->id)};

	po_own_execute("DELETE FROM perf_optimizer.archive_policy WHERE id OPERATOR(pg_catalog.=) $1",
				   1, types, values, NULL);
}

/*
 * Returns the role whose identity the work on the tables takes: the caller's, or
 * the table owner's when a superuser works on another's table.
 */
Oid
po_policy_run_as(PoArchivePolicy *policy)
{
	HeapTuple	tuple;
	Oid			owner;

	if (!superuser_arg(policy->caller))
		return policy->caller;
	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(policy->relation));
	if (!HeapTupleIsValid(tuple))
		return policy->caller;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}
