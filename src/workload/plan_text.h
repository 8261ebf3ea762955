/*
 * plan_text.h
 *	  The plan of an execution as EXPLAIN prints it.
 */
#ifndef PO_WORKLOAD_PLAN_TEXT_H
#define PO_WORKLOAD_PLAN_TEXT_H

#include "executor/execdesc.h"

extern char *po_plan_text_explain(QueryDesc *desc, bool redact);

#endif							/* PO_WORKLOAD_PLAN_TEXT_H */
