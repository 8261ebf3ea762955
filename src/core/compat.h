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

#endif							/* PO_COMPAT_H */
