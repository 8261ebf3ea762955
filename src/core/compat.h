/*
 * compat.h
 *	  What differs between the supported server versions, PostgreSQL 15 to 19.
 *
 * The only file of the project that reads PG_VERSION_NUM.  Sections follow the
 * server's own areas; each entry names the version in which the server changed.
 */
#ifndef PO_COMPAT_H
#define PO_COMPAT_H

#if PG_VERSION_NUM < 150000
#error "perf_optimizer needs PostgreSQL 15 or later"
#endif

/* 16: the macros for variable-length values moved out of postgres.h. */
#if PG_VERSION_NUM >= 160000
#include "varatt.h"
#endif

/* ---- jsonb ---- */

/* 19: the builder is a struct of its own and pushJsonbValue returns nothing. */
#if PG_VERSION_NUM >= 190000
#define PO_JSONB_BUILDER_FIELDS JsonbInState in
#define PO_JSONB_PUSH(b, token, value) pushJsonbValue(&(b)->in, (token), (value))
#define PO_JSONB_RESULT(b) ((b)->in.result)
#else
#define PO_JSONB_BUILDER_FIELDS JsonbParseState *state; JsonbValue *result
#define PO_JSONB_PUSH(b, token, value) \
	((b)->result = pushJsonbValue(&(b)->state, (token), (value)))
#define PO_JSONB_RESULT(b) ((b)->result)
#endif

/* ---- hypothetical indexes ---- */

/*
 * 19: the hook that edits what the planner knows of a relation is called for all
 * kinds of range table entries.  Needs optimizer/pathnode.h or optimizer/plancat.h.
 */
#if PG_VERSION_NUM >= 190000
#define PO_RELATION_INFO_HOOK_TYPE build_simple_rel_hook_type
#define PO_RELATION_INFO_HOOK build_simple_rel_hook
#define PO_RELATION_INFO_PARAMS PlannerInfo *root, RelOptInfo *rel, RangeTblEntry *rte
#define PO_RELATION_INFO_ARGS root, rel, rte
#define PO_RELATION_INFO_RELID (rte->rtekind == RTE_RELATION ? rte->relid : InvalidOid)
#define PO_RELATION_INFO_INH (rte->inh)
#else
#define PO_RELATION_INFO_HOOK_TYPE get_relation_info_hook_type
#define PO_RELATION_INFO_HOOK get_relation_info_hook
#define PO_RELATION_INFO_PARAMS PlannerInfo *root, Oid relid_arg, bool inhparent, RelOptInfo *rel
#define PO_RELATION_INFO_ARGS root, relid_arg, inhparent, rel
#define PO_RELATION_INFO_RELID relid_arg
#define PO_RELATION_INFO_INH inhparent
#endif

/* 18: bitmap heap scans ask the table's access method tuple by tuple.  Needs access/tableam.h. */
#if PG_VERSION_NUM >= 180000
#define PO_TABLE_HAS_BITMAP_SCAN(rel) ((rel)->rd_tableam->scan_bitmap_next_tuple != NULL)
#else
#define PO_TABLE_HAS_BITMAP_SCAN(rel) ((rel)->rd_tableam->scan_bitmap_next_block != NULL)
#endif

/* 16: indexes that only summarize blocks let updates be heap-only, and are left out of the columns that do not. */
#if PG_VERSION_NUM >= 160000
#define PO_AM_ALLOWS_HOT(routine) ((routine)->amsummarizing)
#define PO_ATTR_BITMAP_NOT_HOT INDEX_ATTR_BITMAP_HOT_BLOCKING
#else
#define PO_AM_ALLOWS_HOT(routine) false
#define PO_ATTR_BITMAP_NOT_HOT INDEX_ATTR_BITMAP_ALL
#endif

/* 18: generated columns can be virtual, and have no index. */
#if PG_VERSION_NUM >= 180000
#define PO_IS_VIRTUAL_COLUMN(att) ((att)->attgenerated == ATTRIBUTE_GENERATED_VIRTUAL)
#define PO_INFO_SET_NULLS_NOT_DISTINCT(info, value) ((info)->nullsnotdistinct = (value))
#else
#define PO_IS_VIRTUAL_COLUMN(att) (false)
#define PO_INFO_SET_NULLS_NOT_DISTINCT(info, value) ((void) 0)
#endif

