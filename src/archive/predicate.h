/*
 * predicate.h
 *	  Checking the condition that a user gives an archive policy.
 */
#ifndef PO_PREDICATE_H
#define PO_PREDICATE_H

extern char *po_predicate_check(Oid relation, const char *text);
extern void po_predicate_require_safe_path(void);

#endif							/* PO_PREDICATE_H */
