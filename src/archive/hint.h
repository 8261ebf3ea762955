/*
 * hint.h
 *	  What makes a run over an archive policy slower than it needs to be.
 */
#ifndef PO_HINT_H
#define PO_HINT_H

#include "archive/policy.h"
#include "nodes/pg_list.h"

/* One cause, and the statement that cures it. */
typedef struct PoArchiveHint
{
	char	   *message;
	char	   *cure;
} PoArchiveHint;

extern List *po_hint_find(const PoArchivePolicy *policy);
extern void po_hint_report(const PoArchivePolicy *policy);

#endif							/* PO_HINT_H */
