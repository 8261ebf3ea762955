# shellcheck shell=bash
# What the benchmarks of calls that look at many statements share; sourced after bench/lib.sh.

ROUNDS=${ROUNDS:-7}
TABLES=250
TEXTS=20

# Runs TABLES x TEXTS statements that differ, with texts as an ORM writes them.
run_statements() {
	psql -Xq <<-SQL
		SELECT format('CREATE TABLE t%s (id int, user_id int, status text, amount numeric, created_at timestamptz, notes text)', i)
		  FROM generate_series(1, $TABLES) AS i \gexec
	SQL
	psql -Xq -o /dev/null <<-SQL
		SELECT perf_optimizer.reset_tracking(), pg_stat_statements_reset();
		SELECT format('SELECT "t%1\$s"."id", "t%1\$s"."user_id", "t%1\$s"."status", "t%1\$s"."amount", "t%1\$s"."created_at", "t%1\$s"."notes"'
		              ' FROM "public"."t%1\$s" WHERE "t%1\$s"."user_id" = %2\$s AND "t%1\$s"."status" IS NOT NULL %3\$s'
		              ' ORDER BY "t%1\$s"."created_at" DESC LIMIT 20', i, j, repeat('AND id > 0 ', j))
		  FROM generate_series(1, $TABLES) AS i, generate_series(1, $TEXTS) AS j \gexec
	SQL
}

# Prints a row named $1: the least and the median of the figures that are read.
print_row() {
	sort -n | awk -v name="$1" 'NR == 1 {least = $1} {v[NR] = $1} END {printf "| %-44s | %6.1f | %6.1f |\n", name, least, v[int((NR + 1) / 2)]}'
}

# Prints a row: the least CPU time of one call of "SELECT count(*) FROM $2" in ROUNDS rounds of ten.
row() {
	for _ in $(seq "$ROUNDS"); do
		psql -XqAt <<-SQL
			SET work_mem = '64MB';
			SELECT count(*) FROM $2 \g /dev/null
			SELECT cpu_ms() AS cpu \gset
			DO \$\$ BEGIN FOR i IN 1..10 LOOP PERFORM count(*) FROM $2; END LOOP; END \$\$;
			SELECT (cpu_ms() - :cpu) / 10.0;
		SQL
	done | print_row "$1"
}
