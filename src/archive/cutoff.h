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
extern char *po_cutoff_condition(PoArchivePolicy *policy, const char *alias);

#endif							/* PO_CUTOFF_H */
