/*
 * hypo_parse.h
 *	  From the text of a CREATE INDEX statement to a hypothetical index.
 */
#ifndef PO_HYPO_PARSE_H
#define PO_HYPO_PARSE_H

#include "plan/hypo.h"

extern PoHypoIndex *po_hypo_parse_statement(const char *definition);

#endif							/* PO_HYPO_PARSE_H */
