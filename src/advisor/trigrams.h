/*
 * trigrams.h
 *	  The hint at an extension that would serve searches inside texts.
 */
#ifndef PO_TRIGRAMS_H
#define PO_TRIGRAMS_H

#include "advisor/workload.h"

extern void po_trigrams_report(const PoWorkload *workload);

#endif							/* PO_TRIGRAMS_H */
