/*
 * index_use.h
 *	  Which indexes a plan scans.
 */
#ifndef PO_INDEX_USE_H
#define PO_INDEX_USE_H

#include "nodes/plannodes.h"

extern List *po_index_use_collect(List *plans);

#endif							/* PO_INDEX_USE_H */