/* 18: the direction of a path key is a comparison type, no longer a B-tree strategy. */
#if PG_VERSION_NUM >= 180000
#define PO_PATHKEY_IS_DESC(key) ((key)->pk_cmptype == COMPARE_GT)
#else
#define PO_PATHKEY_IS_DESC(key) ((key)->pk_strategy == BTGreaterStrategyNumber)
#endif

/* 18: likewise the direction that an ordering operator stands for.  Needs access/stratnum.h. */
#if PG_VERSION_NUM >= 180000
#define PO_ORDERING_TYPE CompareType
#define PO_ORDERING_IS_UP(direction) ((direction) == COMPARE_LT)
#else
#define PO_ORDERING_TYPE int16
#define PO_ORDERING_IS_UP(direction) ((direction) == BTLessStrategyNumber)
#endif

/* ---- parsing and planning ---- */

/* 16: the header moved and the text is no longer needed. */
#if PG_VERSION_NUM >= 160000
#include "nodes/queryjumble.h"
#define PO_JUMBLE_QUERY(query, text) ((void) JumbleQuery(query))
#else
#include "utils/queryjumble.h"
#define PO_JUMBLE_QUERY(query, text) ((void) JumbleQuery((query), (text)))
#endif

/* 19: the planner can be given the state of the EXPLAIN that asks. */
#if PG_VERSION_NUM >= 190000
#define PO_PLAN_QUERY(query, text, options, params) \
	pg_plan_query((query), (text), (options), (params), NULL)
#else
#define PO_PLAN_QUERY(query, text, options, params) \
	pg_plan_query((query), (text), (options), (params))
#endif

/* 16: which joins are counted among a join tree's relations is asked for each kind. */
#if PG_VERSION_NUM >= 160000
#define PO_RELIDS_IN_JOINTREE(node) get_relids_in_jointree((node), false, false)
#else
#define PO_RELIDS_IN_JOINTREE(node) get_relids_in_jointree((node), false)
#endif

/* 16: permissions left the range table for a list of their own.  Needs executor/executor.h. */
#if PG_VERSION_NUM >= 160000
#define PO_CHECK_PERMISSIONS(plan) \
	((void) ExecCheckPermissions((plan)->rtable, (plan)->permInfos, true))
#else
#define PO_CHECK_PERMISSIONS(plan) ((void) ExecCheckRTPerms((plan)->rtable, true))
#endif

/* 16: a range table entry made by hand needs its entry in that list.  Needs parser/parse_relation.h. */
#if PG_VERSION_NUM >= 160000
#define PO_ADD_PERMISSIONS(query, rte) \
	((void) addRTEPermissionInfo(&(query)->rteperminfos, (rte)))
#else
#define PO_ADD_PERMISSIONS(query, rte) ((void) 0)
#endif

/* ---- settings ---- */

/* 16: the settings are counted with the list of them.  Needs utils/guc_tables.h. */
#if PG_VERSION_NUM >= 160000
#define PO_LIST_SETTINGS(n) get_guc_variables(&(n))
#else
#define PO_LIST_SETTINGS(n) ((n) = GetNumConfigOptions(), get_guc_variables())
#endif

/* 19: one struct holds settings of all types. */
#if PG_VERSION_NUM >= 190000
#define PO_STRING_ASSIGN_HOOK(setting) ((setting)->_string.assign_hook)
#else
#define PO_STRING_ASSIGN_HOOK(setting) (((struct config_string *) (setting))->assign_hook)
#endif

/* ---- assertions (for the stand-ins of the unit tests) ---- */

/* 16: the error type went away. */
#if PG_VERSION_NUM >= 160000
#define PO_ASSERT_TYPE_PARAM
#else
#define PO_ASSERT_TYPE_PARAM const char *errorType,
#endif

/* ---- materialized views ---- */

/* 18: no parameters.  Locks and finds the view by name once more. */
#if PG_VERSION_NUM >= 180000
#define PO_REFRESH_MATVIEW(stmt, text, qc) ExecRefreshMatView((stmt), (text), (qc))
#else
#define PO_REFRESH_MATVIEW(stmt, text, qc) ExecRefreshMatView((stmt), (text), NULL, (qc))
#endif

