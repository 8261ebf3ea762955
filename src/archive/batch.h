/*
 * batch.h
 *	  Taking the old rows of one table in batches.
 */
#ifndef PO_BATCH_H
#define PO_BATCH_H

#include "archive/cutoff.h"
#include "archive/policy.h"

typedef struct PoBatch PoBatch;

/* What one batch did. */
typedef struct PoBatchResult
{
	int64		matched;		/* rows that were found to be old enough */
	int64		archived;		/* rows that were taken */
	int64		digest;			/* of these rows; 0 where none is kept */
} PoBatchResult;

extern PoBatch *po_batch_begin(PoArchivePolicy *policy, const PoCutoff *cutoff, Oid leaf, int64 run_id);
extern void po_batch_take(PoBatch *batch, int max_rows, PoBatchResult *result);
extern void po_batch_advance(PoBatch *batch);
extern bool po_batch_is_local(PoBatch *batch);
extern bool po_batch_is_done(PoBatch *batch);
extern void po_batch_end(PoBatch *batch);

#endif							/* PO_BATCH_H */
