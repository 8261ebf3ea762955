/*
 * run.h
 *	  Running an archive policy.
 */
#ifndef PO_RUN_H
#define PO_RUN_H

extern void po_run_archive(const char *policy, int max_batches);

#endif							/* PO_RUN_H */