/* 17: maintenance commands run with a safe search_path, and MAINTAIN is a right of its own. */
#if PG_VERSION_NUM >= 170000
#define PO_RESTRICT_SEARCH_PATH() RestrictSearchPath()
#define PO_MAY_MAINTAIN(relid, roleid) \
	(pg_class_aclcheck((relid), (roleid), ACL_MAINTAIN) == ACLCHECK_OK)
#else
#define PO_RESTRICT_SEARCH_PATH() ((void) 0)
#define PO_MAY_MAINTAIN(relid, roleid) PO_OWNS_RELATION((relid), (roleid))
#endif

/* 16: one ownership check for all kinds of object. */
#if PG_VERSION_NUM >= 160000
#define PO_OWNS_RELATION(relid, roleid) object_ownercheck(RelationRelationId, (relid), (roleid))
#else
#define PO_OWNS_RELATION(relid, roleid) pg_class_ownercheck((relid), (roleid))
#endif

/* 18: grouping expressions are columns of a range table entry of their own, the last; it can be taken out. */
#if PG_VERSION_NUM >= 180000
#define PO_FLATTEN_GROUP_EXPRS(query, node) flatten_group_exprs(NULL, (query), (node))
#define PO_DROP_GROUP_RTE(query) \
	do { \
		if ((query)->hasGroupRTE) \
		{ \
			(query)->targetList = (List *) flatten_group_exprs(NULL, (query), (Node *) (query)->targetList); \
			(query)->havingQual = flatten_group_exprs(NULL, (query), (query)->havingQual); \
			(query)->rtable = list_truncate((query)->rtable, list_length((query)->rtable) - 1); \
			(query)->hasGroupRTE = false; \
		} \
	} while (0)
#else
#define PO_FLATTEN_GROUP_EXPRS(query, node) (node)
#define PO_DROP_GROUP_RTE(query) ((void) 0)
#endif

/* 16: what columns of joins stand for is found for the planner too.  Needs optimizer/optimizer.h. */
#if PG_VERSION_NUM >= 160000
#define PO_FLATTEN_JOIN_ALIASES(query, node) flatten_join_alias_vars(NULL, (query), (Node *) (node))
#else
#define PO_FLATTEN_JOIN_ALIASES(query, node) flatten_join_alias_vars((query), (Node *) (node))
#endif

/* 16: see PO_ADD_PERMISSIONS, which then gives an entry rights that nothing checks. */
#if PG_VERSION_NUM >= 160000
#define PO_CLEAR_PERMISSIONS(rte) ((rte)->perminfoindex = 0)
#else
#define PO_CLEAR_PERMISSIONS(rte) ((rte)->requiredPerms = 0)
#endif

/* 16 and 17: nodes that make JSON of values. */
#if PG_VERSION_NUM >= 170000
#define PO_IS_JSON_EXPR(node) (IsA((node), JsonConstructorExpr) || IsA((node), JsonExpr))
#elif PG_VERSION_NUM >= 160000
#define PO_IS_JSON_EXPR(node) (IsA((node), JsonConstructorExpr))
#else
#define PO_IS_JSON_EXPR(node) false
#endif

/* 18: a minimal tuple can leave room before it.  Needs access/htup_details.h. */
#if PG_VERSION_NUM >= 180000
#define PO_FORM_MINIMAL_TUPLE(desc, values, nulls) heap_form_minimal_tuple((desc), (values), (nulls), 0)
#else
#define PO_FORM_MINIMAL_TUPLE(desc, values, nulls) heap_form_minimal_tuple((desc), (values), (nulls))
#endif

/* ---- executing and writing ---- */

/* 18: ExecutorRun lost execute_once. */
#if PG_VERSION_NUM >= 180000
#define PO_EXECUTOR_RUN(desc, count) ExecutorRun((desc), ForwardScanDirection, (count))
#else
#define PO_EXECUTOR_RUN(desc, count) ExecutorRun((desc), ForwardScanDirection, (count), true)
#endif

