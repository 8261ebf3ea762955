/*
 * track.h
 *	  The hooks that time every execution.
 */
#ifndef PO_WORKLOAD_TRACK_H
#define PO_WORKLOAD_TRACK_H

extern void po_track_init(void);
extern void po_track_flush(void);

#endif							/* PO_WORKLOAD_TRACK_H */
