/*
 * collation.h
 *	  What the planner asks of a collation.
 */
#ifndef PO_COLLATION_H
#define PO_COLLATION_H

extern bool po_collation_is_c(Oid collation);

#endif							/* PO_COLLATION_H */
