/*
 * pasted_internal.h
 *	  What the readers of a pasted plan share.
 */
#ifndef PO_PASTED_INTERNAL_H
#define PO_PASTED_INTERNAL_H

#include "plan/node.h"
#include "utils/jsonb.h"

extern JsonbValue *po_pasted_node_field(JsonbContainer *object, const char *name);
extern char *po_pasted_node_string(JsonbContainer *object, const char *name);
extern double po_pasted_node_number(JsonbContainer *object, const char *name, double fallback);
extern int64 po_pasted_node_integer(JsonbContainer *object, const char *name, int64 most);
extern JsonbContainer *po_pasted_node_container(JsonbContainer *object, const char *name, bool array);
extern JsonbContainer *po_pasted_node_element(JsonbContainer *array, int i);
extern void po_pasted_node_fill(PoNode *node, JsonbContainer *object, double processes);

#endif							/* PO_PASTED_INTERNAL_H */
