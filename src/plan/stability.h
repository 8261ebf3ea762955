/*
 * stability.h
 *	  Whether a query's functions give the same result whenever its tables hold the same rows.
 */
#ifndef PO_STABILITY_H
#define PO_STABILITY_H

#include "nodes/parsenodes.h"

extern const char *po_stability_refusal(Query *query, bool clock);
extern List *po_stability_functions(Query *query);

#endif							/* PO_STABILITY_H */
