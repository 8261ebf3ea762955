/*
 * session.h
 *	  The session of a runner between two runs.
 */
#ifndef PO_SESSION_H
#define PO_SESSION_H

extern void po_session_watch_role(Oid dboid, Oid roleid);
extern bool po_session_is_stale(void);
extern bool po_session_reset(void);

#endif							/* PO_SESSION_H */
