# shellcheck shell=bash
# What other advisors propose for the same workload, one CREATE INDEX a line; sourced by run.  Nothing of them is part of this
# project: each is used as it is found on the machine, and one that is not there is said to be so.

# Names of the peers, in the order of the report.
PEERS=${ADVISOR_PEERS-columns index_advisor pg_qualstats dexter}

# Creates an extension and what it needs, if the server has it.
has_extension() {
	[ -n "$(psql -XAtc "SELECT 1 FROM pg_available_extensions WHERE name = '$1'")" ] &&
		psql -Xq -c "SET client_min_messages = warning" -c "CREATE EXTENSION IF NOT EXISTS $1 CASCADE" >/dev/null 2>&1
}

# A plain baseline of our own: one column at a time, always the one that saves most, priced by HypoPG.
propose_columns() {
	has_extension hypopg || return 1
	psql -XAtq -v ON_ERROR_STOP=1 -f bench/advisor/columns.sql
}

# The statements one by one.
propose_index_advisor() {
	has_extension index_advisor || return 1
	psql -XAtqc 'SELECT DISTINCT s FROM bench.workload, index_advisor(query), unnest(index_statements) s ORDER BY 1'
}

# What it noted of the conditions of the statements, planned twice; it wants to be preloaded.
propose_pg_qualstats() {
	case $(psql -XAtc 'SHOW shared_preload_libraries') in *pg_qualstats*) ;; *) return 1 ;; esac
	has_extension pg_qualstats || return 1
	psql -Xq -o /dev/null -f bench/advisor/qualstats.sql
	psql -XAtqc "SELECT DISTINCT trim('\"' FROM v::text) FROM json_array_elements(pg_qualstats_index_advisor(min_filter => 0, min_selectivity => 0) -> 'indexes') v
		WHERE v::text LIKE '% ON public.%' ORDER BY 1"
}

# The statements one by one, all in one call.
propose_dexter() {
	local arguments=() name
	have dexter && has_extension hypopg || return 1
	for name in $(psql -XAtc 'SELECT name FROM bench.workload ORDER BY name'); do
		arguments+=(-s "$(psql -XAtc "SELECT query FROM bench.workload WHERE name = '$name'")")
	done
	dexter -h "$PGHOST" -p "$PGPORT" -U "$PGUSER" -d "$PGDATABASE" "${arguments[@]}" 2>&1 |
		sed -n 's/^Index found: \(.*\) (\(.*\))$/CREATE INDEX ON \1 (\2)/p'
}

# What each peer proposes, by its name.
declare -A PROPOSED

# Asks the peers, before an index is built: some pass over columns that have one, hidden or not.
ask_peers() {
	local peer
	for peer in $PEERS; do
		PROPOSED[$peer]=$("propose_$peer") || PROPOSED[$peer]=
	done
}

# Builds what each peer proposed, and ours within the same real size; prints the peers that are not there.
measure_peers() {
	local peer
	psql -Xq -c "SELECT bench.use_set('{}')" -o /dev/null
	for peer in $PEERS; do
		if [ -z "${PROPOSED[$peer]}" ]; then
			echo "$peer: not installed, or nothing proposed"
			continue
		fi
		psql -Xq -v ON_ERROR_STOP=1 -v peer="$peer" -v proposed="${PROPOSED[$peer]}" -f bench/advisor/peer.sql || die "$peer failed"
		run_budget "$(psql -XAtc "SELECT ceil(bytes / 1048576) FROM bench.peer WHERE name = '$peer'")"
	done
}
