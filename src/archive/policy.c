/*
 * policy.c
 *	  Archive policies: what their values may be, and who may use them.
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
#include "core/window.h"
#include "miscadmin.h"
#include "pgtime.h"
#include "port.h"
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

/* Raises 22023 for an argument with a value that is not one of two, and tells whether it is the second. */
static bool
parse_choice(const char *argument, const char *text, const char *first, const char *second)
{
	if (strcmp(text, first) != 0 && strcmp(text, second) != 0)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"%s\" has the unknown value \"%s\"", argument, text),
				 errhint("Use \"%s\" or \"%s\".", first, second)));
	return strcmp(text, second) == 0;
}

/* Reads the fk_policy argument: whether ON DELETE actions may happen; raises 22023. */
bool
po_policy_parse_fk(const char *text)
{
	return parse_choice("fk_policy", text, "refuse", "cascade");
}

/* Reads the on_drift argument: whether missing columns are added; raises 22023. */
bool
po_policy_parse_drift(const char *text)
{
	return parse_choice("on_drift", text, "error", "add_columns");
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

/* Tells whether an interval is longer than another. */
static bool
is_longer(Interval *a, Interval *b)
{
	return DatumGetInt32(DirectFunctionCall2(interval_cmp, IntervalPGetDatum(a), IntervalPGetDatum(b))) > 0;
}

/* Tells whether an interval is longer than nothing. */
static bool
is_positive(Interval *interval)
{
	Interval	zero = {0};

	return is_longer(interval, &zero);
}

/* Looks a column's type up; InvalidOid when there is no such column. */
Oid
po_policy_column_type(Oid relation, const char *column)
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
	policy->time_type = po_policy_column_type(policy->relation, policy->time_column);
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

/* Checks where the rows go, and how long they stay there; raises 22023. */
static void
check_target(PoArchivePolicy *policy)
{
	bool		deletes = policy->strategy == PO_ARCHIVE_DELETE;

	require_value(!deletes || !OidIsValid(policy->destination), "destination",
				  "has no use with strategy \"delete\"", "Leave it out.");
	require_value(policy->destination != policy->relation, "destination", "is the table itself",
				  "Pass another table, or leave it out to have one made.");
	require_value(policy->export_directory == NULL || !deletes, "export_directory",
				  "has no use with strategy \"delete\"", "Leave it out.");
	require_value(policy->export_directory == NULL || !OidIsValid(policy->destination),
				  "export_directory", "cannot be combined with a destination", "Leave one of the two out.");
	require_value(policy->export_directory == NULL || policy->strategy == PO_ARCHIVE_MOVE,
				  "strategy", "cannot be \"copy\" with files, which would be written again by each run",
				  "Use \"move\", or a table as destination.");
	require_value(policy->export_directory == NULL || is_absolute_path(policy->export_directory),
				  "export_directory", "is not an absolute path", "Pass a directory of the server, such as '/var/archive'.");
	require_value(policy->purge_after == NULL || !deletes, "purge_after",
				  "has no use with strategy \"delete\"", "Leave it out.");
	require_value(policy->purge_after == NULL || is_longer(policy->purge_after, policy->older_than),
				  "purge_after", "must be longer than older_than",
				  "Archived rows are deleted when they are older than purge_after.");
}

/* Checks the window of a run; raises 22023. */
static void
check_window(PoArchivePolicy *policy)
{
	PoWindow	window;
	const char *problem = policy->run_window ? po_window_parse(policy->run_window, &window) : NULL;

	if (problem)
		ereport(ERROR,
				(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
				 errmsg("argument \"run_window\" is not a window: \"%s\"", policy->run_window),
				 errdetail("Here, %s.", problem),
				 errhint("Pass for example '22:00-06:00' or 'mon-fri 22:00-06:00, sat-sun 00:00-24:00'.")));
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
	check_target(policy);
	check_window(policy);
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

/* Raises 42501 unless the current user has the rights of the policy's owner. */
void
po_policy_check_may_use(PoArchivePolicy *policy)
{
	if (!has_privs_of_role(GetUserId(), policy->owner))
		ereport(ERROR,
				(errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
				 errmsg("permission denied for archive policy \"%s\"", policy->name),
				 errhint("Only its owner, members of that role and superusers may use it.")));
}

/*
 * Returns the role whose identity the work on the tables takes: the caller's, or
 * the table owner's when a superuser works on another's table.
 */
Oid
po_policy_run_as(PoArchivePolicy *policy)
{
	Oid			owner;

	if (!superuser_arg(policy->caller))
		return policy->caller;
	owner = po_own_relation_owner(policy->reversed ? policy->destination : policy->relation);
	return OidIsValid(owner) ? owner : policy->caller;
}
