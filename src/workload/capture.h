/*
 * capture.h
 *	  Keeping the texts of some executions: samples, plans, rewrites of bursts.
 */
#ifndef PO_WORKLOAD_CAPTURE_H
#define PO_WORKLOAD_CAPTURE_H

#include "executor/execdesc.h"
#include "plan/sample.h"
#include "workload/local.h"

extern void po_capture_note(PoLocal *local, QueryDesc *desc, const PoTrackEvent *event);
extern PoSample *po_capture_read(const PoTrackEntry *entry, PoSampleKind kind);
extern PoSample *po_capture_find(int64 queryid, Oid userid);

#endif							/* PO_WORKLOAD_CAPTURE_H */
