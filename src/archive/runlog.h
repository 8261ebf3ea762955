/*
 * runlog.h
 *	  The record of archive runs.
 */
#ifndef PO_RUNLOG_H
#define PO_RUNLOG_H

#include "archive/policy.h"

extern int64 po_runlog_start(PoArchivePolicy *policy, const char *action);
extern void po_runlog_set_cutoff(int64 run_id, TimestampTz cutoff);
extern void po_runlog_note_whole(int64 run_id, int64 estimated);
extern void po_runlog_progress(int64 run_id, int64 rows, int64 purged, int64 batches, int64 digest,
							   int64 expected);
extern void po_runlog_set_digest_of(int64 run_id, const char *expression);
extern void po_runlog_finish(int64 run_id, const char *status, const char *why, const char *message);

#endif							/* PO_RUNLOG_H */
