/*
 * fetched.h
 *	  What a statement reads of a table, and which of its conditions may limit an index.
 */
#ifndef PO_FETCHED_H
#define PO_FETCHED_H

#include "plan/inspection.h"

extern List *po_fetched_collect(const PoInspection *inspection);

#endif							/* PO_FETCHED_H */
