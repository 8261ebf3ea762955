#!/bin/sh
# doc/regression_gate.sh WORKLOAD MIGRATION: tells whether a migration makes the statements of a workload slower.
#
# Both are files with SQL. The workload is run ROUNDS times (30), the migration is applied, the workload is run as often
# again. Prints the statements that take a fifth longer or more than before, beyond chance, and ends with 1 when there
# are any; ends with 2 when something fails. Statements that take less than MIN_MS (0.1) on average do not count.
#
# The database is the one that psql connects to by PGHOST, PGPORT, PGDATABASE and PGUSER: one for tests, with the
# extensions pg_stat_statements and perf_optimizer, as a role that may reset pg_stat_statements.
set -u
workload=${1:?the file with the workload}
migration=${2:?the file with the migration}
rounds=${ROUNDS:-30}
min_ms=${MIN_MS:-0.1}

sql() { psql -Xq -v ON_ERROR_STOP=1 "$@"; }

run_workload() {
	for _ in $(seq "$rounds"); do
		sql -o /dev/null -f "$workload" || exit 2
	done
}

# Once for the caches; then what is measured.
sql -o /dev/null -f "$workload" -c 'SELECT pg_stat_statements_reset()' || exit 2
run_workload
sql -o /dev/null -c "SELECT perf_optimizer.save_baseline('before the migration')" || exit 2
sql -o /dev/null -f "$migration" -c 'ANALYZE' -f "$workload" || exit 2
run_workload

slower="FROM perf_optimizer.compare_baseline('before the migration') WHERE verdict = 'slower' AND mean_ms >= $min_ms"
count=$(sql -At -c "SELECT count(*) $slower") || exit 2
[ "$count" -gt 0 ] || exit 0
sql -c "SELECT query, round(baseline_mean_ms::numeric, 3) AS before_ms, round(mean_ms::numeric, 3) AS after_ms, round(ratio::numeric, 1) AS ratio $slower"
exit 1
