/*
 * statements.c
 *	  Where pg_stat_statements is, which columns its installed version has, and its rows.
 *
 * The extension may sit in any schema, and after pg_upgrade its SQL side may be
 * older than its library, so the view is found through the extension's members
 * and its columns are asked for by name.
 */
#include "postgres.h"

#include "access/genam.h"
#include "access/htup_details.h"
#include "access/table.h"
#include "catalog/dependency.h"
#include "catalog/pg_class.h"
#include "catalog/pg_depend.h"
#include "catalog/pg_extension.h"
#include "catalog/pg_namespace.h"
#include "catalog/pg_proc.h"
#include "catalog/pg_type.h"
#include "commands/extension.h"
#include "core/compat.h"
#include "core/relname.h"
#include "core/statements.h"
#include "executor/executor.h"
#include "miscadmin.h"
#include "nodes/execnodes.h"
#include "parser/parse_func.h"
#include "utils/acl.h"
#include "utils/fmgroids.h"
#include "utils/lsyscache.h"

#define STATEMENTS_EXTENSION "pg_stat_statements"

/* Tells whether a dependency row names an extension's member view of that name. */
static bool
is_member_view(Form_pg_depend depend, const char *name)
{
	char	   *relname;

	if (depend->classid != RelationRelationId || depend->deptype != DEPENDENCY_EXTENSION)
		return false;
	relname = get_rel_name(depend->objid);
	return relname != NULL && strcmp(relname, name) == 0 &&
		get_rel_relkind(depend->objid) == RELKIND_VIEW;
}

/* Returns the OID of an extension's member view, or InvalidOid. */
static Oid
find_member_view(Oid extension, const char *name)
{
	Relation	rel = table_open(DependRelationId, AccessShareLock);
	ScanKeyData key[2];
	SysScanDesc scan;
	HeapTuple	tuple;
	Oid			found = InvalidOid;

	ScanKeyInit(&key[0], Anum_pg_depend_refclassid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(ExtensionRelationId));
	ScanKeyInit(&key[1], Anum_pg_depend_refobjid, BTEqualStrategyNumber, F_OIDEQ,
				ObjectIdGetDatum(extension));
	scan = systable_beginscan(rel, DependReferenceIndexId, true, NULL, 2, key);
	while (!OidIsValid(found) && HeapTupleIsValid(tuple = systable_getnext(scan)))
		if (is_member_view((Form_pg_depend) GETSTRUCT(tuple), name))
			found = ((Form_pg_depend) GETSTRUCT(tuple))->objid;
	systable_endscan(scan);
	table_close(rel, AccessShareLock);
	return found;
}

/* Fills *view with what the extension's member view is; false when it is too old. */
static bool
fill_view(PoStatementsView *view, Oid extension)
{
	view->relid = find_member_view(extension, STATEMENTS_EXTENSION);
	if (!OidIsValid(view->relid) || get_attnum(view->relid, "total_exec_time") == InvalidAttrNumber)
		return false;
	view->name = po_relname_qualified(view->relid);
	view->has_toplevel = get_attnum(view->relid, "toplevel") != InvalidAttrNumber;
	return true;
}

/*
 * Fills *view, with names palloc'd in the current context.  Raises 55000 with a
 * hint when the extension is not preloaded, not created in this database, or too
 * old; what is the thing that needs it, as the subject of a sentence.
 */
void
po_statements_find(PoStatementsView *view, const char *what)
{
	Oid			extension = get_extension_oid(STATEMENTS_EXTENSION, true);

	if (!OidIsValid(extension))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s needs the extension pg_stat_statements in this database", what),
				 errhint("Set shared_preload_libraries = 'pg_stat_statements, perf_optimizer' in postgresql.conf, restart the server and run CREATE EXTENSION pg_stat_statements.")));
	if (strstr(shared_preload_libraries_string, STATEMENTS_EXTENSION) == NULL)
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s needs pg_stat_statements in shared_preload_libraries", what),
				 errhint("Set shared_preload_libraries = 'pg_stat_statements, perf_optimizer' in postgresql.conf and restart the server.")));
	if (!fill_view(view, extension))
		ereport(ERROR,
				(errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
				 errmsg("%s needs version 1.8 or later of the extension pg_stat_statements", what),
				 errhint("Run ALTER EXTENSION pg_stat_statements UPDATE.")));
}

/* Like po_statements_find, but returns false where the view is not there or not for the current user. */
bool
po_statements_lookup(PoStatementsView *view)
{
	Oid			extension = get_extension_oid(STATEMENTS_EXTENSION, true);

	return OidIsValid(extension) &&
		strstr(shared_preload_libraries_string, STATEMENTS_EXTENSION) != NULL &&
		fill_view(view, extension) &&
		pg_class_aclcheck(view->relid, GetUserId(), ACL_SELECT) == ACLCHECK_OK &&
		PO_MAY_USE_SCHEMA(get_rel_namespace(view->relid), GetUserId());
}

/* Returns the function behind the view; raises 42501 when the current user may not call it. */
static Oid
find_function(const PoStatementsView *view)
{
	char	   *schema = get_namespace_name(get_rel_namespace(view->relid));
	Oid			argument = BOOLOID;
	Oid			function = LookupFuncName(list_make2(makeString(schema), makeString(STATEMENTS_EXTENSION)), 1, &argument, false);

	if (!PO_MAY_EXECUTE(function, GetUserId()))
		aclcheck_error(ACLCHECK_NO_PRIV, OBJECT_FUNCTION, STATEMENTS_EXTENSION);
	return function;
}

/*
 * Reads all rows of the view, with their texts, as its function returns them: a
 * query over it would copy thousands of texts from step to step, which takes
 * longer than reading them.  The store can be read more than once; it and its
 * columns go with the current context.
 */
Tuplestorestate *
po_statements_read(const PoStatementsView *view, TupleDesc *columns)
{
	LOCAL_FCINFO(fcinfo, 1);
	FmgrInfo	function;
	ReturnSetInfo result = {
		.type = T_ReturnSetInfo,
		.econtext = CreateStandaloneExprContext(),
		.allowedModes = SFRM_Materialize | SFRM_Materialize_Random,
	};

	fmgr_info(find_function(view), &function);
	InitFunctionCallInfoData(*fcinfo, &function, 1, InvalidOid, NULL, (Node *) &result);
	fcinfo->args[0].value = BoolGetDatum(true);
	fcinfo->args[0].isnull = false;
	(void) FunctionCallInvoke(fcinfo);
	if (result.returnMode != SFRM_Materialize || result.setResult == NULL || result.setDesc == NULL)
		elog(ERROR, "pg_stat_statements returned no set");
	*columns = result.setDesc;
	return result.setResult;
}
