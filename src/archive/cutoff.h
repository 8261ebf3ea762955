/*
 * cutoff.h
 *	  The moment before which rows are old enough, and the condition that says so.
 */
#ifndef PO_CUTOFF_H
#define PO_CUTOFF_H

#include "archive/policy.h"

/* A frozen cutoff. */
typedef struct PoCutoff
{
	TimestampTz at;				/* as a moment, for people */
	Datum		value;			/* in the time column's type; rows below it
								 * are old */
} PoCutoff;

extern void po_cutoff_freeze(PoArchivePolicy *policy, PoCutoff *cutoff);
extern void po_cutoff_set(PoArchivePolicy *policy, TimestampTz at, PoCutoff *cutoff);
extern int	po_cutoff_minute_of_week(PoArchivePolicy *policy);
extern int	po_cutoff_compare(Oid type, Datum a, Datum b);
extern TimestampTz po_cutoff_moment(PoArchivePolicy *policy, Datum value);
extern char *po_cutoff_literal(PoArchivePolicy *policy, Datum value);
extern char *po_cutoff_condition(PoArchivePolicy *policy, const char *alias, const char *bound);

#endif							/* PO_CUTOFF_H */
