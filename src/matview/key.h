/*
 * key.h
 *	  The columns of a materialized view that its query makes unique.
 */
#ifndef PO_KEY_H
#define PO_KEY_H

#include "nodes/pg_list.h"

/* A set of output columns of which no two rows agree. */
typedef struct PoKey
{
	List	   *columns;		/* names, as char *; NIL when none is provable */
	bool		may_be_null;	/* a column may hold NULLs as far as we can
								 * tell */
} PoKey;

extern void po_key_find(Oid matview, PoKey *key);

#endif							/* PO_KEY_H */
