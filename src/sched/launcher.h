/*
 * launcher.h
 *	  The process that starts a scheduler where one is needed.
 */
#ifndef PO_LAUNCHER_H
#define PO_LAUNCHER_H

extern void po_launcher_register(void);

#endif							/* PO_LAUNCHER_H */
