/*
 * result.h
 *	  Cached results: serving them, waiting for them, computing them.
 */
#ifndef PO_CACHE_RESULT_H
#define PO_CACHE_RESULT_H

#include "cache/key.h"
#include "core/srf.h"

extern void po_result_init(void);
extern void po_result_require(void);
extern void po_result_fetch(const PoCacheArgs *args, int64 ttl, PoRow *row);
extern int64 po_result_invalidate(const char *pattern, const char *tag);

#endif							/* PO_CACHE_RESULT_H */
