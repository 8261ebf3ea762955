# Commands on whole databases, and on the extension, with jobs at work in them.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('jobs_database');
$node->init;
$node->append_conf(
	'postgresql.conf', q(
shared_preload_libraries = 'perf_optimizer'
max_worker_processes = 20
timezone = 'UTC'
));
$node->start;

sub sql { my ($db, $text) = @_; return $node->safe_psql($db, $text); }
sub holds { my ($db, $query, $name) = @_; return ok($node->poll_query_until($db, $query), $name); }

# Makes a database in which a job runs every second and another runs for long.
sub busy_database
{
	my ($db) = @_;
	sql('postgres', "CREATE DATABASE $db");
	sql($db, q(CREATE EXTENSION perf_optimizer;
	SELECT perf_optimizer.schedule_command('tick', '* * * * * *', 'SELECT 1');
	SELECT perf_optimizer.schedule_command('long', '@yearly', 'SELECT pg_sleep(300)');));
	my $run = sql($db, q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'long'));
	holds($db, "SELECT status = 'running' FROM perf_optimizer.job_runs WHERE run_id = $run", "a run is under way in $db");
	return $run;
}

# Runs a command and tells how long it took, in seconds.
sub timed
{
	my ($text, $name) = @_;
	my $ms = sql('postgres', "SELECT extract(epoch FROM clock_timestamp()) AS s \\gset\n$text;\nSELECT extract(epoch FROM clock_timestamp()) - :s;");
	return cmp_ok($ms, '<', 5, $name);
}

my $run = busy_database('one');
holds('one', q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded')), 'jobs run in a second database');

# A copy of a database with jobs: made at once, and its jobs are held.
timed('CREATE DATABASE copy TEMPLATE one', 'CREATE DATABASE TEMPLATE is not held up by workers');
holds('one', qq(SELECT max(started_at) > clock_timestamp() - interval '3 s' FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded'), 'the jobs of the original go on');
is(sql('copy', q(SELECT bool_and(held) FROM perf_optimizer.jobs)), 't', 'those of the copy are held');
my $before = sql('copy', q(SELECT count(*) FROM perf_optimizer.job_runs));
my ($rc, $out, $err) = $node->psql('copy', q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'tick'));
like($err, qr/is held/, 'and cannot be run');
is(sql('copy', q(SELECT perf_optimizer.resume_all_jobs())), 2, 'until resume_all_jobs');
holds('copy', qq(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded' AND database_started.at < started_at)
	FROM (SELECT now() - interval '1 h' AS at) AS database_started), 'then they run');

# Renaming, and a rename that fails.
timed('ALTER DATABASE one RENAME TO two', 'RENAME is not held up by workers');
holds('two', q(SELECT max(started_at) > clock_timestamp() - interval '2 s' FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded'), 'jobs go on under the new name');
my $now = sql('two', 'SELECT clock_timestamp()');
($rc, $out, $err) = $node->psql('postgres', 'ALTER DATABASE two RENAME TO copy');
like($err, qr/already exists/, 'a rename that fails');
holds('two', "SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded' AND started_at > '$now')", 'lets jobs go on');

# What does not need the database for itself leaves workers alone; a database that is shut has none.
my $pids = q(SELECT string_agg(pid::text, ',' ORDER BY pid) FROM pg_stat_activity WHERE backend_type = 'perf_optimizer scheduler' AND datname = 'two');
holds('postgres', "SELECT ($pids) IS NOT NULL", 'a scheduler is there');
$before = sql('postgres', $pids);
sql('postgres', 'ALTER DATABASE two CONNECTION LIMIT 50');
is(sql('postgres', $pids), $before, 'ALTER DATABASE CONNECTION LIMIT leaves the scheduler alone');
timed('ALTER DATABASE two ALLOW_CONNECTIONS false', 'ALTER DATABASE ALLOW_CONNECTIONS false');
is(sql('postgres', q(SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'perf_optimizer%' AND datname = 'two')), 0, 'stops the workers');
sql('postgres', 'ALTER DATABASE two ALLOW_CONNECTIONS true');
$now = sql('postgres', 'SELECT clock_timestamp()');
holds('two', "SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded' AND started_at > '$now')", 'which go on when it is open again');

# Somebody without rights must not stop the workers.
sql('postgres', 'CREATE ROLE po_test_nobody LOGIN');
my $scheduler = sql('postgres', q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'perf_optimizer scheduler' AND datname = 'two'));
($rc, $out, $err) = $node->psql('postgres', 'DROP DATABASE two', extra_params => [ '-U', 'po_test_nobody' ]);
like($err, qr/must be owner/, 'DROP DATABASE by a stranger');
is(sql('postgres', q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'perf_optimizer scheduler' AND datname = 'two')), $scheduler, 'leaves the scheduler alone');

# Dropping the database with a run under way.
timed('DROP DATABASE two', 'DROP DATABASE is not held up by workers');
holds('postgres', q(SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type LIKE 'perf_optimizer%' AND datname NOT IN ('copy'))), 'no worker of it is left');

# Dropping the extension with a run under way, and creating it again.
$run = sql('copy', q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'long'));
holds('copy', "SELECT status = 'running' FROM perf_optimizer.job_runs WHERE run_id = $run", 'a run is under way');
sql('copy', 'DROP EXTENSION perf_optimizer');
holds('postgres', q(SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'perf_optimizer scheduler')), 'DROP EXTENSION ends the scheduler');
sql('postgres', q(SELECT pg_cancel_backend(pid) FROM pg_stat_activity WHERE backend_type = 'perf_optimizer runner'));
holds('postgres', q(SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'perf_optimizer runner')), 'and its run ends without a trace');
sql('copy', q(CREATE EXTENSION perf_optimizer; SELECT perf_optimizer.schedule_command('tick', '* * * * * *', 'SELECT 1')));
holds('copy', q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded')), 'a new extension has jobs that run');
sql('copy', q(DROP EXTENSION perf_optimizer));

# Dump and restore: jobs travel, are held, and are taken over by name.
busy_database('source');
sql('source', q(CREATE MATERIALIZED VIEW mv AS SELECT 1 AS one; SELECT perf_optimizer.schedule_refresh('mv', '0 3 * * *')));
my $dump = $node->basedir . '/source.sql';
$node->command_ok([ 'pg_dump', '-f', $dump, $node->connstr('source') ], 'pg_dump');
sql('postgres', 'CREATE DATABASE target');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-f', $dump, $node->connstr('target') ], 'restore');
is(sql('target', q(SELECT string_agg(name || ' ' || held, ', ' ORDER BY name) FROM perf_optimizer.jobs)),
	'long true, refresh public.mv true, tick true', 'restored jobs are held');
is(sql('target', q(SELECT perf_optimizer.resume_all_jobs())), 3, 'and taken over');
is(sql('target', q(SELECT target FROM perf_optimizer.jobs WHERE kind = 'refresh')), 'public.mv', 'with their targets');
$run = sql('target', q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE kind = 'refresh'));
is(sql('target', "SELECT perf_optimizer.wait_for_run($run)"), 'succeeded', 'which are found');
cmp_ok(sql('target', q(SELECT perf_optimizer.schedule_command('new', '@yearly', 'SELECT 1'))), '>', 3, 'and the numbers go on');

