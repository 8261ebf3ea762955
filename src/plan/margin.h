/*
 * margin.h
 *	  How wrong the estimates of a plan may be.
 */
#ifndef PO_MARGIN_H
#define PO_MARGIN_H

#include "nodes/pg_list.h"

extern double po_margin_find(List *plans, double cost, double alternative);

#endif							/* PO_MARGIN_H */
