/*
 * foreign_key.h
 *	  The foreign keys that refer to a table, and whether an index serves them.
 */
#ifndef PO_FOREIGN_KEY_H
#define PO_FOREIGN_KEY_H

#include "access/attnum.h"
#include "nodes/pg_list.h"

/* A foreign key and whether an index of the referencing table serves it. */
typedef struct PoForeignKey
{
	Oid			constraint;
	Oid			referencing;
	Oid			referenced;
	int			ncolumns;
	AttrNumber	columns[INDEX_MAX_KEYS];	/* of the referencing table */
	AttrNumber	referenced_columns[INDEX_MAX_KEYS];
	bool		indexed;
	bool		inherited;		/* a part of the one of a partitioned table */
} PoForeignKey;

extern bool po_foreign_key_read(Oid constraint, PoForeignKey *key);
extern List *po_foreign_key_referencing(Oid relid);
extern char *po_foreign_key_index(const PoForeignKey *key);

#endif							/* PO_FOREIGN_KEY_H */
