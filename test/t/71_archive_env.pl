# Archival and its surroundings: a replica that falls behind, a snapshot that is held, progress, tablespaces, dump and restore.
use strict;
use warnings;
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "log_min_messages = warning\nshared_preload_libraries = 'perf_optimizer'\nmax_worker_processes = 20");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION perf_optimizer;
CREATE TABLE "Event" (id int PRIMARY KEY, at timestamptz NOT NULL, content text);
CREATE INDEX ON "Event" (at);
INSERT INTO "Event" SELECT i, now() - interval '1 year' - i * interval '1 minute', md5(i::text) FROM generate_series(1, 5000) i;
SELECT perf_optimizer.create_archive_policy('"Event"', 'at', '30 days', batch_rows => 100, max_rows_per_second => 500,
  max_replica_lag => '200 ms', max_runtime => '6 seconds', predicate => 'content <> ''x''', schedule => '@daily');
SQL

# A replica that applies nothing holds the run back; without one it goes through.
$node->backup('copy');
my $replica = PostgreSQL::Test::Cluster->new('replica');
$replica->init_from_backup($node, 'copy', has_streaming => 1);
$replica->append_conf('postgresql.conf', "recovery_min_apply_delay = '1h'\nwal_receiver_status_interval = 1");
$replica->start;
$node->poll_query_until('postgres', 'SELECT count(*) = 1 FROM pg_stat_replication') or die 'no replica';
$node->safe_psql('postgres', "CALL perf_optimizer.run_archive('Event')");
is($node->safe_psql('postgres', 'SELECT status, why_stopped, rows_archived < 5000 FROM perf_optimizer.archive_runs'),
	'succeeded|replica_lag|t', 'a run waits for a replica that is behind, and stops with that reason');
$replica->stop('immediate');
$node->poll_query_until('postgres', 'SELECT count(*) = 0 FROM pg_stat_replication') or die 'the replica stays';

# A reader that holds a snapshot keeps dead rows, which the watermark passes by. It ends when the sequence is used.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE held (id int PRIMARY KEY, at timestamptz NOT NULL, content text);
CREATE INDEX ON held (at);
INSERT INTO held SELECT i, now() - interval '1 year' - i * interval '1 minute', md5(i::text) FROM generate_series(1, 60000) i;
VACUUM ANALYZE held;
SELECT perf_optimizer.create_archive_policy('held', 'at', '30 days', batch_rows => 500);
CREATE SEQUENCE reader_may_end;
SQL
my $seen = $node->basedir . '/seen';
my $reader = fork();
die "fork: $!" unless defined $reader;
if ($reader == 0)
{
	open(STDOUT, '>', $seen);
	exec('psql', '-XqAt', '-d', $node->connstr('postgres'), '-c', 'BEGIN ISOLATION LEVEL REPEATABLE READ',
		'-c', 'SELECT count(*) FROM held', '-c', <<'SQL', '-c', 'SELECT count(*) FROM held') or POSIX::_exit(127);
DO $$ BEGIN FOR i IN 1 .. 1800 LOOP EXIT WHEN (SELECT is_called FROM reader_may_end); PERFORM pg_sleep(0.1); END LOOP; END $$
SQL
}
$node->poll_query_until('postgres', "SELECT count(*) = 1 FROM pg_stat_activity WHERE query LIKE 'DO %' AND backend_xmin IS NOT NULL")
	or die 'no reader';
$node->safe_psql('postgres', "CALL perf_optimizer.run_archive('held')");
is($node->safe_psql('postgres', 'SELECT count(*) FROM held'), '0', 'a held snapshot does not keep a run from its end');
$node->safe_psql('postgres', "SELECT nextval('reader_may_end')");
waitpid($reader, 0);

# A run as a job says how far it is, and when it will be done; its archive may lie in another tablespace.
$node->safe_psql('postgres', <<'SQL');
SET allow_in_place_tablespaces = on;
CREATE TABLESPACE attic LOCATION '';
SQL
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE slow (id int PRIMARY KEY, at timestamptz NOT NULL);
CREATE TABLE slow_archive (LIKE slow) TABLESPACE attic;
INSERT INTO slow SELECT i, now() - interval '1 year' - i * interval '1 minute' FROM generate_series(1, 20000) i;
VACUUM ANALYZE slow;
SELECT perf_optimizer.create_archive_policy('slow', 'at', '30 days', destination => 'slow_archive', batch_rows => 100, max_rows_per_second => 400);
SELECT perf_optimizer.run_job(perf_optimizer.schedule_archive('slow', '@yearly'));
SQL
ok($node->poll_query_until('postgres', q(SELECT count(*) = 1 FROM perf_optimizer.job_progress
	WHERE phase = 'working through batches' AND done > 500 AND total BETWEEN 15000 AND 25000 AND progress_pct BETWEEN 1 AND 99
	AND eta BETWEEN now() + interval '5 s' AND now() + interval '10 min')), 'job_progress says how far a run is');
$node->safe_psql('postgres', q(SELECT perf_optimizer.alter_archive_policy('slow', reset => ARRAY['max_rows_per_second']);
	SELECT perf_optimizer.cancel_run(run_id) FROM perf_optimizer.job_runs WHERE status = 'running'));
$node->poll_query_until('postgres', q(SELECT count(*) = 0 FROM perf_optimizer.job_runs WHERE status = 'running')) or die 'it goes on';
is($node->safe_psql('postgres', q(SELECT status, why_stopped, rows_archived = (SELECT count(*) FROM slow_archive) FROM perf_optimizer.archive_runs WHERE policy = 'slow')),
	'failed|cancelled|t', 'a cancelled run has recorded what it moved');
$node->safe_psql('postgres', q(CALL perf_optimizer.run_archive('slow')));
is($node->safe_psql('postgres', 'SELECT (SELECT count(*) FROM slow), (SELECT count(*) FROM slow_archive)'), '0|20000', 'the next takes the rest');
$node->safe_psql('postgres', $_) for q(SELECT perf_optimizer.drop_archive_policy('slow')), 'DROP TABLE slow, slow_archive', 'DROP TABLESPACE attic';
is(slurp_file($seen), "60000\n60000\n", 'whose reader sees all rows where they were');

# Policies and their runs go through a dump.
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('postgres') ], 'pg_dump');
$node->safe_psql('postgres', 'CREATE DATABASE restored');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, '-d', $node->connstr('restored') ], 'restore');
for my $query ('SELECT * FROM perf_optimizer.archive_policies ORDER BY policy', 'SELECT * FROM perf_optimizer.archive_runs ORDER BY run_id')
{
	is($node->safe_psql('restored', $query), $node->safe_psql('postgres', $query), "restored: $query");
}
$node->safe_psql('restored', q{SELECT perf_optimizer.create_archive_policy('"Event"', 'at', '1 day', 'delete', name => 'more')});
$node->safe_psql('restored', q{CALL perf_optimizer.run_archive('more')});
is($node->safe_psql('restored', 'SELECT count(*) FROM "Event"'), '0', 'a policy made after the restore runs');

$node->stop;
done_testing();
