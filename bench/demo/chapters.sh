# shellcheck shell=bash
# The chapters of the demo's story, in order; sourced by run.

# Prints a chapter's heading.
heading() {
	printf '\n\033[1m%s\033[0m\n\n' "$*"
}

# Prints a paragraph.
tell() {
	printf '%s\n' "$*" | fmt -w 110
}

# Runs one file of the story, with more psql options if given, and prints what it says; an error ends the demo.
tell_sql() {
	local file=$1
	shift
	psql -Xq -v ON_ERROR_STOP=1 -v today="$TODAY" -P pager=off -P footer=off -P null=- "$@" \
		-f "$HERE/story/00_format.sql" -f "$HERE/story/$file.sql" 2>&1 | sed -u 's/^psql:[^ ]*: //'
	[ "${PIPESTATUS[0]}" = 0 ] || die "the story stopped in $file"
}

# Runs the whole workload once with progress, on fresh counters.
run_workload() {
	local from
	psql -Xq -U postgres -c 'SELECT pg_stat_statements_reset()' >/dev/null
	from=$(clock_ms)
	run_statements '*.sql' -t "$TRANSACTIONS" -P 5 2>&1 >/dev/null |
		sed -n 's/^progress: \([0-9.]*\) s, \([0-9.]*\) tps.*/  \1 s, \2 transactions a second/p'
	[ "${PIPESTATUS[0]}" = 0 ] || die "the workload failed"
	printf '  %d transactions in %d ms\n' "$TRANSACTIONS" $(($(clock_ms) - from))
}

# The tables are made and filled.
chapter_load() {
	heading "A platform starts"
	tell "Three applications share a database: capital calls, insurance leads, a finance agent. Their tables have" \
		"primary keys and foreign keys, nothing else. Loading $CALLS capital calls and what belongs to them:"
	load_tables || die "the load failed"
	tell_sql 05_loaded -t
}

# The workload runs for the first time.
chapter_workload() {
	heading "Users arrive"
	tell "$(find "$HERE/statements" -name '*.sql' | wc -l) scripts of the applications, mixed by weight:" \
		"$TRANSACTIONS transactions with pgbench, always the same ones in the same order."
	run_workload
}

# The statements that cost the most.
chapter_slow() {
	heading "What is slow?   SELECT * FROM perf_optimizer.slow_queries(max_rows => 12)"
	tell_sql 10_slow_queries
	tell_sql 11_keep_counters -v name=before
}

# One slow statement is looked into.
chapter_plan() {
	heading "Why?   SELECT * FROM perf_optimizer.analyze_query(query, params, execute => true)"
	tell "The first of them, executed once and rolled back:"
	echo
	tell_sql 20_slowest
}

# The indexes that the workload wants.
chapter_indexes() {
	heading "Which indexes?   SELECT * FROM perf_optimizer.suggest_indexes()"
	tell "The workload is what pg_stat_statements saw. Each statement is planned with indexes that do not exist, and those" \
		"that are worth their place are kept; improved_pct is that of the whole workload's cost, with all better ranks."
	echo
	tell_sql 30_suggest
	tell "They are created:"
	echo
	tell_sql 40_create
}

# The same workload, with the indexes.
chapter_again() {
	heading "The same users, once more"
	tell "The same $TRANSACTIONS transactions in the same order."
	run_workload
	tell_sql 11_keep_counters -v name=after
	echo
	tell_sql 50_before_after
	tell "What stayed slow reads a whole table, or would need an extension that is not created here (pg_trgm for ILIKE)." \
		"Inserts pay a little for the indexes."
}

# The summary views cannot be refreshed concurrently, and then they can.
chapter_views() {
	heading "The summary views"
	tell "Two materialized views were written by a team that gave them indexes, but no unique one."
	echo
	tell_sql 60_views
}

# Workers refresh the views while writers write.
chapter_schedule() {
	heading "Refreshed by workers, while writers write"
	tell_sql 61_schedule
	tell "For $SECONDS_OF_WRITES seconds, two clients now insert and update calls, payments, leads, events, prices:"
	run_statements '5*.sql' -T "$SECONDS_OF_WRITES" -c 2 --rate=200 2>&1 |
		sed -n -e 's/^number of transactions actually processed: /  transactions: /p' \
			-e 's/^latency average = /  mean latency: /p' -e 's/^number of failed transactions: /  failed: /p'
	[ "${PIPESTATUS[0]}" = 0 ] || die "the writers failed"
	echo
	tell_sql 62_refreshed
	tell_sql 63_equal
}

# Old events leave their tables.
chapter_archive() {
	heading "Old events"
	tell "Events older than a year go to an archive, batch by batch; of the partitioned table, whole months at once."
	echo
	tell_sql 70_archive
}

# What the workers have done.
chapter_jobs() {
	heading "The jobs and their runs"
	tell_sql 80_jobs
}