/* 16: an update tells whether only summarizing indexes (BRIN) need a new entry. */
#if PG_VERSION_NUM >= 160000
#define PO_UPDATE_INDEXES_TYPE TU_UpdateIndexes
#define PO_UPDATED_ANY(u) ((u) != TU_None)
#define PO_UPDATED_SUMMARIZING(u) ((u) == TU_Summarizing)
#else
#define PO_UPDATE_INDEXES_TYPE bool
#define PO_UPDATED_ANY(u) (u)
#define PO_UPDATED_SUMMARIZING(u) false
#endif

/* 19: flags instead of booleans. */
#if PG_VERSION_NUM >= 190000
#define PO_INSERT_INDEX_TUPLES(rri, slot, estate, update, summarizing) \
	ExecInsertIndexTuples((rri), (estate), \
						  ((update) ? EIIT_IS_UPDATE : 0) | \
						  ((summarizing) ? EIIT_ONLY_SUMMARIZING : 0), (slot), NIL, NULL)
#elif PG_VERSION_NUM >= 160000
#define PO_INSERT_INDEX_TUPLES(rri, slot, estate, update, summarizing) \
	ExecInsertIndexTuples((rri), (slot), (estate), (update), false, NULL, NIL, (summarizing))
#else
#define PO_INSERT_INDEX_TUPLES(rri, slot, estate, update, summarizing) \
	ExecInsertIndexTuples((rri), (slot), (estate), (update), false, NULL, NIL)
#endif

/* 18: index scans may count what they do; 19: they take flags.  Need access/genam.h, access/tableam.h. */
#if PG_VERSION_NUM >= 190000
#define PO_INDEX_BEGINSCAN(table, index, snapshot, nkeys) \
	index_beginscan((table), (index), (snapshot), NULL, (nkeys), 0, SO_NONE)
#define PO_TABLE_INDEX_FETCH_BEGIN(table) table_index_fetch_begin((table), SO_NONE)
#elif PG_VERSION_NUM >= 180000
#define PO_INDEX_BEGINSCAN(table, index, snapshot, nkeys) \
	index_beginscan((table), (index), (snapshot), NULL, (nkeys), 0)
#define PO_TABLE_INDEX_FETCH_BEGIN(table) table_index_fetch_begin(table)
#else
#define PO_INDEX_BEGINSCAN(table, index, snapshot, nkeys) \
	index_beginscan((table), (index), (snapshot), (nkeys), 0)
#define PO_TABLE_INDEX_FETCH_BEGIN(table) table_index_fetch_begin(table)
#endif

/* 19: a row descriptor is finished before it is used.  Needs access/tupdesc.h. */
#if PG_VERSION_NUM >= 190000
#define PO_FINALIZE_TUPLE_DESC(desc) TupleDescFinalize(desc)
#else
#define PO_FINALIZE_TUPLE_DESC(desc) ((void) (desc))
#endif

/* ---- executing ---- */

/* 16: the executor itself can start a plan whose parameters have no values. */
#if PG_VERSION_NUM >= 160000
#define PO_GENERIC_FLAG EXEC_FLAG_EXPLAIN_GENERIC
#define PO_INITIAL_PRUNING(append) ((void) (append), (PartitionPruneInfo *) NULL)
#else
#define PO_GENERIC_FLAG 0
#define PO_INITIAL_PRUNING(append) ((append)->part_prune_info)
#endif

/* 18: a plan's pruning moved to a list of the statement. */
#if PG_VERSION_NUM >= 180000
#define PO_HAS_PRUNING(append) ((append)->part_prune_index >= 0)
#else
#define PO_HAS_PRUNING(append) ((append)->part_prune_info != NULL)
#endif

/* 18: disabled nodes are counted, before they cost at least disable_cost. */
#if PG_VERSION_NUM >= 180000
#define PO_PLAN_DISABLED(plan) ((plan)->disabled_nodes > 0)
#else
#define PO_PLAN_DISABLED(plan) ((plan)->total_cost >= 1.0e10)
#endif

/* 16 and 18 added joins that keep the rows of their right side. */
#if PG_VERSION_NUM >= 180000
#define PO_RIGHT_JOIN_NAME(type) \
	((type) == JOIN_RIGHT_ANTI ? " Right Anti" : (type) == JOIN_RIGHT_SEMI ? " Right Semi" : "")
