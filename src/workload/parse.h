/*
 * parse.h
 *	  What parse analysis tells of a statement: its constants' types and its key.
 */
#ifndef PO_WORKLOAD_PARSE_H
#define PO_WORKLOAD_PARSE_H

#include "nodes/plannodes.h"

extern void po_parse_init(void);
extern uint64 po_parse_utility_queryid(const PlannedStmt *stmt, const char *text);

#endif							/* PO_WORKLOAD_PARSE_H */
