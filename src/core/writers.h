/*
 * writers.h
 *	  Which relations the transactions of all backends change, as counters.
 */
#ifndef PO_WRITERS_H
#define PO_WRITERS_H

extern void po_writers_init(void);
extern bool po_writers_counting(void);
extern void po_writers_note(Oid relid);
extern void po_writers_note_database(void);
extern void po_writers_note_cluster(void);
extern void po_writers_begin_prepared(void);
extern uint16 po_writers_slot(Oid relid);
extern uint16 po_writers_database_slot(void);
extern uint16 po_writers_cluster_slot(void);
extern bool po_writers_sum(const uint16 *slots, int n, uint64 *sum);
extern bool po_writers_wrote(const uint16 *slots, int n);

#endif							/* PO_WRITERS_H */
