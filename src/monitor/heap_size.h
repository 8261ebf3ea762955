/*
 * heap_size.h
 *	  How large a table would be if it were written anew.
 */
#ifndef PO_HEAP_SIZE_H
#define PO_HEAP_SIZE_H

#include "utils/relcache.h"

extern double po_heap_size_expected(Relation table);

#endif							/* PO_HEAP_SIZE_H */
