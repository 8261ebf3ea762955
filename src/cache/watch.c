/*
 * watch.c
 *	  The hooks that see what changes tables and what statements mean.
 *
 * A statement notes the relations that it writes before it runs (core/writers.c).
 * So do COPY, TRUNCATE and REFRESH, once more when they are done, when their locks
 * keep names from changing.  Of the other utility statements those that change
 * no row, no name, no definition and no right are listed here; all others count as a change of everything in the
 * database.  What temporary objects change concerns nobody but their session,
 * whose lookups mind them (result.c).
 *
 * Not seen are extensions that write tables or change definitions through the server's
 * internal functions in a client's session.
 */
#include "postgres.h"

#include "access/transam.h"
#include "cache/watch.h"
#include "catalog/namespace.h"
#include "catalog/pg_class.h"
#include "catalog/pg_inherits.h"
#include "core/compat.h"
#include "core/writers.h"
#include "executor/executor.h"
#include "nodes/makefuncs.h"
#include "parser/parsetree.h"
#include "tcop/utility.h"
#include "utils/lsyscache.h"

static ExecutorStart_hook_type prev_ExecutorStart = NULL;
static ProcessUtility_hook_type prev_ProcessUtility = NULL;

/* ---- the executor ---- */

/* Notes a relation; writing a system catalog by hand may change anything. */
static void
note_relation(Oid relid)
{
	if (relid >= FirstNormalObjectId)
	{
		po_writers_note(relid);
		return;
	}
	po_writers_note_database();
	po_writers_note_cluster();
}

/* Notes the result relations of a plan; apart from the hook, which most statements only pass through. */
static pg_noinline void
note_results(const PlannedStmt *stmt)
{
	int			index;

	PO_FOREACH_RESULT_RELATION(index, stmt)
		note_relation(rt_fetch(index, stmt->rtable)->relid);
}

/* Hook: notes what a statement writes. */
static void
start_executor(QueryDesc *desc, int eflags)
{
	if (desc->operation != CMD_SELECT || desc->plannedstmt->hasModifyingCTE)
		note_results(desc->plannedstmt);
	if (prev_ExecutorStart)
		prev_ExecutorStart(desc, eflags);
	else
		standard_ExecutorStart(desc, eflags);
}

/* ---- utility statements ---- */

/* Tells whether a name in a utility statement is or becomes a temporary relation's. */
static bool
is_temporary(const RangeVar *name)
{
	Oid			relid;

	if (name->relpersistence == RELPERSISTENCE_TEMP ||
		(name->schemaname != NULL && strcmp(name->schemaname, "pg_temp") == 0))
		return true;
	relid = RangeVarGetRelid(name, NoLock, true);
	return OidIsValid(relid) && get_rel_persistence(relid) == RELPERSISTENCE_TEMP;
}

/* Tells whether DROP removes nothing but temporary tables. */
static bool
drops_temporary(const DropStmt *stmt)
{
	ListCell   *cell;

	if (stmt->removeType != OBJECT_TABLE || stmt->behavior == DROP_CASCADE)
		return false;
	foreach(cell, stmt->objects)
		if (!is_temporary(makeRangeVarFromNameList(lfirst_node(List, cell))))
		return false;
	return true;
}

/* Tells whether a utility statement makes or drops temporary tables only. */
static bool
is_temporary_ddl(const Node *node)
{
	if (IsA(node, CreateStmt))
		return ((const CreateStmt *) node)->relation->relpersistence == RELPERSISTENCE_TEMP;
	if (IsA(node, CreateTableAsStmt))
		return ((const CreateTableAsStmt *) node)->into->rel->relpersistence == RELPERSISTENCE_TEMP;
	return IsA(node, DropStmt) && drops_temporary((const DropStmt *) node);
}

/* Tells whether EXPLAIN runs a statement whose effects its executor's hook does not see. */
static bool
explains_utility(const ExplainStmt *stmt)
{
	return IsA(stmt->query, Query) && ((const Query *) stmt->query)->commandType == CMD_UTILITY;
}

/*
 * Tells whether a utility statement changes nothing that a result might hang on, or runs
 * others that are seen themselves, or only rows that note_rows notes.
 */
