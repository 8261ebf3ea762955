/*
 * alert.c
 *	  Rules over figures, and the states that alerts go through.  Pure.
 *
 * A figure is out of bounds, well, or, between threshold and resolve threshold,
 * neither.  An alert fires when it has been out of bounds at every look for the
 * hold time, and resolves when it has been well for as long.  A look that finds no
 * data ends either: nothing fires that is not known.
 */
#include "postgres.h"

#include <math.h>

#include "monitor/alert.h"

static const char *const comparisons[] = {">", ">=", "<", "<=", "=", "<>"};
static const char *const phases[] = {"unknown", "ok", "pending", "firing", "resolved"};

/* Finds a comparison by its sign; false when it is none. */
bool
po_alert_comparison_parse(const char *text, PoComparison *comparison)
{
	for (int i = 0; i < lengthof(comparisons); i++)
	{
		if (strcmp(comparisons[i], text) != 0)
			continue;
		*comparison = (PoComparison) i;
		return true;
	}
	return false;
}

/* Tells whether a figure is out of bounds. */
bool
po_alert_breaches(const PoAlertRule *rule, double value)
{
	switch (rule->comparison)
	{
		case PO_OVER:
			return value > rule->threshold;
		case PO_AT_LEAST:
			return value >= rule->threshold;
		case PO_UNDER:
			return value < rule->threshold;
		case PO_AT_MOST:
			return value <= rule->threshold;
		case PO_EQUAL:
			return value == rule->threshold;
		case PO_UNEQUAL:
			return value != rule->threshold;
	}
	return false;
}

/* Tells whether a figure is well: within bounds, and at the resolve threshold if there is one. */
bool
po_alert_clears(const PoAlertRule *rule, double value)
{
	if (po_alert_breaches(rule, value))
		return false;
	if (!rule->has_resolve_threshold)
		return true;
	if (rule->comparison == PO_OVER || rule->comparison == PO_AT_LEAST)
		return value <= rule->resolve_threshold;
	return value >= rule->resolve_threshold;
}

/* Tells whether a figure is worse than another one. */
bool
po_alert_worse(const PoAlertRule *rule, double value, double than)
{
	switch (rule->comparison)
	{
		case PO_OVER:
		case PO_AT_LEAST:
			return value > than;
		case PO_UNDER:
		case PO_AT_MOST:
			return value < than;
		case PO_EQUAL:
			return fabs(value - rule->threshold) < fabs(than - rule->threshold);
		case PO_UNEQUAL:
			return fabs(value - rule->threshold) > fabs(than - rule->threshold);
	}
	return false;
}

/* Returns the name of a phase. */
const char *
po_alert_phase_name(PoAlertPhase phase)
{
	return phases[phase];
}

/* Returns the phase of a name; unknown for one that is none. */
PoAlertPhase
po_alert_phase_of(const char *name)
{
	for (int i = 0; i < lengthof(phases); i++)
		if (strcmp(phases[i], name) == 0)
			return (PoAlertPhase) i;
	return PO_ALERT_UNKNOWN;
}

/* Goes to a phase, unless the alert is in it. */
static void
enter(PoAlertState *state, PoAlertPhase phase, TimestampTz now)
{
	if (state->phase == phase && state->since != 0)
		return;
	state->phase = phase;
	state->since = now;
}

/* Tells whether what is so now has been so for the hold time; notes since when it is. */
static bool
has_held(const PoAlertRule *rule, PoAlertState *state, TimestampTz now)
{
	/* A clock may be set back. */
	if (state->run_since == 0 || state->run_since > now)
		state->run_since = now;
	return now - state->run_since >= rule->hold_us;
}

/* Takes a step from firing; returns whether it ends. */
static bool
step_firing(const PoAlertRule *rule, PoAlertState *state, double value, TimestampTz now)
{
	if (!po_alert_clears(rule, value))
	{
		state->run_since = 0;
		return false;
	}
	if (!has_held(rule, state, now))
		return false;
	enter(state, PO_ALERT_RESOLVED, now);
	state->run_since = 0;
	state->open = false;
	return true;
}

/* Takes a step from any other phase; returns whether there is something to announce. */
static bool
step_quiet(const PoAlertRule *rule, PoAlertState *state, double value, TimestampTz now)
{
	bool		announced = state->open;

	if (po_alert_breaches(rule, value))
	{
		if (!has_held(rule, state, now))
		{
			enter(state, PO_ALERT_PENDING, now);
			return false;
		}
		enter(state, PO_ALERT_FIRING, now);
		state->run_since = 0;
		state->open = true;
		return true;
	}
	state->run_since = 0;
	/* It fired before its data went missing. */
	if (announced)
		enter(state, PO_ALERT_RESOLVED, now);
	else if (state->phase != PO_ALERT_RESOLVED)
		enter(state, PO_ALERT_OK, now);
	state->open = false;
	return announced;
}

/*
 * Moves an alert on by what is read now; returns whether its new phase is to be
 * announced: firing, resolved, or unknown after firing.  began_anew tells that the
 * server started since the last look, so that nothing is known to have lasted.
 */
bool
po_alert_step(const PoAlertRule *rule, PoAlertState *state, const PoAlertReading *reading,
			  TimestampTz now, bool began_anew)
{
	bool		fired = state->phase == PO_ALERT_FIRING;

	if (began_anew)
		state->run_since = 0;
	if (!reading->known)
	{
		state->run_since = 0;
		enter(state, PO_ALERT_UNKNOWN, now);
		return fired;
	}
	if (fired)
		return step_firing(rule, state, reading->value, now);
	return step_quiet(rule, state, reading->value, now);
}
