/*
 * skipped.h
 *	  What the session's last call of suggest_indexes left out.
 */
#ifndef PO_SKIPPED_H
#define PO_SKIPPED_H

#include "nodes/pg_list.h"

extern void po_skipped_remember(List *skipped);
extern List *po_skipped_get(void);

#endif							/* PO_SKIPPED_H */
