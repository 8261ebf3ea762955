/*
 * growth.h
 *	  What counters grew by since they were last looked at.
 */
#ifndef PO_WORKLOAD_GROWTH_H
#define PO_WORKLOAD_GROWTH_H

extern void po_growth_of(double *present, int n, const double *last, int nlast);

#endif							/* PO_WORKLOAD_GROWTH_H */
