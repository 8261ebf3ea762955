/*
 * watch.h
 *	  The hooks that see what changes tables and what statements mean.
 */
#ifndef PO_CACHE_WATCH_H
#define PO_CACHE_WATCH_H

extern void po_watch_init(void);

#endif							/* PO_CACHE_WATCH_H */
