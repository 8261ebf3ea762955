/*
 * node_rows.h
 *	  Plan nodes as result rows and as jsonb.
 */
#ifndef PO_NODE_ROWS_H
#define PO_NODE_ROWS_H

#include "core/json.h"
#include "core/srf.h"
#include "plan/node.h"

extern void po_node_rows_emit(PoRow *row, const PoPlanTree *tree);
extern void po_node_rows_append(PoJson *json, const char *key, const PoPlanTree *tree);
extern Jsonb *po_node_rows_json(const PoPlanTree *tree);
extern char **po_node_rows_indexes(const PoPlanTree *tree, int *n);

#endif							/* PO_NODE_ROWS_H */
