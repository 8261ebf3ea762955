/*
 * capture.h
 *	  Keeping the texts of some executions: samples, plans, rewrites of bursts.
 */
#ifndef PO_WORKLOAD_CAPTURE_H
#define PO_WORKLOAD_CAPTURE_H

#include "executor/execdesc.h"
#include "plan/sample.h"
#include "workload/blob.h"
#include "workload/local.h"

extern void po_capture_note(PoLocal *local, QueryDesc *desc, const PoTrackEvent *event);
extern void po_capture_note_failure(const PoTrackEvent *event, const PoBlobText *text);
extern void po_capture_note_utility(const PoTrackEvent *event, const PoBlobText *text);
extern PoSample *po_capture_find(int64 queryid, Oid userid);

#endif							/* PO_WORKLOAD_CAPTURE_H */
