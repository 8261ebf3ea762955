/*
 * repair.h
 *	  Making normalised statement texts parse again.
 */
#ifndef PO_REPAIR_H
#define PO_REPAIR_H

extern bool po_repair_has_parameter(const char *text);
extern bool po_repair_begins_utility(const char *text);
extern const char *po_repair_text(const char *text, bool any_name);

#endif							/* PO_REPAIR_H */
