/*
 * search_path.c
 *	  The search_paths that names of recorded statements may be meant under.
 *
 * pg_stat_statements does not tell.  Where an execution was captured, that one's is
 * known; else the role's own setting is the best guess for what another role issued, and
 * the caller's search_path for the rest.  Where a statement's names are not found
 * there, they may be under the database's setting, the session's default, or what other
 * statements of the role were executed under.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "advisor/search_path.h"
#include "advisor/workload.h"
#include "catalog/namespace.h"
#include "catalog/pg_db_role_setting.h"
#include "catalog/pg_type.h"
#include "miscadmin.h"
#include "plan/sample.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/fmgroids.h"
#include "utils/guc.h"
#include "utils/memutils.h"
#include "utils/rel.h"

/* So many other search_paths are tried at most. */
#define MAX_OTHERS 8

#define SETTING "search_path"

/* What is known of one role. */
typedef struct RolePaths
{
	Oid			role;
	const char *first;			/* NULL: the caller's */
	List	   *others;			/* char *; NULL in it: the caller's */
	bool		complete;		/* others are read */
} RolePaths;

/* Returns the search_path in an array of settings, NULL for none. */
static char *
find_in_array(ArrayType *settings)
{
	const char *start = SETTING "=";
	Datum	   *elements;
	int			n;

	deconstruct_array(settings, TEXTOID, -1, false, TYPALIGN_INT, &elements, NULL, &n);
	for (int i = 0; i < n; i++)
	{
		char	   *setting = TextDatumGetCString(elements[i]);

		if (strncmp(setting, start, strlen(start)) == 0)
			return setting + strlen(start);
	}
	return NULL;
}

/*
 * Returns the search_path that ALTER ROLE or ALTER DATABASE has set, NULL for none;
 * InvalidOid stands for any database or role.
 */
static char *
read_setting(Oid database, Oid role)
{
	Relation	relation = table_open(DbRoleSettingRelationId, AccessShareLock);
	ScanKeyData keys[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	char	   *path = NULL;

	ScanKeyInit(&keys[0], Anum_pg_db_role_setting_setdatabase, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(database));
	ScanKeyInit(&keys[1], Anum_pg_db_role_setting_setrole, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(role));
	scan = systable_beginscan(relation, DbRoleSettingDatidRolidIndexId, true, NULL, 2, keys);
	if (HeapTupleIsValid(tuple = systable_getnext(scan)))
	{
		bool		isnull;
		Datum		settings = heap_getattr(tuple, Anum_pg_db_role_setting_setconfig,
											RelationGetDescr(relation), &isnull);

		if (!isnull)
			path = find_in_array(DatumGetArrayTypePCopy(settings));
	}
	systable_endscan(scan);
	table_close(relation, AccessShareLock);
	return path;
}

/* Returns the search_path that a role's sessions begin with by its own settings, NULL without one. */
static char *
read_own(Oid role)
{
	char	   *path = read_setting(MyDatabaseId, role);

	return path != NULL ? path : read_setting(InvalidOid, role);
}

/* Returns what is known of a role, at least its first search_path. */
static RolePaths *
find_role(PoSearchPaths *paths, Oid role)
{
	RolePaths  *known;
	ListCell   *lc;

	foreach(lc, paths->roles)
	{
		if (((RolePaths *) lfirst(lc))->role == role)
			return (RolePaths *) lfirst(lc);
	}
	known = palloc0(sizeof(RolePaths));
	known->role = role;
	known->first = role == GetUserId() ? NULL : read_own(role);
	paths->roles = lappend(paths->roles, known);
	return known;
}

/* Returns the search_path to plan a role's statements under, NULL for the caller's. */
const char *
po_search_path_first(PoSearchPaths *paths, Oid role)
{
	return find_role(paths, role)->first;
}

/* Adds a search_path to the others of a role, unless it is NULL, the caller's or there. */
static void
add_other(RolePaths *known, const char *path)
{
	ListCell   *lc;

	if (path == NULL || list_length(known->others) >= MAX_OTHERS || strcmp(namespace_search_path, path) == 0 ||
		(known->first != NULL && strcmp(known->first, path) == 0))
		return;
	foreach(lc, known->others)
	{
		if (lfirst(lc) != NULL && strcmp((const char *) lfirst(lc), path) == 0)
			return;
	}
	known->others = lappend(known->others, pstrdup(path));
}

/* Adds what the captured executions of a role's statements ran under. */
static void
add_captured(RolePaths *known, const List *queries)
{
	MemoryContext scratch = AllocSetContextCreate(CurrentMemoryContext, "perf_optimizer samples",
												  ALLOCSET_DEFAULT_SIZES);
	ListCell   *lc;

	foreach(lc, queries)
	{
		const PoAdvisorQuery *query = (const PoAdvisorQuery *) lfirst(lc);
		MemoryContext old;
		const PoSample *sample;

		if (query->role != known->role || list_length(known->others) >= MAX_OTHERS)
			continue;
		old = MemoryContextSwitchTo(scratch);
		sample = po_sample_find(query->queryid, query->role);
		MemoryContextSwitchTo(old);
		if (sample != NULL)
			add_other(known, sample->search_path);
		MemoryContextReset(scratch);
	}
	MemoryContextDelete(scratch);
}

/*
 * Returns further search_paths that names of a role's statements may be meant under, the
 * most likely first; NULL in the list stands for the caller's.
 */
List *
po_search_path_others(PoSearchPaths *paths, Oid role)
{
	RolePaths  *known = find_role(paths, role);

	if (known->complete)
		return known->others;
	if (known->first != NULL)
		known->others = lappend(known->others, NULL);
	else
		add_other(known, read_own(role));
	add_other(known, read_setting(MyDatabaseId, InvalidOid));
	add_other(known, read_setting(InvalidOid, InvalidOid));
	add_other(known, GetConfigOptionResetString(SETTING));
	add_captured(known, paths->queries);
	known->complete = true;
	return known->others;
}
