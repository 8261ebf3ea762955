/*
 * preflight.c
 *	  What stands against running an archive policy, found before anything is done.
 *
 * preview_archive shows what a run checks, because both call this.  A blocker is
 * one sentence with the way out.  Nothing here changes anything.
 */
#include "postgres.h"

#include "access/table.h"
#include "access/transam.h"
#include "archive/columns.h"
#include "archive/destination.h"
#include "archive/export.h"
#include "archive/predicate.h"
#include "archive/preflight.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "catalog/pg_publication.h"
#include "catalog/pg_type.h"
#include "commands/trigger.h"
#include "core/compat.h"
#include "core/own.h"
#include "core/relname.h"
#include "core/setting.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "rewrite/prs2lock.h"
#include "utils/acl.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/guc.h"
#include "utils/lsyscache.h"
#include "utils/plancache.h"
#include "utils/rel.h"
#include "utils/reltrigger.h"
#include "utils/rls.h"
#include "utils/timestamp.h"

/* Adds a blocker. */
static void
block(List **blockers, char *text)
{
	*blockers = lappend(*blockers, text);
}

/*
 * Sets what a policy's statements need: its time zone, row security as an error
 * instead of a filter, and the forms in which values are written as text to files
 * and compared as text.  Ends with po_preflight_end_settings, or with the
 * (sub)transaction on error.
 */
int
po_preflight_begin_settings(PoArchivePolicy *policy)
{
	static const struct
	{
		const char *name;
		const char *value;
	}			pinned[] = {
		{"row_security", "off"}, {"datestyle", "ISO, YMD"}, {"intervalstyle", "postgres"},
		{"extra_float_digits", "1"}, {"bytea_output", "hex"}, {"lc_monetary", "C"},
	};
	int			level = NewGUCNestLevel();

	po_setting_for_level("timezone", policy->timezone);
	for (int i = 0; i < lengthof(pinned); i++)
		po_setting_for_level(pinned[i].name, pinned[i].value);
	return level;
}

/* Goes back to the settings before po_preflight_begin_settings. */
void
po_preflight_end_settings(int level)
{
	AtEOXact_GUC(true, level);
}

/* Tells whether a relation has a rewrite rule for an event. */
static bool
has_rule(Relation rel, CmdType event)
{
	for (int i = 0; rel->rd_rules && i < rel->rd_rules->numLocks; i++)
		if (rel->rd_rules->rules[i]->event == event)
			return true;
	return false;
}

/* Tells whether a relation has triggers that a user made. */
static bool
has_user_triggers(Relation rel)
{
	for (int i = 0; rel->trigdesc && i < rel->trigdesc->numtriggers; i++)
		if (!rel->trigdesc->triggers[i].tgisinternal)
			return true;
	return false;
}

/* Tells whether deleting fails because a publication needs to identify the rows. */
static bool
lacks_replica_identity(Relation rel)
{
	PublicationDesc desc;

	if (rel->rd_rel->relkind != RELKIND_RELATION ||
		rel->rd_rel->relreplident == REPLICA_IDENTITY_FULL ||
		OidIsValid(RelationGetReplicaIndex(rel)))
		return false;
	RelationBuildPublicationDesc(rel, &desc);
	return desc.pubactions.pubdelete;
}

/* Checks one table, on either side, for what would divert or forbid the statements. */
static void
check_table(PoArchivePolicy *policy, Relation rel, CmdType event, AclMode rights, List **blockers)
{
	Oid			role = po_policy_run_as(policy);
	char	   *name = po_relname_qualified(RelationGetRelid(rel));

	if (has_rule(rel, event))
		block(blockers, psprintf("%s has a rewrite rule that would divert the rows: drop the rule", name));
	if (check_enable_rls(RelationGetRelid(rel), role, true) == RLS_ENABLED)
		block(blockers, psprintf("row security of %s applies to role %s, which would see a part of the rows: exempt the role",
								 name, GetUserNameFromId(role, false)));
	if (pg_class_aclmask(RelationGetRelid(rel), role, rights, ACLMASK_ALL) != rights)
		block(blockers, psprintf("role %s lacks rights on %s: grant %s", GetUserNameFromId(role, false), name,
								 event == CMD_DELETE ? "SELECT and DELETE" : "INSERT"));
	if (role != policy->caller && has_user_triggers(rel))
		block(blockers, psprintf("%s has triggers, which must not run as superuser: SET ROLE %s, or schedule the policy as that role",
								 name, quote_identifier(GetUserNameFromId(role, false))));
}

