/*
 * kinds.h
 *	  The kinds of scheduled work that there are.
 */
#ifndef PO_KINDS_H
#define PO_KINDS_H

#include "sched/kind.h"

extern const PoJobKind po_alert_kind;
extern const PoJobKind po_apply_kind;
extern const PoJobKind po_archive_kind;
extern const PoJobKind po_command_kind;
extern const PoJobKind po_maintenance_kind;
extern const PoJobKind po_refresh_kind;
extern const PoJobKind po_snapshot_kind;
extern const PoJobKind po_tuning_kind;
extern const PoJobKind po_verify_kind;

extern void po_kinds_register(void);

#endif							/* PO_KINDS_H */
