/*
 * purge.h
 *	  Deleting archived rows that are old enough themselves.
 */
#ifndef PO_PURGE_H
#define PO_PURGE_H

#include "archive/steps.h"

extern void po_purge(PoArchiveRun *run);

#endif							/* PO_PURGE_H */
