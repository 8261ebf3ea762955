/*
 * method.h
 *	  Indexes other than B-trees that could serve a statement's conditions.
 */
#ifndef PO_METHOD_H
#define PO_METHOD_H

#include "plan/inspection.h"

extern List *po_method_collect(const PoInspection *inspection);

#endif							/* PO_METHOD_H */
