/*
 * test_alert.c
 *	  The states of alerts, against a walk that looks back over everything at each step.
 *
 * link: src/monitor/alert.c
 */
#include "postgres.h"

#include "common/pg_prng.h"
#include "monitor/alert.h"
#include "tap.h"

#undef snprintf
#undef printf

#define STEPS 400
#define MINUTE USECS_PER_MINUTE

/* One look at the metric. */
typedef struct Look
{
	TimestampTz at;
	bool		began_anew;
	PoAlertReading reading;
	PoAlertPhase phase;			/* by the walk */
} Look;

/* Whether a look finds what the naive walk asks for. */
static bool
is_so(const PoAlertRule *rule, const Look *look, bool breached)
{
	return look->reading.known &&
		(breached ? po_alert_breaches(rule, look->reading.value) : po_alert_clears(rule, look->reading.value));
}

/* Whether the looks up to number n, back to one that is hold_us older, all find it so; none goes back past stop. */
static bool
has_been_so(const PoAlertRule *rule, const Look *looks, int n, int stop, bool breached)
{
	for (int i = n; i > stop; i--)
	{
		if (!is_so(rule, &looks[i], breached))
			return false;
		if (looks[n].at - looks[i].at >= rule->hold_us)
			return true;
		if (looks[i].began_anew)
			return false;
	}
	return false;
}

/* The look at which the phase that holds before look n began to be firing or not. */
static int
last_turn(const Look *looks, int n)
{
	int			i = n - 1;

	while (i > 0 && (looks[i].phase == PO_ALERT_FIRING) == (looks[i - 1].phase == PO_ALERT_FIRING))
		i--;
	return i;
}

/* Whether firing was announced and not resolved before look n. */
static bool
is_open(const Look *looks, int n)
{
	for (int i = n - 1; i >= 0; i--)
	{
		if (looks[i].phase == PO_ALERT_FIRING)
			return true;
		if (looks[i].phase == PO_ALERT_RESOLVED || looks[i].phase == PO_ALERT_OK)
			return false;
	}
	return false;
}

/* The phase at look n by the looks alone. */
static PoAlertPhase
walk(const PoAlertRule *rule, const Look *looks, int n)
{
	PoAlertPhase before = n == 0 ? PO_ALERT_UNKNOWN : looks[n - 1].phase;
	int			stop = n == 0 ? -1 : last_turn(looks, n);

	if (!looks[n].reading.known)
		return PO_ALERT_UNKNOWN;
	if (before == PO_ALERT_FIRING)
		return has_been_so(rule, looks, n, stop, false) ? PO_ALERT_RESOLVED : PO_ALERT_FIRING;
	/* What fired and lost its data, or resolved, begins to count afterwards. */
	if (n > 0 && looks[stop].phase != PO_ALERT_FIRING && stop == 0)
		stop = -1;
	else if (n > 0 && looks[stop].phase != PO_ALERT_FIRING && !is_so(rule, &looks[stop], true))
		stop = stop - 1;
	if (has_been_so(rule, looks, n, stop, true))
		return PO_ALERT_FIRING;
	if (is_so(rule, &looks[n], true))
		return PO_ALERT_PENDING;
	if (is_open(looks, n) || before == PO_ALERT_RESOLVED)
		return PO_ALERT_RESOLVED;
	return PO_ALERT_OK;
}

/* Makes a look at random: figures wander, data goes missing at times, servers start. */
static void
make_look(pg_prng_state *random, Look *looks, int n)
{
	Look	   *look = &looks[n];

	look->at = (n == 0 ? 1000 * MINUTE : looks[n - 1].at) + (int64) pg_prng_uint64_range(random, 1, 3) * MINUTE;
	look->began_anew = pg_prng_uint64_range(random, 0, 39) == 0;
	look->reading.known = pg_prng_uint64_range(random, 0, 24) != 0;
	look->reading.value = n == 0 ? 5 : looks[n - 1].reading.value + (double) pg_prng_uint64_range(random, 0, 4) - 2;
	if (look->reading.value < 0 || look->reading.value > 10)
		look->reading.value = 5;
}

/* Runs both over one series; returns the number of looks at which they differ, and counts firings. */
static int
compare(pg_prng_state *random, const PoAlertRule *rule, int *firings)
{
	static Look looks[STEPS];
	PoAlertState state = {0};
	int			different = 0;

	for (int n = 0; n < STEPS; n++)
	{
		bool		fired = n > 0 && looks[n - 1].phase == PO_ALERT_FIRING;
		bool		open = n > 0 && is_open(looks, n);
		bool		announced;

		make_look(random, looks, n);
		looks[n].phase = walk(rule, looks, n);
		announced = po_alert_step(rule, &state, &looks[n].reading, looks[n].at, looks[n].began_anew);
		different += state.phase != looks[n].phase;
		different += announced != ((looks[n].phase == PO_ALERT_FIRING) != fired ||
								   (open && looks[n].phase == PO_ALERT_RESOLVED));
		*firings += looks[n].phase == PO_ALERT_FIRING && !fired;
	}
	return different;
}

