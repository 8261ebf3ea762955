/*
 * columns.h
 *	  The columns that an archived row carries from its table to the destination.
 */
#ifndef PO_COLUMNS_H
#define PO_COLUMNS_H

#include "nodes/pg_list.h"

extern char *po_columns_shared(Oid source, Oid destination, List **blockers);
extern bool po_columns_alike(Oid source, Oid destination);
extern char *po_columns_key(Oid relation);

#endif							/* PO_COLUMNS_H */
