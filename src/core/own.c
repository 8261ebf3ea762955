/*
 * own.c
 *	  Reading and writing the extension's own tables on behalf of any user.
 *
 * Users have no rights to write the tables of the extension.  C code that has
 * checked the user's rights switches to the owner of the extension's schema for
 * one statement, as the server does for foreign key checks.
 */
#include "postgres.h"

#include "access/htup_details.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_namespace.h"
#include "core/own.h"
#include "executor/spi.h"
#include "miscadmin.h"
#include "utils/snapmgr.h"
#include "utils/syscache.h"

/* Returns the owner of schema perf_optimizer. */
static Oid
schema_owner(void)
{
	Oid			schema = get_namespace_oid("perf_optimizer", false);
	HeapTuple	tuple = SearchSysCache1(NAMESPACEOID, ObjectIdGetDatum(schema));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		elog(ERROR, "cache lookup failed for schema %u", schema);
	owner = ((Form_pg_namespace) GETSTRUCT(tuple))->nspowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Switches to the owner of the extension's schema until po_own_end; an error in
 * between switches back by itself.  Run nothing in between that a user defined.
 */
void
po_own_begin(PoOwnScope *scope)
{
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	SetUserIdAndSecContext(schema_owner(), scope->sec_context |
						   SECURITY_LOCAL_USERID_CHANGE | SECURITY_NOFORCE_RLS);
}

/*
 * Switches to a role until po_own_end, to run what that role defined: unless it
 * is the current user already, nothing in between can change the role, make
 * temporary objects or leave deferred triggers behind.
 */
void
po_own_become(PoOwnScope *scope, Oid role)
{
	GetUserIdAndSecContext(&scope->userid, &scope->sec_context);
	if (role != scope->userid)
		SetUserIdAndSecContext(role, scope->sec_context | SECURITY_RESTRICTED_OPERATION);
}

/* Returns the owner of a relation, InvalidOid when it is gone. */
Oid
po_own_relation_owner(Oid relid)
{
	HeapTuple	tuple = SearchSysCache1(RELOID, ObjectIdGetDatum(relid));
	Oid			owner;

	if (!HeapTupleIsValid(tuple))
		return InvalidOid;
	owner = ((Form_pg_class) GETSTRUCT(tuple))->relowner;
	ReleaseSysCache(tuple);
	return owner;
}

/*
 * Switches to the owner of a table until po_own_end, as po_own_become does: for what
 * evaluates the definitions of its indexes, as all that asks the planner about a table does.
 */
void
po_own_become_owner(PoOwnScope *scope, Oid relid)
{
	Oid			owner = po_own_relation_owner(relid);

	if (!OidIsValid(owner))
		elog(ERROR, "cache lookup failed for relation %u", relid);
	po_own_become(scope, owner);
}

/* Goes back to the identity that po_own_begin or po_own_become left. */
void
po_own_end(PoOwnScope *scope)
{
	SetUserIdAndSecContext(scope->userid, scope->sec_context);
}

/* Prepares a statement; SPI's memory goes with SPI_finish unless the plan is kept. */
static SPIPlanPtr
prepare(const char *sql, int nargs, Oid *types)
{
	SPIPlanPtr	plan = SPI_prepare(sql, nargs, types);

	if (plan == NULL)
		elog(ERROR, "SPI_prepare failed: %s", SPI_result_code_string(SPI_result));
	return plan;
}

/* Runs a statement as po_own_execute describes it. */
static void
execute(SPIPlanPtr plan, Datum *values, const char *nulls)
{
	int			rc = SPI_execute_snapshot(plan, values, nulls, GetLatestSnapshot(), InvalidSnapshot,
										  false, true, 0);

	if (rc < 0)
		elog(ERROR, "SPI_execute_snapshot failed: %s", SPI_result_code_string(rc));
}

/*
 * Runs one statement on the extension's own tables as their owner, with a
 * snapshot of this moment at every isolation level, so that a bookkeeping row
 * never makes a REPEATABLE READ caller fail.  The caller has connected SPI;
 * names and operators in sql must be qualified.  Returns the number of rows
 * processed; rows of a SELECT or RETURNING are in SPI_tuptable.
 */
uint64
po_own_execute(const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	MemoryContext old = CurrentMemoryContext;
	PoOwnScope	scope;
	SPIPlanPtr	plan;

	po_own_begin(&scope);
	plan = prepare(sql, nargs, types);
	execute(plan, values, nulls);
	po_own_end(&scope);
	(void) SPI_freeplan(plan);
	MemoryContextSwitchTo(old); /* SPI leaves its own */
	return SPI_processed;
}

/* The same for a statement that is run again and again: *plan, NULL before the first time, keeps its plan. */
uint64
po_own_execute_again(SPIPlanPtr *plan, const char *sql, int nargs, Oid *types, Datum *values, const char *nulls)
{
	MemoryContext old = CurrentMemoryContext;
	PoOwnScope	scope;

	po_own_begin(&scope);
	if (*plan == NULL)
	{
		SPIPlanPtr	fresh = prepare(sql, nargs, types);

		if (SPI_keepplan(fresh) != 0)
			elog(ERROR, "SPI_keepplan failed");
		*plan = fresh;
	}
	execute(*plan, values, nulls);
	po_own_end(&scope);
	MemoryContextSwitchTo(old);
	return SPI_processed;
}
