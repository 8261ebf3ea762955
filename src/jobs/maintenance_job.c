/*
 * maintenance_job.c
 *	  Scheduled maintenance of a relation: vacuum, analyze, reindex, prewarm.
 *
 * VACUUM, ANALYZE and REINDEX switch to the relation's owner by themselves
 * before they evaluate anything that the owner defined.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "access/xact.h"
#include "catalog/pg_class.h"
#include "catalog/pg_extension.h"
#include "commands/extension.h"
#include "core/compat.h"
#include "core/relname.h"
#include "jobs/exec.h"
#include "jobs/kinds.h"
#include "miscadmin.h"
#include "utils/acl.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"
#include "utils/syscache.h"

/* The kinds of relations that an action works on. */
#define TABLES "rmp"
#define ANALYZABLE "rmpf"
#define INDEXED "rmpi"
#define STORED "rmit"

typedef struct Action
{
	const char *name;
	const char *relkinds;
	const char *sql;			/* %s is the relation's name */
	bool		needs_prewarm;
} Action;

static const Action actions[] = {
	{"vacuum_analyze", TABLES, "VACUUM (ANALYZE) %s", false},
	{"analyze", ANALYZABLE, "ANALYZE %s", false},
	{"vacuum", TABLES, "VACUUM %s", false},
	{"reindex_concurrently", INDEXED, "REINDEX %s CONCURRENTLY %s", false},
	{"prewarm", STORED, NULL, true},
};

/* Finds an action by its name; raises 22023 for a name that is none. */
static const Action *
find_action(const char *name)
{
	for (int i = 0; i < lengthof(actions); i++)
		if (strcmp(actions[i].name, name) == 0)
			return &actions[i];
	ereport(ERROR,
			(errcode(ERRCODE_INVALID_PARAMETER_VALUE),
			 errmsg("unknown maintenance action \"%s\"", name),
			 errhint("Pass as \"action\" one of vacuum_analyze, analyze, vacuum, reindex_concurrently, prewarm.")));
}

/* Returns the schema that pg_prewarm is installed in, quoted. */
static const char *
prewarm_schema(void)
{
	Relation	rel = table_open(ExtensionRelationId, AccessShareLock);
	ScanKeyData key;
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			schema = InvalidOid;

	ScanKeyInit(&key, Anum_pg_extension_oid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(get_extension_oid("pg_prewarm", false)));
	scan = systable_beginscan(rel, ExtensionOidIndexId, true, NULL, 1, &key);
	tuple = systable_getnext(scan);
	if (HeapTupleIsValid(tuple))
		schema = ((Form_pg_extension) GETSTRUCT(tuple))->extnamespace;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return quote_identifier(get_namespace_name(schema));
}

/* Raises 55000 unless pg_prewarm is installed in this database. */
static void
check_prewarm(void)
{
	if (!OidIsValid(get_extension_oid("pg_prewarm", true)))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("the action prewarm needs the extension pg_prewarm"),
				 errhint("CREATE EXTENSION pg_prewarm;")));
}

/*
 * Checks target and rights, and brings the target's name up to date.  Raises
 * 22023 for an unknown action, 42P01 for a missing relation, 42809 for one that
 * the action does not fit, 42501 unless the role may maintain it, and 55000 without
 * pg_prewarm.
 */
static void
validate(PoJob *job)
{
	const Action *action = find_action(job->action);
	char		relkind;

	job->target = po_relname_qualified(job->relid);
	relkind = get_rel_relkind(job->relid);
	if (strchr(action->relkinds, relkind) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_WRONG_OBJECT_TYPE),
				 errmsg("the action %s does not fit %s", action->name, job->target),
				 errhint("Pass a table, a materialized view or what else the action works on as \"relation\".")));
	if (!PO_MAY_MAINTAIN(job->relid, GetUserId()))
		aclcheck_error(ACLCHECK_NOT_OWNER, get_relkind_objtype(relkind), get_rel_name(job->relid));
	if (action->needs_prewarm)
		check_prewarm();
}

/* REINDEX CONCURRENTLY waits until every older snapshot is gone. */
static bool
waits_for_snapshots(const PoJob *job)
{
	return strcmp(job->action, "reindex_concurrently") == 0;
}

/* Builds the statement of an action; called in a transaction, the text is in the current context. */
static char *
build_statement(const PoJob *job)
{
	const Action *action = find_action(job->action);
	char	   *name = po_relname_qualified(job->relid);

	/*
	 * All arguments with their types, so that no other function of that name
	 * fits better.
	 */
	if (action->needs_prewarm)
		return psprintf("SELECT %s.pg_prewarm(%u::pg_catalog.regclass, 'buffer'::pg_catalog.text,"
						" 'main'::pg_catalog.text, NULL::pg_catalog.int8, NULL::pg_catalog.int8)",
						prewarm_schema(), job->relid);
	if (strcmp(action->name, "reindex_concurrently") == 0)
		return psprintf("REINDEX %s CONCURRENTLY %s",
						get_rel_relkind(job->relid) == RELKIND_INDEX ? "INDEX" : "TABLE", name);
	return psprintf(action->sql, name);
}

/* Runs the action's statement at top level. */
static void
run(PoJobRun *run)
{
	PoExecResult result;
	char	   *sql;

	po_exec_quiet_settings();
	StartTransactionCommand();
	sql = MemoryContextStrdup(run->memory, build_statement(run->job));
	CommitTransactionCommand();
	MemoryContextSwitchTo(run->memory);
	po_exec_top_level(sql, &result);
	run->detail = sql;
}

const PoJobKind po_maintenance_kind = {
	.name = "maintenance",
	.retry_after_crash = true,
	.validate = validate,
	.waits_for_snapshots = waits_for_snapshots,
	.run = run,
};
