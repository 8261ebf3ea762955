/*
 * normalise.h
 *	  A view's query without the ways of writing it that do not change its rows.
 */
#ifndef PO_NORMALISE_H
#define PO_NORMALISE_H

#include "nodes/parsenodes.h"

extern void po_normalise_query(Query *query);

#endif							/* PO_NORMALISE_H */
