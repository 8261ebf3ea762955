/*
 * served.h
 *	  What the existing indexes of a table already serve.
 */
#ifndef PO_SERVED_H
#define PO_SERVED_H

#include "plan/form.h"
#include "plan/key_column.h"

/* An existing index, as far as it can be compared with one that could be built. */
typedef struct PoExisting
{
	Oid			indexid;
	bool		whole;			/* the form says all that the index is:
								 * another that serves the form makes it
								 * superfluous */
	PoForm		form;
} PoExisting;

extern List *po_served_read(Oid relid, PoExpressions *expressions);
extern bool po_served_by(const List *existing, const PoForm *form);
extern List *po_served_superfluous(const List *existing, const PoForm *form);

#endif							/* PO_SERVED_H */
