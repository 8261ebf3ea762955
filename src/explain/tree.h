/*
 * tree.h
 *	  A plan as a person reads it.
 */
#ifndef PO_TREE_H
#define PO_TREE_H

#include "explain/finding.h"

extern List *po_tree_lines(const PoAnalysis *analysis, bool utf8);

#endif							/* PO_TREE_H */
