/*
 * view_query.h
 *	  A materialized view's query, and working as the view's owner.
 */
#ifndef PO_VIEW_QUERY_H
#define PO_VIEW_QUERY_H

#include "nodes/parsenodes.h"
#include "utils/relcache.h"

/* The identity and settings to go back to after working as a view's owner. */
typedef struct PoOwnerWork
{
	Oid			userid;
	int			sec_context;
	int			guc_level;
} PoOwnerWork;

extern int	po_view_query_pin(List *settings);
extern void po_view_query_unpin(int level);
extern void po_view_query_become_owner(Relation matview, PoOwnerWork *work);
extern void po_view_query_be_oneself(PoOwnerWork *work);
extern Query *po_view_query_rewrite(Relation matview);

#endif							/* PO_VIEW_QUERY_H */
