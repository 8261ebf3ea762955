/*
 * test_window.c
 *	  Weekly windows of time.
 *
 * link: src/core/window.c
 */
#include "postgres.h"

#include "core/window.h"
#include "tap.h"

#undef snprintf
#undef printf

/* The minutes of the week that a text covers, -1 when it is no window. */
static int
covered(const char *text)
{
	PoWindow	window;
	int			n = 0;

	if (po_window_parse(text, &window) != NULL)
		return -1;
	for (int i = 0; i < PO_MINUTES_PER_WEEK; i++)
		n += po_window_contains(&window, i);
	return n;
}

/* Whether a window holds a minute of a day (0 is Sunday). */
static int
holds(const char *text, int day, int hour, int minute)
{
	PoWindow	window;

	return po_window_parse(text, &window) == NULL &&
		po_window_contains(&window, day * PO_MINUTES_PER_DAY + hour * 60 + minute);
}

int
main(void)
{
	static const char *const wrong[] = {
		"", " ", "22:00", "22:00-", "22:00-25:00", "22:60-23:00", "9:00-10:00", "mon", "mon-", "mon-xyz 09:00-10:00",
		"mon22:00-23:00", "22:00-23:00;", "22:00-23:00,", ",", "22:00-23:00 mon", "24:01-01:00",
	};

	is_int(covered("09:00-10:30"), 7 * 90, "every day");
	is_int(covered("mon-fri 22:00-06:00"), 5 * 480, "nights of working days");
	is_int(covered("00:00-24:00"), PO_MINUTES_PER_WEEK, "always");
	is_int(covered("00:00-00:00"), PO_MINUTES_PER_WEEK, "an end that is the begin is that of the next day");
	is_int(covered("sat 10:00-12:00, SUN 10:00-11:00"), 180, "two stretches");
	is_int(covered("mon 10:00-12:00,mon 11:00-13:00"), 180, "that overlap");
	is_int(covered("fri-mon 10:00-11:00"), 4 * 60, "a range of days over the week's end");
	ok(holds("mon-fri 22:00-06:00", 1, 22, 0), "the begin belongs to it");
	ok(!holds("mon-fri 22:00-06:00", 2, 6, 0), "the end does not");
	ok(holds("mon-fri 22:00-06:00", 2, 5, 59), "the morning after does");
	ok(holds("mon-fri 22:00-06:00", 6, 3, 0), "Friday's night is Saturday's morning");
	ok(!holds("mon-fri 22:00-06:00", 1, 3, 0), "Sunday's night is not in it");
	ok(holds("sat 23:00-01:00", 0, 0, 30), "over the week's end");
	for (int i = 0; i < (int) lengthof(wrong); i++)
		if (!ok(covered(wrong[i]) == -1, "no window"))
			printf("# \"%s\"\n", wrong[i]);
	return done();
}