/* Checks the policy's relation and its partitions. */
static void
check_source(PoArchivePolicy *policy, List **blockers)
{
	List	   *tables = find_all_inheritors(policy->relation, AccessShareLock, NULL);
	bool		partitioned = get_rel_relkind(policy->relation) == RELKIND_PARTITIONED_TABLE;
	bool		deletes = policy->strategy != PO_ARCHIVE_COPY;
	ListCell   *cell;

	if (!partitioned && list_length(tables) > 1)
		block(blockers, psprintf("%s has inheritance children, whose rows are not its own: make policies for the children",
								 po_relname_qualified(policy->relation)));
	foreach(cell, tables)
	{
		Relation	rel = table_open(lfirst_oid(cell), AccessShareLock);

		if (rel->rd_rel->relkind == RELKIND_FOREIGN_TABLE)
			block(blockers, psprintf("partition %s is a foreign table", po_relname_qualified(lfirst_oid(cell))));
		check_table(policy, rel, CMD_DELETE, ACL_SELECT | (deletes ? ACL_DELETE : 0), blockers);
		if (deletes && lacks_replica_identity(rel))
			block(blockers, psprintf("%s is published with deletes and has no replica identity: add a primary key or set one",
									 po_relname_qualified(lfirst_oid(cell))));
		table_close(rel, NoLock);
	}
}

/* Checks the destination's kind and place. */
static bool
check_destination_kind(PoArchivePolicy *policy, List **blockers)
{
	char		kind = get_rel_relkind(policy->destination);

	if (kind == '\0')
		block(blockers, pstrdup("the destination does not exist any more: drop the policy and create it anew"));
	else if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE && kind != RELKIND_FOREIGN_TABLE)
		block(blockers, psprintf("destination %s is not a table", po_relname_qualified(policy->destination)));
	else if (list_member_oid(find_all_inheritors(policy->relation, AccessShareLock, NULL), policy->destination))
		block(blockers, psprintf("destination %s is a partition of the table itself", po_relname_qualified(policy->destination)));
	else if (get_rel_persistence(policy->destination) == RELPERSISTENCE_TEMP)
		block(blockers, psprintf("destination %s is a temporary table", po_relname_qualified(policy->destination)));
	else
		return true;
	return false;
}

/* Checks what a destination on another server needs. */
static void
check_foreign_destination(PoArchivePolicy *policy, List **blockers)
{
	if (policy->strategy == PO_ARCHIVE_COPY)
		block(blockers, psprintf("strategy \"copy\" cannot skip what is in foreign table %s already: use \"move\"",
								 po_relname_qualified(policy->destination)));
	if (po_columns_key(policy->relation) == NULL)
		block(blockers, psprintf("%s has no primary key, by which a move to another server is made exact after an interruption: add one",
								 po_relname_qualified(policy->relation)));
	if (policy->add_columns)
		block(blockers, psprintf("columns cannot be added to foreign table %s: use on_drift => 'error'",
								 po_relname_qualified(policy->destination)));
}

/* Checks the directory that files go to. */
static void
check_export(PoArchivePolicy *policy, List **blockers)
{
	const char *problem;

	if (!po_export_is_possible(policy, &problem))
		block(blockers, pstrdup(problem));
}

/* Checks the destination of a move or copy. */
static void
check_destination(PoArchivePolicy *policy, List **blockers)
{
	bool		foreign = get_rel_relkind(policy->destination) == RELKIND_FOREIGN_TABLE;
	AclMode		rights = ACL_INSERT | (policy->strategy == PO_ARCHIVE_COPY || foreign ? ACL_SELECT : 0);
	PoColumnsMode mode = policy->reversed ? PO_COLUMNS_RESTORE :
	policy->add_columns ? PO_COLUMNS_ADD : PO_COLUMNS_ALL;
	ListCell   *cell;

	if (!check_destination_kind(policy, blockers))
		return;
	if (foreign)
		check_foreign_destination(policy, blockers);
	foreach(cell, find_all_inheritors(policy->destination, AccessShareLock, NULL))
	{
		Relation	rel = table_open(lfirst_oid(cell), AccessShareLock);

		check_table(policy, rel, CMD_INSERT,
					lfirst_oid(cell) == policy->destination ? rights : 0, blockers);
		table_close(rel, NoLock);
	}
	(void) po_columns_shared(policy->relation, policy->destination, mode, blockers);
	if (policy->strategy == PO_ARCHIVE_COPY && !foreign && po_columns_key(policy->destination) == NULL)
		block(blockers, psprintf("strategy \"copy\" needs a primary key on destination %s to skip what is there already: add one",
								 po_relname_qualified(policy->destination)));
}

