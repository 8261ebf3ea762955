/*
 * repair.h
 *	  Making normalised statement texts parse again.
 */
#ifndef PO_REPAIR_H
#define PO_REPAIR_H

extern const char *po_repair_text(const char *text);

#endif							/* PO_REPAIR_H */
