/*
 * text.h
 *	  Texts made of texts.
 */
#ifndef PO_CORE_TEXT_H
#define PO_CORE_TEXT_H

#include "nodes/pg_list.h"

extern char *po_text_join(const List *texts, const char *separator);

#endif							/* PO_CORE_TEXT_H */