/* Compares the two over many rules and series. */
static void
test_walk(void)
{
	pg_prng_state random;
	int			different = 0;
	int			firings = 0;

	pg_prng_seed(&random, 42);
	for (int i = 0; i < 300; i++)
	{
		PoAlertRule rule = {.comparison = (PoComparison) (i % 6),.threshold = 6,.hold_us = (i / 6 % 4) * 3 * MINUTE};

		if (i % 6 < PO_EQUAL && i % 5 < 3)
		{
			rule.has_resolve_threshold = true;
			rule.resolve_threshold = i % 6 < PO_UNDER ? 4 : 8;
		}
		different += compare(&random, &rule, &firings);
	}
	is_int(different, 0, "300 series of 400 looks: the same phases and announcements as the walk");
	ok(firings > 500, "which fire often");
}

/* Steps with a figure, at a minute. */
static bool
step(const PoAlertRule *rule, PoAlertState *state, double value, int minute)
{
	PoAlertReading reading = {true, value, NULL};

	return po_alert_step(rule, state, &reading, (1000 + minute) * MINUTE, false);
}

/* Follows one alert by hand. */
static void
test_by_hand(void)
{
	PoAlertRule rule = {.comparison = PO_OVER,.threshold = 10,.has_resolve_threshold = true,.resolve_threshold = 8,.hold_us = 5 * MINUTE};
	PoAlertState state = {0};
	PoAlertReading none = {0};

	ok(!step(&rule, &state, 3, 0) && state.phase == PO_ALERT_OK, "a figure within bounds is ok");
	ok(!step(&rule, &state, 11, 1) && state.phase == PO_ALERT_PENDING, "one out of bounds is pending");
	ok(!step(&rule, &state, 10, 3) && state.phase == PO_ALERT_OK, "until it is back");
	ok(!step(&rule, &state, 11, 4) && !step(&rule, &state, 12, 8) && state.phase == PO_ALERT_PENDING && state.since == 1004 * MINUTE, "it must last");
	ok(step(&rule, &state, 12, 9) && state.phase == PO_ALERT_FIRING && state.since == 1009 * MINUTE, "for the hold time");
	ok(!step(&rule, &state, 9, 11) && !step(&rule, &state, 9, 30) && state.phase == PO_ALERT_FIRING, "between the thresholds it goes on firing");
	ok(!step(&rule, &state, 7, 31) && !step(&rule, &state, 9, 34) && !step(&rule, &state, 7, 37) && state.phase == PO_ALERT_FIRING, "being well must last, too");
	ok(step(&rule, &state, 8, 42) && state.phase == PO_ALERT_RESOLVED, "and resolves it then");
	ok(!step(&rule, &state, 8, 43) && state.phase == PO_ALERT_RESOLVED && state.since == 1042 * MINUTE, "once");
	step(&rule, &state, 11, 50);
	step(&rule, &state, 11, 55);
	ok(po_alert_step(&rule, &state, &none, 1056 * MINUTE, false) && state.phase == PO_ALERT_UNKNOWN, "without data nothing fires, which is announced");
	ok(!po_alert_step(&rule, &state, &none, 1057 * MINUTE, false), "once");
	ok(step(&rule, &state, 3, 58) && state.phase == PO_ALERT_RESOLVED, "the end of what fired before is announced, too");
	step(&rule, &state, 11, 60);
	step(&rule, &state, 11, 59);
	ok(!step(&rule, &state, 11, 62) && state.phase == PO_ALERT_PENDING, "a clock that is set back starts the hold time anew");
}

/* Signs and phases by their names. */
static void
test_names(void)
{
	PoComparison comparison;

	ok(po_alert_comparison_parse(">=", &comparison) && comparison == PO_AT_LEAST, "a sign");
	ok(po_alert_comparison_parse("<>", &comparison) && comparison == PO_UNEQUAL, "another one");
	ok(!po_alert_comparison_parse("=>", &comparison) && !po_alert_comparison_parse("", &comparison), "no sign");
	is_str(po_alert_phase_name(PO_ALERT_RESOLVED), "resolved", "a phase's name");
	is_int(po_alert_phase_of("pending"), PO_ALERT_PENDING, "and back");
	is_int(po_alert_phase_of("on fire"), PO_ALERT_UNKNOWN, "what is none is unknown");
}

int
main(void)
{
	test_names();
	test_by_hand();
	test_walk();
	return done();
}
