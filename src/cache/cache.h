/*
 * cache.h
 *	  Starting the result cache.
 */
#ifndef PO_CACHE_H
#define PO_CACHE_H

extern void po_cache_init(void);

#endif							/* PO_CACHE_H */
