/*
 * read_workload.h
 *	  The workload of functions that give advice on one: argument "queries", column "query_ids".
 */
#ifndef PO_READ_WORKLOAD_H
#define PO_READ_WORKLOAD_H

#include "advisor/workload.h"
#include "core/srf.h"

extern PoWorkload *po_read_workload(FunctionCallInfo fcinfo, int argno, const char *what);
extern void po_read_workload_report(const PoWorkload *workload);
extern void po_read_workload_put_ids(PoRow *row, const List *queries);

#endif							/* PO_READ_WORKLOAD_H */
