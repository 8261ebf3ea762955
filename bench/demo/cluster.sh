# shellcheck shell=bash
# The demo's throw-away server: own folder, own socket, no TCP port; sourced by run.

bin=

# Stops the server and removes its folder, whatever happened before.
remove_cluster() {
	local status=$?
	trap - EXIT INT TERM HUP
	if [ -n "${WORK:-}" ]; then
		[ ! -f "$WORK/data/postmaster.pid" ] ||
			as_server "$bin/pg_ctl" -D "$WORK/data" -m immediate -w stop >/dev/null 2>&1
		[ "$status" = 0 ] || [ "$status" -gt 128 ] || [ ! -s "$WORK/server.log" ] ||
			{ echo "the last lines of the server's log:"; tail -n 15 "$WORK/server.log"; } >&2
		rm -rf "$WORK"
	fi
	exit "$status"
}

# Prints the settings of the server; what is not here is as PostgreSQL ships it.
settings() {
	cat <<-CONF
		listen_addresses = ''
		unix_socket_directories = '$WORK'
		port = $PGPORT
		shared_preload_libraries = 'pg_stat_statements, perf_optimizer'
		shared_buffers = 256MB
		max_wal_size = 4GB
		random_page_cost = 1.1
		max_worker_processes = 24
		timezone = 'UTC'
		log_line_prefix = '%m [%p] '
	CONF
}

# Makes and starts the server, with a database and a role of the application.
start_cluster() {
	as_server "$bin/initdb" -D "$WORK/data" -U postgres -A trust -E UTF8 --locale="$(utf8_locale)" >"$WORK/initdb.log" 2>&1 ||
		{ cat "$WORK/initdb.log" >&2; die "initdb failed"; }
	settings | as_server tee -a "$WORK/data/postgresql.conf" >/dev/null
	as_server "$bin/pg_ctl" -D "$WORK/data" -l "$WORK/server.log" -w -s start || die "the server does not start"
	psql -Xq -d postgres -U postgres -c 'CREATE ROLE app LOGIN' -c 'CREATE DATABASE platform OWNER app'
	psql -Xq -U postgres -c 'CREATE EXTENSION pg_stat_statements' -c 'CREATE EXTENSION perf_optimizer'
}