# Three databases with jobs among fifty without the extension: each has its scheduler, the others cost no process.
busy_database('third');
sql('postgres', join(' ', map { "CREATE DATABASE other_$_;" } 1 .. 50));
$node->restart;
for my $db ('source', 'target', 'third')
{
	$now = sql('postgres', 'SELECT clock_timestamp()');
	holds($db, "SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded' AND started_at > '$now')", "among 53 databases jobs run in $db");
}
holds('postgres', q(SELECT array_agg(datname::text ORDER BY datname) = '{source,target,third}' FROM pg_stat_activity WHERE backend_type = 'perf_optimizer scheduler'), 'three of them have a scheduler');

# A newer version of the extension, with jobs at work: its script changes the tables that the scheduler reads.
SKIP:
{
	skip 'the next version is not installed', 3 if sql('third', q(SELECT count(*) FROM pg_available_extension_versions WHERE name = 'perf_optimizer' AND version = 'next')) == 0;
	$run = sql('third', q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'long'));
	holds('third', "SELECT status = 'running' FROM perf_optimizer.job_runs WHERE run_id = $run", 'a run is under way');
	my $ms = sql('third', q(SELECT extract(epoch FROM clock_timestamp()) AS s \gset
		ALTER EXTENSION perf_optimizer UPDATE TO 'next';
		SELECT extract(epoch FROM clock_timestamp()) - :s;));
	cmp_ok($ms, '<', 5, 'ALTER EXTENSION UPDATE is not held up by workers');
	$now = sql('third', 'SELECT clock_timestamp()');
	holds('third', "SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded' AND started_at > '$now')", 'after it jobs go on');
	is(sql('third', "SELECT status FROM perf_optimizer.job_runs WHERE run_id = $run"), 'running', 'and so does the run that was under way');
}
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'the server had no crash');
done_testing();
