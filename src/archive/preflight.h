/*
 * preflight.h
 *	  What stands against running an archive policy, found before anything is done.
 */
#ifndef PO_PREFLIGHT_H
#define PO_PREFLIGHT_H

#include "archive/cutoff.h"
#include "archive/policy.h"
#include "nodes/pg_list.h"

/* What a policy would take now. */
typedef struct PoPreflightCount
{
	int64		rows;
	int64		total_rows;		/* of the table; an estimate */
	int64		bytes;			/* an estimate */
	bool		any;			/* whether oldest and newest are set */
	TimestampTz oldest;
	TimestampTz newest;
} PoPreflightCount;

extern List *po_preflight_tables(PoArchivePolicy *policy);
extern List *po_preflight_rows(PoArchivePolicy *policy, const PoCutoff *cutoff,
							   const PoPreflightCount *count);
extern int64 po_preflight_estimate(PoArchivePolicy *policy, const PoCutoff *cutoff);
extern void po_preflight_count(PoArchivePolicy *policy, const PoCutoff *cutoff,
							   PoPreflightCount *count);
extern int	po_preflight_begin_settings(PoArchivePolicy *policy);
extern void po_preflight_end_settings(int level);

#endif							/* PO_PREFLIGHT_H */
