/*
 * store.c
 *	  Running our own SQL on the tables of jobs and runs.
 *
 * Users hold no rights on those tables, so that nobody can write a job in
 * somebody else's name.  The functions that write them check rights in C and
 * then act as the extension's owner for the length of our own statements, as
 * the server's foreign key checks do.  What keeps a user from running code there:
 *
 * - the statements are constants; values travel as parameters;
 * - search_path is pinned, so that names and operators are pg_catalog's, and
 *	 tables are written with their schema;
 * - the tables must belong to the extension's owner: only that role could have
 *	 put triggers, defaults or rules on them, and a look-alike in a schema that
 *	 somebody else owns is refused;
 * - SECURITY_RESTRICTED_OPERATION forbids what would outlive the statement.
 *
 * An error needs no cleaning up: the abort of the (sub)transaction restores
 * user, settings and SPI.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/namespace.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "common/hashfn.h"
#include "core/own.h"
#include "core/setting.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "sched/store.h"
#include "storage/lmgr.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/memutils.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"
#include "utils/timestamp.h"

/* Returns the owner of our extension by its number, InvalidOid when that is not it any more. */
static Oid
extension_owner(Oid extension)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	Oid			owner = InvalidOid;
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple) && strcmp(NameStr(((Form_pg_extension) GETSTRUCT(tuple))->extname), "perf_optimizer") == 0)
		owner = ((Form_pg_extension) GETSTRUCT(tuple))->extowner;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return owner;
}

/*
 * Locks the extension against being dropped until the transaction ends, and
 * returns its owner, InvalidOid when it does not exist.  DROP EXTENSION locks
 * the extension before its tables, in an order of its own: who waits for it here,
 * before any table, cannot deadlock with it.  Its number is remembered: a lock
 * on one that is gone is in nobody's way.
 */
static Oid
lock_extension(void)
{
	static Oid	extension = InvalidOid;
	Oid			owner = InvalidOid;

	if (OidIsValid(extension))
	{
		LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
		owner = extension_owner(extension);
	}
	if (OidIsValid(owner))
		return owner;
	extension = get_extension_oid("perf_optimizer", true);
	if (!OidIsValid(extension))
		return InvalidOid;
	LockDatabaseObject(ExtensionRelationId, extension, 0, AccessShareLock);
	return extension_owner(extension);
}

/* Raises 55000 unless each of our tables belongs to the extension's owner. */
static void
check_tables(Oid owner)
{
	static const char *const tables[] = {"identity", "job", "job_run", "job_attempt"};
	Oid			schema = get_namespace_oid("perf_optimizer", false);

	for (int i = 0; i < lengthof(tables); i++)
		if (po_own_relation_owner(get_relname_relid(tables[i], schema)) != owner)
			ereport(ERROR,
					(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
					 errmsg("table \"perf_optimizer.%s\" does not belong to the extension's owner",
							tables[i]),
					 errhint("Drop and create the extension, or give the table back with ALTER TABLE ... OWNER TO.")));
}

/* Does the work of po_store_enter once the extension is locked. */
static void
enter_as(Oid owner, PoStoreScope *scope)
{
	check_tables(owner);
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	scope->guc_level = NewGUCNestLevel();
	SetUserIdAndSecContext(owner, scope->sec_context | SECURITY_LOCAL_USERID_CHANGE |
						   SECURITY_RESTRICTED_OPERATION);
	po_setting_for_level("search_path", "pg_catalog, pg_temp");
	if (SPI_connect() != SPI_OK_CONNECT)
		elog(ERROR, "SPI_connect failed");
}

/*
 * Begins to act as the extension's owner, with a pinned search_path and SPI
 * connected.  In a transaction; pair with po_store_leave unless an error comes.
 * Raises 42704 when the extension does not exist.
 */
void
po_store_enter(PoStoreScope *scope)
{
	Oid			owner = lock_extension();

	if (!OidIsValid(owner))
		ereport(ERROR,
				(errcode(ERRCODE_UNDEFINED_OBJECT),
				 errmsg("extension \"perf_optimizer\" does not exist")));
	enter_as(owner, scope);
}

