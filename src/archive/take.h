/*
 * take.h
 *	  Taking the rows of a list of tables in batches, within the limits of a policy.
 */
#ifndef PO_TAKE_H
#define PO_TAKE_H

#include "archive/steps.h"

extern bool po_take_turn(PoArchiveRun *run);
extern void po_take_leaves(PoArchiveRun *run);

#endif							/* PO_TAKE_H */