/* Returns the OIDs of a relation and its partitions as an array. */
static Datum
tree_of(Oid relation)
{
	List	   *tables = find_all_inheritors(relation, AccessShareLock, NULL);
	Datum	   *elements = palloc(sizeof(Datum) * list_length(tables));

	for (int i = 0; i < list_length(tables); i++)
		elements[i] = ObjectIdGetDatum(list_nth_oid(tables, i));
	return PointerGetDatum(construct_array(elements, list_length(tables), OIDOID,
										   sizeof(Oid), true, TYPALIGN_INT));
}

/* Reads the foreign keys that refer to the policy's relation; SPI_tuptable has them. */
static void
read_foreign_keys(PoArchivePolicy *policy)
{
	static const char *const sql =
	"SELECT c.conname::pg_catalog.text, c.conrelid, c.confdeltype::pg_catalog.text,"
	" (SELECT pg_catalog.string_agg(pg_catalog.format('p.%I OPERATOR(%I.%s) r.%I',"
	"   pa.attname, n.nspname, o.oprname, ra.attname), ' AND ')"
	"  FROM pg_catalog.generate_subscripts(c.conkey, 1) i"
	"  JOIN pg_catalog.pg_operator o ON o.oid OPERATOR(pg_catalog.=) c.conpfeqop[i]"
	"  JOIN pg_catalog.pg_namespace n ON n.oid OPERATOR(pg_catalog.=) o.oprnamespace"
	"  JOIN pg_catalog.pg_attribute pa ON pa.attrelid OPERATOR(pg_catalog.=) c.confrelid"
	"   AND pa.attnum OPERATOR(pg_catalog.=) c.confkey[i]"
	"  JOIN pg_catalog.pg_attribute ra ON ra.attrelid OPERATOR(pg_catalog.=) c.conrelid"
	"   AND ra.attnum OPERATOR(pg_catalog.=) c.conkey[i])"
	" FROM pg_catalog.pg_constraint c WHERE c.contype OPERATOR(pg_catalog.=) 'f'"
	" AND c.confrelid OPERATOR(pg_catalog.=) ANY ($1)"
	" AND (c.conparentid OPERATOR(pg_catalog.=) 0 OR c.confrelid OPERATOR(pg_catalog.=) $2)"
	" ORDER BY 1";
	Oid			types[] = {OIDARRAYOID, OIDOID};
	Datum		values[] = {tree_of(policy->relation), ObjectIdGetDatum(policy->relation)};

	if (SPI_execute_with_args(sql, 2, types, values, NULL, true, 0) != SPI_OK_SELECT)
		elog(ERROR, "could not read foreign keys");
}

/* Checks for foreign keys whose ON DELETE action would change other tables. */
static void
check_foreign_key_actions(PoArchivePolicy *policy, List **blockers)
{
	read_foreign_keys(policy);
	for (uint64 i = 0; i < SPI_processed; i++)
	{
		HeapTuple	row = SPI_tuptable->vals[i];
		char		action = SPI_getvalue(row, SPI_tuptable->tupdesc, 3)[0];
		bool		isnull;
		Oid			referrer = DatumGetObjectId(SPI_getbinval(row, SPI_tuptable->tupdesc, 2, &isnull));

		if (action != 'c' && action != 'n' && action != 'd')
			continue;
		if (po_policy_run_as(policy) != policy->caller)
			block(blockers, psprintf("foreign key \"%s\" of %s has an action, whose triggers must not run as superuser: SET ROLE to the owner, or schedule the policy as that role",
									 SPI_getvalue(row, SPI_tuptable->tupdesc, 1),
									 po_relname_qualified(referrer)));
		else if (!policy->fk_cascade)
			block(blockers, psprintf("foreign key \"%s\" of %s would delete or change rows there: archive that table first, or pass fk_policy => 'cascade' to let it happen",
									 SPI_getvalue(row, SPI_tuptable->tupdesc, 1),
									 po_relname_qualified(referrer)));
	}
}

/* Checks that the relation can be archived from at all; false when nothing else can be checked. */
static bool
check_relation(PoArchivePolicy *policy, List **blockers)
{
	char		kind = get_rel_relkind(policy->relation);

	if (kind == '\0')
		block(blockers, pstrdup("the table does not exist any more: drop the policy"));
	else if (kind != RELKIND_RELATION && kind != RELKIND_PARTITIONED_TABLE)
		block(blockers, psprintf("%s is not a table", po_relname_qualified(policy->relation)));
	else if (policy->relation < FirstNormalObjectId ||
			 get_rel_namespace(policy->relation) == get_namespace_oid("perf_optimizer", false))
		block(blockers, psprintf("%s belongs to the system", po_relname_qualified(policy->relation)));
	else if (get_rel_persistence(policy->relation) == RELPERSISTENCE_TEMP)
		block(blockers, psprintf("%s is a temporary table", po_relname_qualified(policy->relation)));
	else if (!OidIsValid(policy->time_type))
		block(blockers, psprintf("column \"%s\" of %s does not exist any more: drop the policy and create it anew",
								 policy->time_column, po_relname_qualified(policy->relation)));
	else if (!PO_OWNS_RELATION(policy->relation, policy->owner))
		block(blockers, psprintf("the policy's owner %s does not own %s: let the owner make the policy",
								 GetUserNameFromId(policy->owner, false), po_relname_qualified(policy->relation)));
	else
		return true;
	return false;
}

