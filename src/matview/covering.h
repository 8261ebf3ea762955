/*
 * covering.h
 *	  Rows of a table from an index that holds all columns that are wanted.
 */
#ifndef PO_COVERING_H
#define PO_COVERING_H

#include "access/genam.h"
#include "access/tupdesc.h"

typedef struct PoCovering PoCovering;

extern PoCovering *po_covering_begin(Relation table, Relation index, const AttrNumber *columns, int ncolumns);
extern bool po_covering_read(PoCovering *covering, IndexScanDesc scan, ItemPointer tid, Datum *values, bool *nulls);
extern void po_covering_end(PoCovering *covering);

#endif							/* PO_COVERING_H */
