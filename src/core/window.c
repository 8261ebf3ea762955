/*
 * window.c
 *	  Weekly windows of time.  Pure.
 *
 * A window is one or more stretches, separated by commas: "22:00-06:00", or with
 * a day or a range of days before it, "mon-fri 22:00-06:00".  A stretch that ends
 * at or before its begin ends on the next day; 24:00 is the end of a day.
 */
#include "postgres.h"

#include "core/window.h"

static const char day_names[7][4] = {"sun", "mon", "tue", "wed", "thu", "fri", "sat"};

/* Moves past white space. */
static void
skip_space(const char **at)
{
	while (**at == ' ' || **at == '\t' || **at == '\n')
		(*at)++;
}

/* Reads a day's name of three letters; false, and nothing read, when there is none. */
static bool
read_day(const char **at, int *day)
{
	for (int i = 0; i < 7; i++)
	{
		if (pg_strncasecmp(*at, day_names[i], 3) != 0)
			continue;
		*day = i;
		*at += 3;
		return true;
	}
	return false;
}

/* Reads "HH:MM" as minutes since midnight; false when it is none. */
static bool
read_time(const char **at, int *minute)
{
	int			parts[2];

	for (int i = 0; i < 2; i++)
	{
		const char *c = *at;

		if (c[0] < '0' || c[0] > '9' || c[1] < '0' || c[1] > '9')
			return false;
		parts[i] = (c[0] - '0') * 10 + (c[1] - '0');
		*at += 2;
		if (i == 0 && *(*at)++ != ':')
			return false;
	}
	*minute = parts[0] * 60 + parts[1];
	return parts[1] < 60 && *minute <= PO_MINUTES_PER_DAY;
}

/* Reads the days of a stretch, all of them where none are named; returns a problem or NULL. */
static const char *
read_days(const char **at, int *first, int *last)
{
	*first = 0;
	*last = 6;
	if (!read_day(at, first))
		return NULL;
	*last = *first;
	if (**at == '-')
	{
		(*at)++;
		if (!read_day(at, last))
			return "a range of days ends with no day";
	}
	if (**at != ' ' && **at != '\t')
		return "a space is needed between days and times";
	return NULL;
}

/* Adds the minutes from begin to end on one day. */
static void
add_stretch(PoWindow *window, int day, int begin, int end)
{
	if (end <= begin)
		end += PO_MINUTES_PER_DAY;
	for (int i = begin; i < end; i++)
	{
		int			minute = (day * PO_MINUTES_PER_DAY + i) % PO_MINUTES_PER_WEEK;

		window->minutes[minute / 8] |= 1 << (minute % 8);
	}
}

/* Reads one stretch and adds it; returns a problem or NULL. */
static const char *
read_stretch(const char **at, PoWindow *window)
{
	int			first;
	int			last;
	int			begin;
	int			end;
	const char *problem;

	skip_space(at);
	problem = read_days(at, &first, &last);
	if (problem)
		return problem;
	skip_space(at);
	if (!read_time(at, &begin) || *(*at)++ != '-' || !read_time(at, &end))
		return "two times are needed, as in 22:00-06:00";
	skip_space(at);
	for (int day = first;; day = (day + 1) % 7)
	{
		add_stretch(window, day, begin, end);
		if (day == last)
			return NULL;
	}
}

/*
 * Reads a window.  Returns NULL, or a constant that says in a phrase why the text
 * is none; then the window is not to be used.
 */
const char *
po_window_parse(const char *text, PoWindow *window)
{
	const char *at = text;
	const char *problem;

	memset(window, 0, sizeof(PoWindow));
	for (;;)
	{
		problem = read_stretch(&at, window);
		if (problem || *at == '\0')
			return problem;
		if (*at++ != ',')
			return "stretches are separated by commas";
	}
}

/* Tells whether a minute of the week, from 0 at Sunday 00:00, lies in the window. */
bool
po_window_contains(const PoWindow *window, int minute_of_week)
{
	return (window->minutes[minute_of_week / 8] & (1 << (minute_of_week % 8))) != 0;
}
