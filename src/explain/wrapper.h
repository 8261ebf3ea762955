/*
 * wrapper.h
 *	  Advice for a column that a condition wraps into an expression.
 */
#ifndef PO_WRAPPER_H
#define PO_WRAPPER_H

#include "explain/predicate.h"

extern char *po_wrapper_advice(const PoNode *node, const PoPredicate *predicate, bool proven);

#endif							/* PO_WRAPPER_H */
