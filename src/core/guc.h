/*
 * guc.h
 *	  The settings of perf_optimizer.* that more than one area reads.
 */
#ifndef PO_GUC_H
#define PO_GUC_H

extern void po_guc_init(void);
extern void po_guc_reserve(void);

#endif							/* PO_GUC_H */