/* Goes back to who was acting before; results of SPI are freed. */
void
po_store_leave(PoStoreScope *scope)
{
	if (SPI_finish() != SPI_OK_FINISH)
		elog(ERROR, "SPI_finish failed");
	AtEOXact_GUC(true, scope->guc_level);
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}

/*
 * Starts a transaction of a worker's own and enters; false, and no transaction,
 * when the extension does not exist any more.  Whatever the role's or the
 * database's default_transaction_* say, it can write and sees what is committed.
 */
bool
po_store_begin(PoStoreScope *scope)
{
	Oid			owner;

	StartTransactionCommand();
	owner = lock_extension();
	if (!OidIsValid(owner))
	{
		CommitTransactionCommand();
		return false;
	}
	XactReadOnly = false;
	XactIsoLevel = XACT_READ_COMMITTED;
	PushActiveSnapshot(GetTransactionSnapshot());
	enter_as(owner, scope);
	return true;
}

/* Leaves and commits what po_store_begin started. */
void
po_store_commit(PoStoreScope *scope)
{
	po_store_leave(scope);
	PopActiveSnapshot();
	CommitTransactionCommand();
}

/*
 * The same without waiting for the disk: for a worker that will wait for it with
 * its next commit, which makes this one durable too.
 */
void
po_store_commit_soon(PoStoreScope *scope)
{
	po_setting_for_transaction("synchronous_commit", "off");
	po_store_commit(scope);
}

/* Adds an argument. */
static void
add_arg(PoStoreArgs *args, Oid type, Datum value, bool isnull)
{
	if (args->n == PO_STORE_MAX_ARGS)
		elog(ERROR, "too many arguments of a statement");
	args->types[args->n] = type;
	args->values[args->n] = value;
	args->nulls[args->n] = isnull ? 'n' : ' ';
	args->n++;
}

/* Adds an integer argument. */
void
po_store_int4(PoStoreArgs *args, int32 value)
{
	add_arg(args, INT4OID, Int32GetDatum(value), false);
}

/* Adds a bigint argument. */
void
po_store_int8(PoStoreArgs *args, int64 value)
{
	add_arg(args, INT8OID, Int64GetDatum(value), false);
}

/* Adds a bigint argument that may be NULL. */
void
po_store_int8_or_null(PoStoreArgs *args, int64 value, bool isnull)
{
	add_arg(args, INT8OID, Int64GetDatum(value), isnull);
}

/* Adds a boolean argument. */
void
po_store_bool(PoStoreArgs *args, bool value)
{
	add_arg(args, BOOLOID, BoolGetDatum(value), false);
}

/* Adds an oid argument. */
void
po_store_oid(PoStoreArgs *args, Oid value)
{
	add_arg(args, OIDOID, ObjectIdGetDatum(value), false);
}

/* Adds a text argument; a NULL pointer gives NULL. */
void
po_store_text(PoStoreArgs *args, const char *value)
{
	add_arg(args, TEXTOID, value ? CStringGetTextDatum(value) : (Datum) 0, value == NULL);
}

/* Adds a timestamptz argument; DT_NOEND gives NULL. */
void
po_store_time(PoStoreArgs *args, TimestampTz value)
{
	add_arg(args, TIMESTAMPTZOID, TimestampTzGetDatum(value), TIMESTAMP_IS_NOEND(value));
}

/* Adds an interval argument of so many microseconds; 0 gives NULL. */
void
po_store_interval(PoStoreArgs *args, int64 us)
{
	Interval   *interval = palloc0(sizeof(Interval));

	interval->time = us;
	add_arg(args, INTERVALOID, IntervalPGetDatum(interval), us == 0);
}

/* Adds an array argument of elements of a type; nulls may be NULL when none is. */
void
po_store_array(PoStoreArgs *args, Oid type, Datum *values, bool *nulls, int n)
{
	int16		len;
	bool		byval;
	char		align;
	int			lower = 1;
	ArrayType  *array;

	get_typlenbyvalalign(type, &len, &byval, &align);
	array = construct_md_array(values, nulls, 1, &n, &lower, type, len, byval, align);
	add_arg(args, get_array_type(type), PointerGetDatum(array), false);
}

/* A statement whose plan is kept for as long as the process lives. */
typedef struct KeptPlan
{
	uint32		hash;
	char	   *sql;
	SPIPlanPtr	plan;
	bool		used;			/* it has been planned at least once */
} KeptPlan;

