/*
 * columns.h
 *	  The columns that an archived row carries from its table to the destination.
 */
#ifndef PO_COLUMNS_H
#define PO_COLUMNS_H

#include "nodes/pg_list.h"

/* What becomes of a column that the other table lacks. */
typedef enum PoColumnsMode
{
	PO_COLUMNS_ALL,				/* it is a blocker */
	PO_COLUMNS_ADD,				/* it is added before the rows come */
	PO_COLUMNS_RESTORE			/* it stays behind, as do generated ones */
} PoColumnsMode;

extern char *po_columns_shared(Oid source, Oid destination, PoColumnsMode mode, List **blockers);
extern char *po_columns_stored(Oid relation);
extern List *po_columns_missing(Oid source, Oid destination);
extern bool po_columns_alike(Oid source, Oid destination);
extern char *po_columns_key(Oid relation);
extern char *po_columns_same_key(Oid relation, const char *a, const char *b);

#endif							/* PO_COLUMNS_H */