#elif PG_VERSION_NUM >= 160000
#define PO_RIGHT_JOIN_NAME(type) ((type) == JOIN_RIGHT_ANTI ? " Right Anti" : "")
#else
#define PO_RIGHT_JOIN_NAME(type) ""
#endif

/* ---- instrumentation ---- */

/* 19: nodes and triggers have types of their own around the common part, times are instr_time. */
#if PG_VERSION_NUM >= 190000
#define PoNodeInstr NodeInstrumentation
#define PoTriggerInstr TriggerInstrumentation
#define PO_INSTR_BUFFERS(i) (&(i)->instr.bufusage)
#define PO_INSTR_TOTAL_MS(i) INSTR_TIME_GET_MILLISEC((i)->instr.total)
#define PO_TRIGGER_END(i) ((void) (i))
#define PO_TRIGGER_CALLS(i) ((double) (i)->firings)
#define PO_TRIGGER_MS(i) INSTR_TIME_GET_MILLISEC((i)->instr.total)
#else
#define PoNodeInstr Instrumentation
#define PoTriggerInstr Instrumentation
#define PO_INSTR_BUFFERS(i) (&(i)->bufusage)
#define PO_INSTR_TOTAL_MS(i) ((i)->total * 1000.0)
#define PO_TRIGGER_END(i) InstrEndLoop(i)
#define PO_TRIGGER_CALLS(i) ((i)->ntuples)
#define PO_TRIGGER_MS(i) ((i)->total * 1000.0)
#endif

/* 18: bitmap heap scans count the pages of their parallel workers too. */
#if PG_VERSION_NUM >= 180000
#define PO_BITMAP_PAGES(state, exact, lossy) \
	do { \
		*(exact) = (state)->stats.exact_pages; \
		*(lossy) = (state)->stats.lossy_pages; \
		if ((state)->sinstrument != NULL) \
			for (int worker_ = 0; worker_ < (state)->sinstrument->num_workers; worker_++) \
			{ \
				*(exact) += (state)->sinstrument->sinstrument[worker_].exact_pages; \
				*(lossy) += (state)->sinstrument->sinstrument[worker_].lossy_pages; \
			} \
	} while (0)
#else
#define PO_BITMAP_PAGES(state, exact, lossy) \
	do { \
		*(exact) = (state)->exact_pages; \
		*(lossy) = (state)->lossy_pages; \
	} while (0)
#endif

/* ---- statistics of tables ---- */

/* 16: the counter has another name.  Needs pgstat.h. */
#if PG_VERSION_NUM >= 160000
#define PO_MODIFIED_SINCE_ANALYZE(entry) ((entry)->mod_since_analyze)
#else
#define PO_MODIFIED_SINCE_ANALYZE(entry) ((entry)->changes_since_analyze)
#endif

/* ---- privileges ---- */

/* 16: one function for all classes.  Needs utils/acl.h and catalog/pg_database.h. */
#if PG_VERSION_NUM >= 160000
#define PO_DATABASE_OWNERCHECK(oid, role) object_ownercheck(DatabaseRelationId, (oid), (role))
#else
#define PO_DATABASE_OWNERCHECK(oid, role) pg_database_ownercheck((oid), (role))
#endif

/* 16: the same for the right to use a schema.  Needs utils/acl.h and catalog/pg_namespace.h. */
#if PG_VERSION_NUM >= 160000
#define PO_MAY_USE_SCHEMA(oid, role) \
	(object_aclcheck(NamespaceRelationId, (oid), (role), ACL_USAGE) == ACLCHECK_OK)
#else
#define PO_MAY_USE_SCHEMA(oid, role) \
	(pg_namespace_aclcheck((oid), (role), ACL_USAGE) == ACLCHECK_OK)
#endif

/* 16: and to call a function.  Needs utils/acl.h and catalog/pg_proc.h. */
#if PG_VERSION_NUM >= 160000
#define PO_MAY_EXECUTE(oid, role) \
	(object_aclcheck(ProcedureRelationId, (oid), (role), ACL_EXECUTE) == ACLCHECK_OK)
#else
#define PO_MAY_EXECUTE(oid, role) \
	(pg_proc_aclcheck((oid), (role), ACL_EXECUTE) == ACLCHECK_OK)
#endif

/* ---- background workers and running commands ---- */

