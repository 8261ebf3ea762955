/*
 * mend.h
 *	  Making normalised statements analysable: second attempts after an error.
 */
#ifndef PO_MEND_H
#define PO_MEND_H

#include "nodes/parsenodes.h"

/* What is done to a statement before it is analysed; zeroed means nothing. */
typedef struct PoMend
{
	bool		type_names;		/* any name before a parameter is a type's */
	bool		lists;			/* x = ANY (ARRAY[...]) becomes x IN (...) */
	bool		groups;			/* expressions like those of GROUP BY share
								 * their parameters */
	int			ntypes;			/* types that parameters are tried with */
	Oid		   *types;
	List	   *tried;			/* numbers of the parameters that are being
								 * tried */
	int			position;		/* of the expression that they belong to */
	int			candidate;
	bool		outputs;		/* they are not its own but what lists of the
								 * statement give out */
	int			nreplaced;		/* parameters that others took the place of */
	int		   *replaced;		/* replaced[i] is the other one of parameter i
								 * + 1, or 0 */
} PoMend;

extern void po_mend_apply(PoMend *mend, RawStmt *raw);
extern bool po_mend_next(PoMend *mend, RawStmt *raw, const char *text, int sqlerrcode, int position);

#endif							/* PO_MEND_H */