/* Checks that the stored predicate is still the expression that was accepted. */
static void
check_predicate(PoArchivePolicy *policy)
{
	int			level;

	if (policy->predicate == NULL)
		return;
	level = NewGUCNestLevel();
	po_setting_for_level("search_path", "pg_catalog, pg_temp");
	policy->predicate = po_predicate_check(policy->relation, policy->predicate);
	AtEOXact_GUC(true, level);
}

/*
 * Returns the blockers that the tables' definitions and rights cause; their rows
 * are not read.  The caller has connected SPI.  Raises what po_predicate_check
 * raises when the stored predicate does not hold any more.
 */
List *
po_preflight_tables(PoArchivePolicy *policy)
{
	List	   *blockers = NIL;

	if (!check_relation(policy, &blockers))
		return blockers;
	check_predicate(policy);
	check_source(policy, &blockers);
	if (policy->export_directory)
		check_export(policy, &blockers);
	else if (policy->strategy != PO_ARCHIVE_DELETE)
		check_destination(policy, &blockers);
	if (policy->strategy != PO_ARCHIVE_COPY)
		check_foreign_key_actions(policy, &blockers);
	return blockers;
}

/* Runs a query with the cutoff as $1; the caller has the role and the settings of the work. */
static void
query_with_cutoff(PoArchivePolicy *policy, const PoCutoff *cutoff, const char *sql, long limit)
{
	Oid			types[] = {policy->time_type};
	Datum		values[] = {cutoff->value};

	if (SPI_execute_with_args(sql, 1, types, values, NULL, true, limit) != SPI_OK_SELECT)
		elog(ERROR, "unexpected result of a preflight query");
}

/* Checks whether rows to be deleted are referred to by a foreign key without an action. */
static void
check_references(PoArchivePolicy *policy, const PoCutoff *cutoff, List **blockers)
{
	SPITupleTable *keys;
	uint64		n;

	read_foreign_keys(policy);
	keys = SPI_tuptable;
	n = SPI_processed;
	for (uint64 i = 0; i < n; i++)
	{
		char	   *name = SPI_getvalue(keys->vals[i], keys->tupdesc, 1);
		char		action = SPI_getvalue(keys->vals[i], keys->tupdesc, 3)[0];
		char	   *join = SPI_getvalue(keys->vals[i], keys->tupdesc, 4);
		bool		isnull;
		Oid			referrer = DatumGetObjectId(SPI_getbinval(keys->vals[i], keys->tupdesc, 2, &isnull));

		if ((action != 'a' && action != 'r') ||
			pg_class_aclcheck(referrer, po_policy_run_as(policy), ACL_SELECT) != ACLCHECK_OK)
			continue;
		query_with_cutoff(policy, cutoff,
						  psprintf("SELECT FROM %s p WHERE %s AND EXISTS (SELECT FROM %s r WHERE %s)",
								   po_relname_qualified(policy->relation), po_cutoff_condition(policy, "p", "$1"),
								   po_relname_qualified(referrer), join), 1);
		if (SPI_processed > 0)
			block(blockers, psprintf("foreign key \"%s\" of %s refers to rows that are old enough: archive that table first",
									 name, po_relname_qualified(referrer)));
	}
}

/* Tells whether a run of this policy has succeeded before. */
static bool
has_succeeded_before(PoArchivePolicy *policy)
{
	Oid			types[] = {INT4OID};
	Datum		values[] = {Int32GetDatum(policy->id)};

	return po_own_execute("SELECT FROM perf_optimizer.archive_run WHERE policy_id OPERATOR(pg_catalog.=) $1"
						  " AND status OPERATOR(pg_catalog.=) 'succeeded' LIMIT 1", 1, types, values, NULL) > 0;
}

/*
 * Returns the blockers that the rows themselves cause; po_preflight_tables found
 * none.  count is what po_preflight_count gave, needed where the policy has a
 * share guard and else NULL.  The caller has connected SPI.
 */
