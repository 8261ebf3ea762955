/*
 * throttle.h
 *	  Waiting between the batches of an archive run.
 */
#ifndef PO_THROTTLE_H
#define PO_THROTTLE_H

#include "archive/policy.h"

extern void po_throttle_sleep(long ms);
extern bool po_throttle_is_burst(const PoArchivePolicy *policy, bool local, uint64 wal_bytes);
extern long po_throttle_delay(const PoArchivePolicy *policy, double elapsed_s, int64 rows, uint64 wal_bytes);
extern bool po_throttle_in_window(PoArchivePolicy *policy);
extern bool po_throttle_replicas_lag(PoArchivePolicy *policy);

#endif							/* PO_THROTTLE_H */
