# shellcheck shell=bash
# What the benchmarks share: a private server and the measuring functions; sourced with the project's top folder as the
# current one.

. test/lib/common.sh
. bench/demo/cluster.sh

# Builds, starts a private server, and leaves psql pointed at its database "platform" as superuser.
begin_bench() {
	trap remove_cluster EXIT
	trap 'exit 130' INT
	trap 'exit 143' TERM HUP
	make_work
	writable_server
	build_extension
	bin=$("$PG_CONFIG" --bindir)
	export PATH=$bin:$PATH PGHOST=$WORK PGPORT=54399 PGUSER=postgres PGDATABASE=platform
	unset PGSERVICE PGOPTIONS PGDATA
	start_cluster
}

# Starts the server anew with more settings, one an argument.
restart_with() {
	printf '%s\n' "$@" | as_server tee -a "$WORK/data/postgresql.conf" >/dev/null
	as_server "$bin/pg_ctl" -D "$WORK/data" -l "$WORK/server.log" -w -m fast -s restart || die "the server does not start"
}

# SQL that defines cpu_ms(), the CPU time of this backend, and the table that measurements go to.
measuring() {
	cat <<-'SQL'
		SET client_min_messages = warning;
		CREATE FUNCTION cpu_ms() RETURNS bigint LANGUAGE sql AS $$
		  SELECT (split_part(pg_read_file('/proc/self/schedstat'), ' ', 1)::numeric / 1000000)::bigint $$;
		CREATE UNLOGGED TABLE measured (method text, step bigint, cpu_ms bigint, wal_bytes numeric, ms numeric);
	SQL
}

# Prints a psql script that runs $3 and records its CPU, WAL and time as method $1 at step $2.
measure() {
	cat <<-SQL
		CHECKPOINT;
		SELECT cpu_ms() AS cpu, pg_current_wal_insert_lsn() AS lsn, clock_timestamp() AS start \gset
		$3;
		INSERT INTO measured SELECT '$1', $2, cpu_ms() - :cpu, pg_wal_lsn_diff(pg_current_wal_insert_lsn(), :'lsn'),
		  round(extract(epoch FROM clock_timestamp() - :'start') * 1000);
	SQL
}