List *
po_preflight_rows(PoArchivePolicy *policy, const PoCutoff *cutoff, const PoPreflightCount *count)
{
	List	   *blockers = NIL;

	if (policy->strategy != PO_ARCHIVE_COPY)
		check_references(policy, cutoff, &blockers);
	if (policy->max_share_pct > 0 && count && count->total_rows > 0 && !has_succeeded_before(policy) &&
		count->rows * 100.0 / count->total_rows > policy->max_share_pct)
		block(&blockers, psprintf("the first run would take %.1f %% of the table, more than max_share_pct allows (%g): check the policy, or create it with a greater share",
								  count->rows * 100.0 / count->total_rows, policy->max_share_pct));
	return blockers;
}

/* Returns an SQL expression that turns a value of the time column into a moment. */
static char *
as_moment(PoArchivePolicy *policy, const char *value)
{
	char	   *zone = quote_literal_cstr(policy->timezone);

	if (policy->time_type == TIMESTAMPTZOID)
		return pstrdup(value);
	return psprintf("pg_catalog.timezone(%s, (%s)::pg_catalog.timestamp)", zone, value);
}

/* Reads a moment from the first result row; returns whether it is not NULL. */
static bool
read_moment(int column, TimestampTz *moment)
{
	bool		isnull;
	Datum		value = SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull);

	if (!isnull)
		*moment = DatumGetTimestampTz(value);
	return !isnull;
}

/* Reads a bigint from the first result row. */
static int64
read_number(int column)
{
	bool		isnull;

	return DatumGetInt64(SPI_getbinval(SPI_tuptable->vals[0], SPI_tuptable->tupdesc, column, &isnull));
}

/* Sets the table's row count and the bytes of the rows that would go, both estimated from statistics. */
static void
estimate_size(PoArchivePolicy *policy, PoPreflightCount *count)
{
	static const char *const sql =
	"SELECT pg_catalog.sum(GREATEST(c.reltuples, 0))::pg_catalog.int8,"
	" pg_catalog.sum(pg_catalog.pg_table_size(c.oid))::pg_catalog.int8"
	" FROM pg_catalog.pg_class c WHERE c.oid OPERATOR(pg_catalog.=) ANY ($1)"
	" AND c.relkind OPERATOR(pg_catalog.=) 'r'";
	Oid			types[] = {OIDARRAYOID};
	Datum		values[] = {tree_of(policy->relation)};
	int64		bytes;

	if (SPI_execute_with_args(sql, 1, types, values, NULL, true, 1) != SPI_OK_SELECT)
		elog(ERROR, "could not read table sizes");
	count->total_rows = Max(read_number(1), count->rows);
	bytes = read_number(2);
	count->bytes = count->total_rows > 0 ?
		(int64) ((double) bytes * count->rows / count->total_rows) : 0;
}

/*
 * Returns the planner's estimate of the rows that the policy would take; nothing is
 * read.  The caller has connected SPI.
 */
int64
po_preflight_estimate(PoArchivePolicy *policy, const PoCutoff *cutoff)
{
	SPIPlanPtr	plan = SPI_prepare(psprintf("SELECT FROM %s p WHERE %s", po_relname_qualified(policy->relation),
											po_cutoff_condition(policy, "p", po_cutoff_literal(policy, cutoff->value))),
								   0, NULL);
	CachedPlan *cached = plan ? SPI_plan_get_cached_plan(plan) : NULL;
	double		rows;

	if (cached == NULL)
		elog(ERROR, "could not plan: %s", SPI_result_code_string(SPI_result));
	rows = linitial_node(PlannedStmt, cached->stmt_list)->planTree->plan_rows;
	ReleaseCachedPlan(cached, NULL);
	SPI_freeplan(plan);
	return (int64) rows;
}

/* Counts what the policy would take; po_preflight_tables found nothing against it.  Needs SPI. */
void
po_preflight_count(PoArchivePolicy *policy, const PoCutoff *cutoff, PoPreflightCount *count)
{
	char	   *column = psprintf("p.%s", quote_identifier(policy->time_column));

	query_with_cutoff(policy, cutoff,
					  psprintf("SELECT pg_catalog.count(*), %s, %s FROM %s p WHERE %s",
							   as_moment(policy, psprintf("pg_catalog.min(%s)", column)),
							   as_moment(policy, psprintf("pg_catalog.max(%s)", column)),
							   po_relname_qualified(policy->relation), po_cutoff_condition(policy, "p", "$1")), 1);
	count->rows = read_number(1);
	count->any = read_moment(2, &count->oldest) && read_moment(3, &count->newest);
	estimate_size(policy, count);
}
