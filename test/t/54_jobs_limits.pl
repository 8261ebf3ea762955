# Timeouts that are ignored, history that ends, settings, and a server that is short of workers.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('jobs_limits');
$node->init;
$node->append_conf(
	'postgresql.conf', q(
shared_preload_libraries = 'perf_optimizer'
max_worker_processes = 20
timezone = 'UTC'
perf_optimizer.history_retention = '1h'
perf_optimizer.job_lock_timeout = '300ms'
));
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub holds { my ($query, $name) = @_; return ok($node->poll_query_until('postgres', $query), $name); }

# Runs a job by name to its end; returns status and SQLSTATE.
sub outcome
{
	my ($name) = @_;
	my $run = sql("SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = '$name'");
	sql("CALL perf_optimizer.await_run($run)");
	return sql("SELECT concat_ws(' ', status, sqlstate) FROM perf_optimizer.job_runs WHERE run_id = $run");
}

sql('CREATE EXTENSION perf_optimizer; CREATE TABLE t(a int PRIMARY KEY); CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM t');

# A statement that swallows its cancellation is ended with its process.
sql(q(SELECT perf_optimizer.schedule_command('stubborn', '@yearly', $cmd$DO $d$ BEGIN LOOP BEGIN PERFORM pg_sleep(60);
	EXCEPTION WHEN query_canceled THEN NULL; END; END LOOP; END $d$ $cmd$, timeout => '0.2 s', max_attempts => 1)));
is(outcome('stubborn'), 'timed_out 57P01', 'a run that ignores its cancellation is ended all the same');
is(sql(q(SELECT finished_at - started_at BETWEEN '9 s' AND '60 s' FROM perf_optimizer.job_runs WHERE name = 'stubborn')), 't', 'ten seconds later');

# Our own work does not wait for locks without end, whatever the role's settings are.
sql(q(CREATE ROLE po_test_quick LOGIN SUPERUSER; SET ROLE po_test_quick;
	SELECT perf_optimizer.schedule_refresh('mv', '@yearly', 'full', 'locked', max_attempts => 1);
	ALTER ROLE po_test_quick SET statement_timeout = 1;));
is(outcome('locked'), 'succeeded', 'a limit of the role for statements is not one for refreshes');
my $blocker = IPC::Run::start(
	[ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'BEGIN; LOCK TABLE t; SELECT pg_sleep(300)' ],
	'>', \my $ignored_out, '2>', \my $ignored_err);
holds(q(SELECT EXISTS (SELECT FROM pg_locks WHERE relation = 't'::regclass AND mode = 'AccessExclusiveLock' AND granted)), 'a table is locked');
is(outcome('locked'), 'failed 55P03', 'job_lock_timeout ends the wait for a lock');
sql(q(SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%LOCK TABLE t%' AND pid <> pg_backend_pid()));
$blocker->finish;

# Maintenance.
for my $action ('vacuum_analyze', 'analyze', 'vacuum', 'reindex_concurrently')
{
	sql("SELECT perf_optimizer.schedule_maintenance('t', '\@yearly', '$action')");
	is(outcome("$action public.t"), 'succeeded', $action);
}
is(sql(q(SELECT last_analyze IS NOT NULL AND last_vacuum IS NOT NULL FROM pg_stat_user_tables WHERE relname = 't')), 't', 'the table was vacuumed and analyzed');
SKIP:
{
	skip 'pg_prewarm is not installed', 1 if sql(q(SELECT count(*) FROM pg_available_extensions WHERE name = 'pg_prewarm')) == 0;
	sql(q(CREATE EXTENSION pg_prewarm; SELECT perf_optimizer.schedule_maintenance('t', '@yearly', 'prewarm')));
	is(outcome('prewarm public.t'), 'succeeded', 'prewarm');
}

# The history has no room: a run that cannot be written down does not begin, and nobody starts workers over and over for it.
sql(q(CREATE TABLE done(at timestamptz DEFAULT clock_timestamp());
	CREATE FUNCTION no_room() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN RAISE 'no space left on device' USING ERRCODE = 'disk_full'; END $$;
	CREATE TRIGGER no_room BEFORE INSERT ON perf_optimizer.job_attempt FOR EACH ROW EXECUTE FUNCTION no_room();
	CREATE TRIGGER no_room BEFORE UPDATE ON perf_optimizer.job_run FOR EACH ROW WHEN (NEW.status = 'running') EXECUTE FUNCTION no_room();
	SELECT perf_optimizer.schedule_command('full', '@yearly', 'INSERT INTO done DEFAULT VALUES', backoff => '0');));
my $full = sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'full'));
ok($node->wait_for_log(qr/worker "perf_optimizer scheduler" \(PID [0-9]+\) exited with exit code 1/), 'the scheduler cannot note it either');
is(sql("SELECT status FROM perf_optimizer.job_runs WHERE run_id = $full"), 'queued', 'the run waits');
sql('DROP TRIGGER no_room ON perf_optimizer.job_attempt; DROP TRIGGER no_room ON perf_optimizer.job_run');
holds("SELECT status = 'succeeded' FROM perf_optimizer.job_runs WHERE run_id = $full", 'it is done when there is room');
is(sql("SELECT string_agg(status || coalesce(' ' || sqlstate, ''), ', ' ORDER BY attempt) FROM perf_optimizer.job_attempts WHERE run_id = $full"), 'failed 53100, succeeded', 'with what kept it');
my $exits = () = slurp_file($node->logfile) =~ /worker "perf_optimizer runner" \(PID [0-9]+\) exited with exit code 1/g;
cmp_ok($exits, '<', 10, 'few workers ended in vain');

