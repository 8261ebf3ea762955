/*
 * source.h
 *	  What a statement is planned for: given values, captured ones, types, or nothing.
 */
#ifndef PO_SOURCE_H
#define PO_SOURCE_H

#include "plan/query.h"

extern PoStatement *po_source_parse(const char *text, const PoParams *params);

#endif							/* PO_SOURCE_H */
