/*
 * rights.h
 *	  What a role may know.
 */
#ifndef PO_RIGHTS_H
#define PO_RIGHTS_H

extern bool po_rights_may_know(Oid relid, Oid role);

#endif							/* PO_RIGHTS_H */