# A run that has begun counts all the same, once, and its end is written down when there is room again.
sql(q(CREATE TRIGGER no_room BEFORE UPDATE ON perf_optimizer.job_run FOR EACH ROW WHEN (NEW.status = 'succeeded') EXECUTE FUNCTION no_room();));
$full = sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'full'));
holds('SELECT count(*) = 2 FROM done', 'a run does its work while its end cannot be written');
is(sql("SELECT status FROM perf_optimizer.job_runs WHERE run_id = $full"), 'running', 'it is not said to have ended');
sql('DROP TRIGGER no_room ON perf_optimizer.job_run');
holds("SELECT status = 'succeeded' FROM perf_optimizer.job_runs WHERE run_id = $full", 'it is when there is room again');
is(sql('SELECT count(*) FROM done'), 2, 'and has not been repeated');

# Commands of superusers can be switched off; their other jobs go on.
sql(q(SELECT perf_optimizer.schedule_command('root', '@yearly', 'SELECT 1', max_attempts => 1)));
is(outcome('root'), 'succeeded', 'a command of a superuser');
$node->append_conf('postgresql.conf', 'perf_optimizer.allow_superuser_jobs = off');
$node->reload;
holds(q(SELECT NOT current_setting('perf_optimizer.allow_superuser_jobs')::bool), 'is switched off');
is(outcome('root'), 'failed 42501', 'then its run fails');
my ($rc, $out, $err) = $node->psql('postgres', q(SELECT perf_optimizer.schedule_command('root2', '@yearly', 'SELECT 1')));
like($err, qr/commands of superusers are switched off/, 'and no new one is taken');
is(outcome('locked'), 'succeeded', 'a refresh of a superuser runs');

# The history ends; the last run of each job stays.  The clock is moved, nobody waits.
my $runs = sql('SELECT count(*) FROM perf_optimizer.job_runs');
cmp_ok($runs, '>', sql('SELECT count(DISTINCT job_id) FROM perf_optimizer.job_runs'), 'there is history');
$node->append_conf('postgresql.conf', 'perf_optimizer.test_clock_offset = 7200');
$node->reload;
sql(q(SELECT perf_optimizer.schedule_refresh('mv', '@yearly', name => 'other')));
holds(q(SELECT count(*) = count(DISTINCT job_id) AND count(*) > 5 FROM perf_optimizer.job_runs), 'two hours later one run of each job is left of it');

# The clock goes on to where a job is due: the slot is taken.
sql(q(SET perf_optimizer.test_clock_offset = 0));
my $slot = sql(q(SELECT perf_optimizer.schedule_refresh('mv', 'every 3 hours', name => 'later')));
holds(q(SELECT next_run > now() + interval '4 hours 59 minutes' FROM perf_optimizer.jobs WHERE name = 'later'), 'a job is due in three hours of the clock');
$node->append_conf('postgresql.conf', 'perf_optimizer.test_clock_offset = 18001');
$node->reload;
holds(q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'later' AND status = 'succeeded')), 'it runs when the clock has moved there');

# All workers of the server are taken (launcher, scheduler, wait sampler, the launcher of logical replication, one runner): runs wait, and go on when one is free.
$node->append_conf('postgresql.conf', "perf_optimizer.test_clock_offset = 0\nmax_worker_processes = 5\nperf_optimizer.allow_superuser_jobs = on");
$node->restart;
my $gate = $node->background_psql('postgres');
$gate->query_safe('SELECT pg_advisory_lock(7)');
sql(q(SELECT perf_optimizer.schedule_command('held', '@yearly', 'SELECT pg_advisory_lock_shared(7)');
	SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'held'));
holds(q(SELECT status = 'running' FROM perf_optimizer.job_runs WHERE name = 'held'), 'the one worker to spare is busy');
sql(q(SELECT perf_optimizer.schedule_command('few' || i, '@yearly', 'SELECT pg_sleep(0.2)') FROM generate_series(1, 5) i));
sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name LIKE 'few%'));
holds(q(SELECT count(*) = 5 FROM perf_optimizer.job_runs WHERE name LIKE 'few%' AND status = 'queued' AND message LIKE '%max_worker_processes%'), 'the others say what they wait for');
$gate->quit;
holds(q(SELECT count(*) = 5 FROM perf_optimizer.job_runs WHERE name LIKE 'few%' AND status = 'succeeded'), 'with one worker to spare five runs are done, one after the other');
is(sql(q(SELECT count(*) FROM perf_optimizer.job_runs WHERE message LIKE '%max_worker_processes%')), 0, 'which nobody is told of who does not wait');
$node->stop;
done_testing();