/* 19: syscache callbacks get an enum.  Needs utils/syscache.h. */
#if PG_VERSION_NUM >= 190000
#define PO_SYSCACHE_ID SysCacheIdentifier
#else
#define PO_SYSCACHE_ID int
#endif

/* 17: a worker may connect as a role without LOGIN.  Needs postmaster/bgworker.h. */
#if PG_VERSION_NUM >= 170000
#define PO_NOLOGIN_ROLES_CAN_RUN true
#define PO_RUNNER_CONNECTION_FLAGS BGWORKER_BYPASS_ROLELOGINCHECK
#else
#define PO_NOLOGIN_ROLES_CAN_RUN false
#define PO_RUNNER_CONNECTION_FLAGS 0
#endif

/* 18: a portal is no longer told that it runs once.  FETCH_ALL is LONG_MAX, whose header 19 no longer includes. */
#include <limits.h>
#if PG_VERSION_NUM >= 180000
#define PO_PORTAL_RUN(portal, dest, qc) \
	((void) PortalRun((portal), FETCH_ALL, true, (dest), (dest), (qc)))
#else
#define PO_PORTAL_RUN(portal, dest, qc) \
	((void) PortalRun((portal), FETCH_ALL, true, true, (dest), (dest), (qc)))
#endif

/* ---- tracking ---- */

/* The server that files of our own were written by. */
#define PO_SERVER_VERSION (PG_VERSION_NUM / 100)

/* 17: backends are numbered from 0, and the transaction's number moved.  Needs storage/proc.h and storage/backendid.h. */
#if PG_VERSION_NUM >= 170000
#define PO_MY_BACKEND_NUMBER ((int) MyProcNumber)
#define PO_MY_LXID (MyProc->vxid.lxid)
#else
#define PO_MY_BACKEND_NUMBER (MyBackendId - 1)
#define PO_MY_LXID (MyProc->lxid)
#endif

/* 18: ExecutorRun lost execute_once, for its hooks, too. */
#if PG_VERSION_NUM >= 180000
#define PO_RUN_HOOK_PARAMS QueryDesc *desc, ScanDirection direction, uint64 count
#define PO_RUN_HOOK_ARGS desc, direction, count
#else
#define PO_RUN_HOOK_PARAMS QueryDesc *desc, ScanDirection direction, uint64 count, bool execute_once
#define PO_RUN_HOOK_ARGS desc, direction, count, execute_once
#endif

/* 19: the relations that a plan writes are a set, before a list.  Needs nodes/plannodes.h. */
#if PG_VERSION_NUM >= 190000
#define PO_FOREACH_RESULT_RELATION(index, stmt) \
	for ((index) = -1; ((index) = bms_next_member((stmt)->resultRelationRelids, (index))) >= 0;)
#else
#define PO_FOREACH_RESULT_RELATION(index, stmt) \
	for (int place_ = 0; \
		 place_ < list_length((stmt)->resultRelations) && \
		 ((index) = list_nth_int((stmt)->resultRelations, place_)) > 0; place_++)
#endif

/* 18: what prints plans has headers of its own. */
#if PG_VERSION_NUM >= 180000
#include "commands/explain_format.h"
#include "commands/explain_state.h"
#endif

/* 16: the copy of a backend's status is asked for by its index.  Needs utils/backend_status.h. */
#if PG_VERSION_NUM >= 160000
#define PO_BACKEND_STATUS(i) pgstat_get_local_beentry_by_index(i)
#else
#define PO_BACKEND_STATUS(i) pgstat_fetch_stat_local_beentry(i)
#endif

/* 17 and 19: the class of waits for buffers was renamed, its number stayed. */
#if PG_VERSION_NUM >= 190000
#define PO_WAIT_BUFFER PG_WAIT_BUFFER
#elif PG_VERSION_NUM >= 170000
#define PO_WAIT_BUFFER PG_WAIT_BUFFERPIN
#else
#define PO_WAIT_BUFFER PG_WAIT_BUFFER_PIN
#endif

/* 19: the state of jumbling is constant to hooks. */
#if PG_VERSION_NUM >= 190000
#define PO_JUMBLE_STATE const JumbleState
#else
#define PO_JUMBLE_STATE JumbleState
#endif

#endif							/* PO_COMPAT_H */
