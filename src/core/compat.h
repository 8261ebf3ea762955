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

/* 16: permissions left the range table for a list of their own.  Needs executor/executor.h. */
#if PG_VERSION_NUM >= 160000
#define PO_CHECK_PERMISSIONS(plan) \
	((void) ExecCheckPermissions((plan)->rtable, (plan)->permInfos, true))
#else
#define PO_CHECK_PERMISSIONS(plan) ((void) ExecCheckRTPerms((plan)->rtable, true))
#endif

/* ---- assertions (for the stand-ins of the unit tests) ---- */

/* 16: the error type went away. */
#if PG_VERSION_NUM >= 160000
#define PO_ASSERT_TYPE_PARAM
#else
#define PO_ASSERT_TYPE_PARAM const char *errorType,
#endif

#endif							/* PO_COMPAT_H */
