/*
 * lookup.h
 *	  Which indexes an incremental refresh looks rows up in.
 */
#ifndef PO_LOOKUP_H
#define PO_LOOKUP_H

#include "matview/shape.h"

extern Datum po_lookup_describe(Oid matview, PoShape *shape);

#endif							/* PO_LOOKUP_H */
