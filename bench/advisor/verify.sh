# shellcheck shell=bash
# What verify_suggestion says of suggested indexes; sourced by run.

# Prints the indexes suggested for $1 MB that the plans of the statements named in $2 use, in the order of their ranks.
list_used() {
	psql -XAtq -v mb="$1" -v names="$2" <<-'SQL'
		SELECT bench.use_set(array_agg(definition)) FROM bench.definitions WHERE budget = :mb \g /dev/null
		SELECT definition FROM bench.definitions d JOIN bench.built USING (definition) JOIN pg_class c ON c.oid = index
		WHERE budget = :mb AND EXISTS (SELECT FROM bench.workload WHERE name = ANY (string_to_array(:'names', ' ')) AND c.relname = ANY (bench.used_indexes(query)))
		ORDER BY rank;
		SELECT bench.use_set('{}') \g /dev/null
	SQL
}

# Has each of these indexes tried for the statements named in $2, the best first; one that pays stays for the next.
verify_used() {
	local definition run definitions
	definitions=$(list_used "$1" "$2")
	while read -r definition; do
		run=$(psql -XAtq -v definition="$definition" -v names="$2" <<-'SQL'
			SELECT perf_optimizer.verify_suggestion(:'definition',
			  (SELECT array_agg(query ORDER BY name) FROM bench.workload WHERE name = ANY (string_to_array(:'names', ' '))), true);
		SQL
		)
		psql -Xq -c "CALL perf_optimizer.await_run($run, '1 hour')" >/dev/null
		echo "$definition"
		psql -XAtq -v run="$run" <<-'SQL'
			SELECT CASE status WHEN 'succeeded' THEN detail::jsonb ->> 'summary' ELSE message END FROM perf_optimizer.job_runs WHERE run_id = :run;
			SELECT format('   %s: %s to %s ms, cost %s to %s%s', workload.name, round((s ->> 'ms_before')::numeric), round((s ->> 'ms_after')::numeric),
			  round((s ->> 'cost_before')::numeric), round((s ->> 'cost_after')::numeric), CASE WHEN (s ->> 'worse')::boolean THEN ', WORSE' END)
			FROM perf_optimizer.job_runs, jsonb_array_elements(CASE status WHEN 'succeeded' THEN detail::jsonb -> 'statements' END) s JOIN bench.workload ON query = s ->> 'query' WHERE run_id = :run ORDER BY workload.name;
		SQL
	done <<<"$definitions"
	psql -Xq <<-'SQL'
		SELECT format('DROP INDEX %s', indexrelid::regclass) FROM pg_index JOIN pg_class c ON c.oid = indexrelid
		WHERE relnamespace = 'public'::regnamespace AND NOT indisprimary AND indexrelid NOT IN (SELECT index FROM bench.built)
		\gexec
	SQL
}
