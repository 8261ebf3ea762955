# shellcheck shell=bash
# Loading the demo's tables and running its statements; sourced by run.  Needs
# libpq's environment variables, CALLS (rows of "CapitalCall"), TODAY (a date)
# and HERE (this folder).

# The larger of a part of CALLS and a least value.
part() {
	echo $((CALLS / $1 > $2 ? CALLS / $1 : $2))
}

# The day that is so many days from TODAY (negative: before).
day() {
	date -u -d "$TODAY $1 days" +%F
}

# Milliseconds since some moment.
clock_ms() {
	date +%s%3N
}

# Creates and fills the tables; prints one line a step with its seconds.
load_tables() {
	local file from
	for file in "$HERE"/schema.sql "$HERE"/load/*.sql; do
		from=$(clock_ms)
		psql -Xq -v ON_ERROR_STOP=1 -v calls="$CALLS" -v today="$TODAY" -f "$file" >/dev/null || return 1
		printf '  %-16s %5d ms\n' "$(basename "$file" .sql)" $(($(clock_ms) - from))
	done
}

# Prints the pgbench options for all parameters of the statements.
parameters() {
	printf -- '-D\n%s\n' \
		calls="$CALLS" investors="$(part 200 10)" users="$(part 50 40)" leads="$(part 5 100)" \
		agents="$(part 100 50)" entities="$(part 20 1)" holders="$(part 3000 1)" \
		today="$TODAY" day_ago="$(day -1)" week_ago="$(day -7)" month_ago="$(day -30)" quarter_ago="$(day -90)" \
		year_ago="$(day -365)" week_ahead="$(day 7)" month_ahead="$(day 30)" quarter_ahead="$(day 90)" \
		this_month="$(date -u -d "$TODAY" +%Y-%m-01)" \
		pending=PENDING approved=APPROVED paid=PAID failed=FAILED fund='Alpine Buyout Fund' \
		email=elena.fischer17@example.com email_part=%fischer17% \
		lead_status=NEW lead_type=LIFE lead_source=partner zip=48315 'lead_filter={"campaign": "c17"}' \
		state=TX city='TX City 7' 'specializations={AUTO}' active=ACTIVE \
		entity_type=call event_type=assigned symbol=SYM042
}

# Runs pgbench with the given options over the statements whose file names match
# the pattern, mixed by their weights, always in the same order.
run_statements() {
	local pattern=$1 file options=()
	shift
	mapfile -t options <<<"$(parameters)"
	# The pattern is to expand.
	# shellcheck disable=SC2231
	for file in "$HERE"/statements/$pattern; do
		options+=(-f "$file@$(sed -n 's/^-- weight: //p' "$file")")
	done
	pgbench -n -M prepared --random-seed=20260101 "$@" "${options[@]}"
}
