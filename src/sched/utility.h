/*
 * utility.h
 *	  Commands that need our workers out of the way.
 */
#ifndef PO_UTILITY_H
#define PO_UTILITY_H

extern void po_utility_init(void);

#endif							/* PO_UTILITY_H */
