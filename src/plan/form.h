/*
 * form.h
 *	  What an index that could be built is made of, in numbers.  Pure.
 */
#ifndef PO_FORM_H
#define PO_FORM_H

#include "plan/candidate.h"

/* Most columns that an index holds beside its key. */
#define PO_INCLUDED_COLUMNS 8

/* An index on a table that is known otherwise; unused places are zero. */
typedef struct PoForm
{
	unsigned int method;		/* OID of the access method; 0: B-tree */
	PoKey		key;
	unsigned int classes[PO_KEY_COLUMNS];	/* OIDs of operator classes; 0:
											 * the one that the column's
											 * number says */
	int			predicate;		/* number of the condition that limits it; 0:
								 * none */
	int			nincluded;
	int			included[PO_INCLUDED_COLUMNS];	/* attribute numbers, rising */
} PoForm;

/* What a statement reads of a table, beside conditions that an index of some predicate makes superfluous. */
typedef struct PoFetched
{
	int			predicate;		/* 0: none */
	bool		coverable;		/* an index can hold all that it reads */
	int			ncolumns;
	int			columns[PO_INCLUDED_COLUMNS + PO_KEY_COLUMNS];	/* attribute numbers,
																 * rising */
	int			nfixed;
	int			fixed[PO_NEEDS_COLUMNS];	/* columns that the predicate
											 * compares with one value */
} PoFetched;

extern int	po_form_generate(const PoNeeds *needs, const PoFetched *fetched, PoForm *forms, int max);
extern bool po_form_equal(const PoForm *a, const PoForm *b);
extern bool po_form_serves(const PoForm *wide, const PoForm *narrow);
extern bool po_form_merge(const PoForm *wide, const PoForm *narrow, PoForm *merged);
extern bool po_form_include(PoForm *form, const int *columns, int ncolumns);

#endif							/* PO_FORM_H */
