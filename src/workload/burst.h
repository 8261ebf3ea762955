/*
 * burst.h
 *	  Bursts: one session runs the same statement again and again.
 */
#ifndef PO_WORKLOAD_BURST_H
#define PO_WORKLOAD_BURST_H

#include "executor/execdesc.h"
#include "workload/local.h"

/* One finished execution, as burst detection sees it. */
typedef struct PoBurstRun
{
	uint64		end_ns;			/* of the monotonic clock */
	uint64		ns;
	uint64		rows;
	bool		nested;
	uint64		parent;			/* of a nested statement: the one that runs it */
} PoBurstRun;

extern void po_burst_note(PoLocal *local, const QueryDesc *desc, const PoBurstRun *run,
						  PoTrackEvent *event);
extern void po_burst_note_top(uint64 queryid, uint64 end_ns);
extern uint64 po_burst_mix_bytes(uint64 hash, const char *data, Size length);
extern bool po_burst_is_candidate(const PlannedStmt *stmt);

#endif							/* PO_WORKLOAD_BURST_H */
