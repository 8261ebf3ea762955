/*
 * prospect.h
 *	  Whether a materialized view that does not exist yet could be refreshed incrementally.
 */
#ifndef PO_PROSPECT_H
#define PO_PROSPECT_H

extern char *po_prospect_describe(const char *definition);

#endif							/* PO_PROSPECT_H */