/* There are about as many statements in the code; more are planned each time. */
#define MAX_KEPT_PLANS 64

/* Prepares a statement for any values; the plan is SPI's. */
static SPIPlanPtr
prepare(const char *sql, PoStoreArgs *args)
{
	SPIPlanPtr	plan = SPI_prepare_cursor(sql, args->n, args->types, CURSOR_OPT_GENERIC_PLAN);

	if (plan == NULL)
		elog(ERROR, "could not prepare \"%s\": %s", sql, SPI_result_code_string(SPI_result));
	return plan;
}

/* Returns a statement with its plan, prepared when it is the first time. */
static KeptPlan *
find_plan(const char *sql, PoStoreArgs *args)
{
	static KeptPlan kept[MAX_KEPT_PLANS + 1];
	static int	nkept = 0;
	uint32		hash = hash_bytes((const unsigned char *) sql, strlen(sql));
	KeptPlan   *statement;

	for (int i = 0; i < nkept; i++)
		if (kept[i].hash == hash && strcmp(kept[i].sql, sql) == 0)
			return &kept[i];
	statement = &kept[nkept];
	statement->plan = prepare(sql, args);
	statement->used = false;
	if (nkept == MAX_KEPT_PLANS)
		return statement;
	statement->hash = hash;
	statement->sql = MemoryContextStrdup(TopMemoryContext, sql);
	if (SPI_keepplan(statement->plan) != 0)
		elog(ERROR, "could not keep the plan of \"%s\"", sql);
	nkept++;
	return statement;
}

/*
 * Has statements that are planned from here on read by index; returns what
 * AtEOXact_GUC wants to undo it.  Their plans are kept, and outlive the sizes that
 * the planner sees: a table of jobs that is empty now may have thousands soon.
 */
static int
plan_for_indexes(void)
{
	int			level = NewGUCNestLevel();

	po_setting_for_level("enable_seqscan", "off");
	po_setting_for_level("jit", "off");
	return level;
}

/*
 * Runs a statement between po_store_enter and po_store_leave; args may be NULL.
 * Returns the number of rows, which stay readable until the next statement.  The
 * text must be one of a fixed number, and find its rows by keys: its plan is kept.
 */
uint64
po_store_run(const char *sql, PoStoreArgs *args)
{
	PoStoreArgs none = {0};
	KeptPlan   *statement;
	int			level = 0;
	int			rc;

	if (args == NULL)
		args = &none;
	statement = find_plan(sql, args);
	if (!statement->used || !SPI_plan_is_valid(statement->plan))
		level = plan_for_indexes();
	rc = SPI_execute_plan(statement->plan, args->values, args->nulls, false, 0);
	if (level != 0)
		AtEOXact_GUC(true, level);
	statement->used = true;
	if (rc < 0)
		elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(rc));
	return SPI_processed;
}

/*
 * The same for a statement over many rows: it is planned each time, for the sizes
 * that tables and arrays have now.
 */
uint64
po_store_run_planned(const char *sql, PoStoreArgs *args)
{
	int			rc = SPI_execute_with_args(sql, args->n, args->types, args->values, args->nulls, false, 0);

	if (rc < 0)
		elog(ERROR, "could not run \"%s\": %s", sql, SPI_result_code_string(rc));
	return SPI_processed;
}

/* Returns a column (from 1) of a row (from 0) of the last statement. */
Datum
po_store_datum(uint64 row, int column, bool *isnull)
{
	return SPI_getbinval(SPI_tuptable->vals[row], SPI_tuptable->tupdesc, column, isnull);
}

/* Returns a bigint column, 0 for NULL. */
int64
po_store_get_int8(uint64 row, int column)
{
	bool		isnull;
	Datum		value = po_store_datum(row, column, &isnull);

	return isnull ? 0 : DatumGetInt64(value);
}

/* Returns a text column, copied into memory, or NULL. */
char *
po_store_get_text(uint64 row, int column, MemoryContext memory)
{
	bool		isnull;
	Datum		value = po_store_datum(row, column, &isnull);

	return isnull ? NULL : MemoryContextStrdup(memory, TextDatumGetCString(value));
}
