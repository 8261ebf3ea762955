/*
 * wake.h
 *	  Waking the scheduler when a change of jobs or runs commits.
 */
#ifndef PO_WAKE_H
#define PO_WAKE_H

extern void po_wake_init(void);
extern void po_wake_at_end(void);
extern void po_wake_be_quiet(bool on);

#endif							/* PO_WAKE_H */
