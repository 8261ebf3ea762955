/*
 * writeback.h
 *	  Handing the pages that an archive grows by to the disk a few at a time.
 */
#ifndef PO_WRITEBACK_H
#define PO_WRITEBACK_H

typedef struct PoWriteback PoWriteback;

extern PoWriteback *po_writeback_begin(Oid table);
extern void po_writeback_grown(PoWriteback *writeback);

#endif							/* PO_WRITEBACK_H */
