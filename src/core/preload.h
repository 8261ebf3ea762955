/*
 * preload.h
 *	  Whether the library was loaded by shared_preload_libraries.
 */
#ifndef PO_PRELOAD_H
#define PO_PRELOAD_H

extern void po_preload_init(void);
extern bool po_preload_done(void);
extern void po_preload_require(const char *what);

#endif							/* PO_PRELOAD_H */
