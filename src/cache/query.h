/*
 * query.h
 *	  A statement of cached_query: whether its result may be kept, and computing it.
 */
#ifndef PO_CACHE_QUERY_H
#define PO_CACHE_QUERY_H

#include "cache/key.h"
#include "cache/store.h"
#include "core/srf.h"
#include "lib/stringinfo.h"
#include "plan/query.h"

/* A statement that is ready to be computed. */
typedef struct PoCacheQuery
{
	PoStatement *statement;
	const char *refusal;		/* why its result is not kept, or NULL */
	bool		quiet;			/* nobody was committing a change of its
								 * tables */
	PoCacheBasis basis;
} PoCacheQuery;

/* A computed result; the rows went to the caller, too. */
typedef struct PoCacheResult
{
	StringInfoData value;
	bool		too_large;		/* value is not whole */
	int64		rows;
	double		ms;
} PoCacheResult;

extern PoCacheQuery *po_cache_query_prepare(const PoCacheArgs *args);
extern void po_cache_query_compute(PoCacheQuery *query, PoRow *row, PoCacheResult *result);
extern bool po_cache_query_is_current(const PoCacheBasis *basis);
extern uint64 po_cache_query_widen(TransactionId xid);

#endif							/* PO_CACHE_QUERY_H */
