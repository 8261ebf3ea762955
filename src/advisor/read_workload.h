/*
 * read_workload.h
 *	  The argument "queries" of functions that give advice on a workload.
 */
#ifndef PO_READ_WORKLOAD_H
#define PO_READ_WORKLOAD_H

#include "advisor/workload.h"
#include "fmgr.h"

extern PoWorkload *po_read_workload(FunctionCallInfo fcinfo, int argno, const char *what);
extern void po_read_workload_report(const PoWorkload *workload);

#endif							/* PO_READ_WORKLOAD_H */