static bool
is_harmless(const Node *node)
{
	switch (nodeTag(node))
	{
		case T_AlterSystemStmt:
		case T_CallStmt:
		case T_CheckPointStmt:
		case T_ClosePortalStmt:
		case T_CommentStmt:
		case T_ConstraintsSetStmt:
		case T_CopyStmt:
		case T_CreatedbStmt:
		case T_DeallocateStmt:
		case T_DeclareCursorStmt:
		case T_DiscardStmt:
		case T_DoStmt:
		case T_ExecuteStmt:
		case T_FetchStmt:
		case T_IndexStmt:
		case T_ListenStmt:
		case T_LoadStmt:
		case T_LockStmt:
		case T_NotifyStmt:
		case T_PrepareStmt:
		case T_RefreshMatViewStmt:
		case T_ReindexStmt:
		case T_SecLabelStmt:
		case T_TransactionStmt:
		case T_UnlistenStmt:
		case T_VacuumStmt:
		case T_VariableSetStmt:
		case T_VariableShowStmt:
			return true;
		case T_ExplainStmt:
			return !explains_utility((const ExplainStmt *) node);
		case T_TruncateStmt:
			return ((const TruncateStmt *) node)->behavior != DROP_CASCADE;
		default:
			return is_temporary_ddl(node);
	}
}

/* Tells whether a utility statement changes roles, in all databases. */
static bool
changes_roles(const Node *node)
{
	return IsA(node, AlterRoleStmt) || IsA(node, CreateRoleStmt) || IsA(node, DropRoleStmt) ||
		IsA(node, GrantRoleStmt) ||
		(IsA(node, AlterOwnerStmt) && ((const AlterOwnerStmt *) node)->objectType == OBJECT_DATABASE);
}

/* Notes the relation of a name, if there is one; with those that inherit from it where they are written, too. */
static void
note_name(const RangeVar *name, bool children)
{
	Oid			relid = name != NULL ? RangeVarGetRelid(name, NoLock, true) : InvalidOid;
	ListCell   *cell;

	if (!OidIsValid(relid))
		return;
	note_relation(relid);
	if (!children || !has_subclass(relid))
		return;
	foreach(cell, find_all_inheritors(relid, NoLock, NULL))
		note_relation(lfirst_oid(cell));
}

/* Notes the relations whose rows a utility statement changes. */
static void
note_rows(const Node *node)
{
	ListCell   *cell;

	if (IsA(node, CopyStmt) && ((const CopyStmt *) node)->is_from)
		note_name(((const CopyStmt *) node)->relation, false);
	else if (IsA(node, RefreshMatViewStmt))
		note_name(((const RefreshMatViewStmt *) node)->relation, false);
	else if (IsA(node, TruncateStmt))
		foreach(cell, ((const TruncateStmt *) node)->relations)
			note_name(lfirst_node(RangeVar, cell), lfirst_node(RangeVar, cell)->inh);
}

/* Tells whether a command commits a prepared transaction. */
static bool
commits_prepared(const Node *node)
{
	return IsA(node, TransactionStmt) && ((const TransactionStmt *) node)->kind == TRANS_STMT_COMMIT_PREPARED;
}

/* Calls the next hook of ProcessUtility. */
static inline void
utility_next(PlannedStmt *pstmt, const char *text, bool read_only, ProcessUtilityContext context,
			 ParamListInfo params, QueryEnvironment *env, DestReceiver *dest, QueryCompletion *qc)
{
	if (prev_ProcessUtility)
		prev_ProcessUtility(pstmt, text, read_only, context, params, env, dest, qc);
	else
		standard_ProcessUtility(pstmt, text, read_only, context, params, env, dest, qc);
}

/* Notes what a utility statement changes beside rows. */
static void
note_meaning(bool database, bool roles)
{
	if (database)
		po_writers_note_database();
	if (roles)
		po_writers_note_cluster();
}

/*
 * Hook: notes what a utility statement changes, before it runs for what reads in the middle of it,
 * and after it, because it may have committed on its way.  The statement itself may be
 * gone by then, so what is needed of it is asked before.
 */
static void
watch_utility(PlannedStmt *pstmt, const char *text, bool read_only, ProcessUtilityContext context,
			  ParamListInfo params, QueryEnvironment *env, DestReceiver *dest, QueryCompletion *qc)
{
	Node	   *node = pstmt->utilityStmt;
	bool		database;
	bool		roles;

	if (IsA(node, TransactionStmt))
	{
		if (commits_prepared(node))
			po_writers_begin_prepared();
		utility_next(pstmt, text, read_only, context, params, env, dest, qc);
		return;
	}
	database = !is_harmless(node);
	roles = changes_roles(node);
	note_meaning(database, roles);
	if (!IsA(node, CopyStmt) && !IsA(node, RefreshMatViewStmt) && !IsA(node, TruncateStmt))
	{
		utility_next(pstmt, text, read_only, context, params, env, dest, qc);
		note_meaning(database, roles);
		return;
	}
	note_rows(node);
	node = copyObject(node);
	utility_next(pstmt, text, read_only, context, params, env, dest, qc);
	note_rows(node);
}

/* Installs the hooks; called once while preloading. */
void
po_watch_init(void)
{
	prev_ExecutorStart = ExecutorStart_hook;
	ExecutorStart_hook = start_executor;
	prev_ProcessUtility = ProcessUtility_hook;
	ProcessUtility_hook = watch_utility;
}
