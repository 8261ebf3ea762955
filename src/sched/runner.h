/*
 * runner.h
 *	  The process that works on one run.
 */
#ifndef PO_RUNNER_H
#define PO_RUNNER_H

extern bool po_runner_start(int index, uint32 generation);

#endif							/* PO_RUNNER_H */
