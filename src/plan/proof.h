/*
 * proof.h
 *	  An index that is proven to make a statement cheaper.
 */
#ifndef PO_PROOF_H
#define PO_PROOF_H

#include "plan/hypo.h"
#include "plan/query.h"

typedef struct PoProof
{
	PoHypoIndex *index;			/* index->definition is the statement that
								 * creates it */
	double		cost_before;
	double		cost_after;
	int64		size_bytes;
} PoProof;

extern bool po_proof_find(PoStatement *statement, Oid relid, double min_gain, PoProof *proof);

#endif							/* PO_PROOF_H */
