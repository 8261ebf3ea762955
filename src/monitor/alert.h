/*
 * alert.h
 *	  Rules over figures, and the states that alerts go through.
 */
#ifndef PO_MONITOR_ALERT_H
#define PO_MONITOR_ALERT_H

#include "datatype/timestamp.h"

typedef enum PoComparison
{
	PO_OVER,
	PO_AT_LEAST,
	PO_UNDER,
	PO_AT_MOST,
	PO_EQUAL,
	PO_UNEQUAL
} PoComparison;

/* What makes an alert fire, and what ends that. */
typedef struct PoAlertRule
{
	PoComparison comparison;
	double		threshold;
	bool		has_resolve_threshold;
	double		resolve_threshold;	/* a firing one resolves there only */
	int64		hold_us;		/* for how long, of both */
} PoAlertRule;

typedef enum PoAlertPhase
{
	PO_ALERT_UNKNOWN,			/* not checked yet, or there is no data */
	PO_ALERT_OK,
	PO_ALERT_PENDING,			/* out of bounds, not for long enough yet */
	PO_ALERT_FIRING,
	PO_ALERT_RESOLVED			/* well again after it fired */
} PoAlertPhase;

/* Where an alert stands. */
typedef struct PoAlertState
{
	PoAlertPhase phase;
	TimestampTz since;			/* of the phase; 0: never checked */
	TimestampTz run_since;		/* since when it has been out of bounds or,
								 * while it fires, well; 0: it has not */
	bool		open;			/* firing was announced and its end was not */
} PoAlertState;

/* What a metric says now. */
typedef struct PoAlertReading
{
	bool		known;
	double		value;
	const char *labels;			/* of the worst series, or NULL */
} PoAlertReading;

extern bool po_alert_comparison_parse(const char *text, PoComparison *comparison);
extern bool po_alert_breaches(const PoAlertRule *rule, double value);
extern bool po_alert_clears(const PoAlertRule *rule, double value);
extern bool po_alert_worse(const PoAlertRule *rule, double value, double than);
extern const char *po_alert_phase_name(PoAlertPhase phase);
extern PoAlertPhase po_alert_phase_of(const char *name);
extern bool po_alert_step(const PoAlertRule *rule, PoAlertState *state, const PoAlertReading *reading,
						  TimestampTz now, bool began_anew);

#endif							/* PO_MONITOR_ALERT_H */
