# Workers that are used again find nothing of the run before; jobs after jobs, once, outside windows, in the order of views.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('jobs_pool');
$node->init;
$node->append_conf(
	'postgresql.conf', q(
shared_preload_libraries = 'perf_optimizer, pg_stat_statements'
max_worker_processes = 20
max_prepared_transactions = 2
perf_optimizer.max_workers = 2
perf_optimizer.runner_linger = '10min'
timezone = 'UTC'
));
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub sql_as { my ($role, $text) = @_; return $node->safe_psql('postgres', $text, extra_params => [ '-U', $role ]); }
sub holds { my ($query, $name) = @_; return ok($node->poll_query_until('postgres', $query), $name); }

# Schedules a command as a role under a name, runs it to its end, and returns its status and SQLSTATE.
sub run_as
{
	my ($role, $name, $command, @options) = @_;
	my $job = sql_as($role, "SELECT perf_optimizer.schedule_command('$name', '\@yearly', \$po\$$command\$po\$, max_attempts => 1" . join('', map { ", $_" } @options) . ')');
	my $run = sql("SELECT perf_optimizer.run_job($job)");
	sql("CALL perf_optimizer.await_run($run, '3 min')");
	return sql("SELECT concat_ws(' ', status, sqlstate) FROM perf_optimizer.job_runs WHERE run_id = $run");
}

# The process of the last run of a job.
sub pid_of { return sql("SELECT pid FROM perf_optimizer.job_runs WHERE name = '$_[0]' ORDER BY run_id DESC LIMIT 1"); }

sql(q(CREATE EXTENSION perf_optimizer;
CREATE ROLE po_test_owner LOGIN; CREATE ROLE po_test_other LOGIN; CREATE ROLE po_test_root LOGIN SUPERUSER;
GRANT CREATE ON SCHEMA public TO po_test_owner, po_test_other;
CREATE TABLE log(at timestamptz DEFAULT clock_timestamp(), who text DEFAULT current_user, what text);
CREATE SEQUENCE seq; GRANT ALL ON SEQUENCE seq TO PUBLIC;
GRANT INSERT, SELECT ON log TO PUBLIC;));

# What a run leaves in its session is gone in the next.
is(run_as('po_test_owner', 'dirty', q(CREATE TEMP TABLE left_behind AS SELECT 1 AS one; SET work_mem = '77MB'; SET my.own = 'x'; SET search_path = nowhere;
	SELECT pg_advisory_lock(4711); PREPARE left_behind AS SELECT 1; SELECT nextval('public.seq');
	BEGIN; DECLARE left_behind CURSOR WITH HOLD FOR SELECT 1; COMMIT;)), 'succeeded', 'a run that leaves things behind');
is(run_as('po_test_owner', 'clean', q(DO $$ BEGIN
	ASSERT to_regclass('pg_temp.left_behind') IS NULL, 'temporary table';
	ASSERT current_setting('work_mem') <> '77MB' AND coalesce(current_setting('my.own', true), '') = '' AND current_setting('search_path') <> 'nowhere', 'settings';
	ASSERT NOT EXISTS (SELECT FROM pg_locks WHERE locktype = 'advisory'), 'advisory locks';
	ASSERT NOT EXISTS (SELECT FROM pg_prepared_statements), 'prepared statements';
	ASSERT NOT EXISTS (SELECT FROM pg_cursors WHERE name = 'left_behind'), 'cursors';
	BEGIN PERFORM lastval(); ASSERT false, 'sequences'; EXCEPTION WHEN object_not_in_prerequisite_state THEN NULL; END;
END $$)), 'succeeded', 'leaves nothing to the next');
is(pid_of('clean'), pid_of('dirty'), 'in the same process');
is(run_as('po_test_owner', 'broken', q(BEGIN; CREATE TEMP TABLE t(a int); SELECT 1/0)), 'failed 22012', 'a run that fails');
is(run_as('po_test_owner', 'after_error', 'SELECT 1'), 'succeeded', 'does not spoil the process');
is(pid_of('after_error'), pid_of('dirty'), 'which goes on');
is(run_as('po_test_root', 'become', q(SET SESSION AUTHORIZATION po_test_other; INSERT INTO log(what) VALUES ('as other'); SET ROLE po_test_other)), 'succeeded', 'a superuser becomes somebody else');
is(run_as('po_test_root', 'who', q(INSERT INTO log(what) SELECT session_user || ' ' || current_user || ' ' || current_setting('role'))), 'succeeded', 'and in the next run');
is(sql(q(SELECT what FROM log ORDER BY at DESC LIMIT 1)), 'po_test_root po_test_root none', 'is himself again');
is(pid_of('who'), pid_of('become'), 'in the same process');
isnt(pid_of('who'), pid_of('dirty'), 'another role has another process');

# What changes about the role holds for the next run, though its process lingers.
my $before = pid_of('after_error');
sql('ALTER ROLE po_test_owner SET work_mem = $$55MB$$');
is(run_as('po_test_owner', 'settings', q(DO $$ BEGIN ASSERT current_setting('work_mem') = '55MB'; END $$)), 'succeeded', 'ALTER ROLE SET holds for the next run');
isnt(pid_of('settings'), $before, 'which has a new process');
sql('REVOKE CONNECT ON DATABASE postgres FROM PUBLIC');
is(run_as('postgres', 'try', 'SELECT 1'), 'succeeded', 'without CONNECT');
my $job = sql(q(SELECT job_id FROM perf_optimizer.jobs WHERE name = 'settings'));
my $run = sql("SELECT perf_optimizer.run_job($job)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'failed', 'the next run fails, though a process of the role was there');
sql('GRANT CONNECT ON DATABASE postgres TO PUBLIC; ALTER ROLE po_test_owner NOLOGIN');
$run = sql("SELECT perf_optimizer.run_job($job)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), sql('SHOW server_version_num') >= 170000 ? 'succeeded' : 'failed', 'so it does without LOGIN before 17');
sql('ALTER ROLE po_test_owner LOGIN; ALTER ROLE po_test_owner RENAME TO po_test_renamed');
$run = sql("SELECT perf_optimizer.run_job($job)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'succeeded', 'a renamed role goes on');
is(sql("SELECT owner FROM perf_optimizer.jobs WHERE job_id = $job"), 'po_test_renamed', 'under its new name');
sql('ALTER ROLE po_test_renamed RENAME TO po_test_owner; ALTER ROLE po_test_owner RESET ALL');

# More roles than workers: an idle worker makes way.  After so many runs a worker makes way for a new one.
is(run_as('po_test_other', 'other', 'SELECT 1'), 'succeeded', 'a third role runs with two workers');
$node->append_conf('postgresql.conf', 'perf_optimizer.runner_max_runs = 1');
$node->reload;
holds(q(SELECT current_setting('perf_optimizer.runner_max_runs') = '1'), 'one run a process');
run_as('po_test_other', 'other', 'SELECT 1');
$before = pid_of('other');
is(run_as('po_test_other', 'other', 'SELECT 1'), 'succeeded', 'the next run');
isnt(pid_of('other'), $before, 'has a process of its own');
$node->append_conf('postgresql.conf', 'perf_optimizer.runner_max_runs = 1000');
$node->reload;
holds(q(SELECT current_setting('perf_optimizer.runner_max_runs') = '1000'), 'many runs a process');

# A thousand runs: each once, and few processes.
sql(q(SELECT count(perf_optimizer.schedule_command('many' || i, '@yearly', 'SELECT 1')) FROM generate_series(1, 300) i));
sql(q(SELECT count(perf_optimizer.run_job(job_id)) FROM perf_optimizer.jobs WHERE name LIKE 'many%'));
holds(q(SELECT count(*) = 300 FROM perf_optimizer.job_runs WHERE name LIKE 'many%' AND status = 'succeeded' AND attempt = 1), 'three hundred runs are done');
cmp_ok(sql(q(SELECT count(DISTINCT pid) FROM perf_optimizer.job_runs WHERE name LIKE 'many%')), '<=', 6, 'by few processes');
sql(q(SELECT count(perf_optimizer.unschedule(job_id)) FROM perf_optimizer.jobs WHERE name LIKE 'many%'));

# Higher priority goes first, whatever the order of asking; runs of one job never overlap.  One of the two workers stays where it waits.
sql(q(SELECT perf_optimizer.schedule_command('p' || p, '@yearly', format('INSERT INTO log(what) VALUES (%L)', 'p' || p), priority => p) FROM generate_series(1, 5) p;
	SELECT perf_optimizer.schedule_command('block' || i, '@yearly', format('SELECT pg_advisory_lock_shared(%s)', i), priority => 10) FROM generate_series(1, 2) i;));
my @gates = map { IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', "SELECT pg_advisory_lock($_); SELECT pg_sleep(300)" ], '>', \my $out, '2>', \my $err) } 1 .. 2;
sub open_gate
{
	my ($gate) = @_;
	sql("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE '%pg_advisory_lock($gate)%' AND pid <> pg_backend_pid()");
	return $gates[$gate - 1]->finish;
}
holds(q(SELECT count(*) = 2 FROM pg_locks WHERE locktype = 'advisory' AND mode = 'ExclusiveLock' AND granted), 'the gates are closed');
sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name LIKE 'block%'));
holds(q(SELECT count(*) = 2 FROM perf_optimizer.job_runs WHERE name LIKE 'block%' AND status = 'running'), 'both workers wait there');
sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name ~ '^p[0-9]' ORDER BY name));
is(sql(q(SELECT count(*) FROM perf_optimizer.job_progress p JOIN perf_optimizer.job_runs USING (run_id) WHERE phase IS NOT NULL)), 2, 'job_progress shows what runs');
open_gate(1);
holds(q(SELECT count(*) = 5 FROM perf_optimizer.job_runs WHERE name ~ '^p[0-9]' AND status = 'succeeded'), 'then the others run');
is(sql(q(SELECT string_agg(name, ' ' ORDER BY started_at) FROM perf_optimizer.job_runs WHERE name ~ '^p[0-9]')), 'p5 p4 p3 p2 p1', 'the highest priority first');
open_gate(2);

# After another job; a circle is refused; what fails starts nothing.
my $first = sql(q(SELECT perf_optimizer.schedule_command('first', '@yearly', 'SELECT 1')));
my $second = sql(qq(SELECT perf_optimizer.schedule_command('second', NULL, 'INSERT INTO log(what) VALUES (\$\$second\$\$)', after_job => $first)));
my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT perf_optimizer.alter_job($first, after_job => $second)");
like($err, qr/22023.*already runs after this one/, 'two jobs cannot run after each other');
$run = sql("SELECT perf_optimizer.run_job($first)");
holds(q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'second' AND cause = 'after' AND status = 'succeeded')), 'a job runs after another has succeeded');
is(sql(q(SELECT next_run IS NULL AND schedule IS NULL FROM perf_optimizer.jobs WHERE name = 'second')), 't', 'it has no slots of its own');
sql("SELECT perf_optimizer.alter_job($first, command => 'SELECT 1/0', max_attempts => 1)");
$run = sql("SELECT perf_optimizer.run_job($first)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'failed', 'the first one fails');
sql("SELECT perf_optimizer.alter_job($first, command => 'SELECT 1'); SELECT perf_optimizer.alter_job($second, exclude_window => 'sun-sat 00:00-24:00')");
$run = sql("SELECT perf_optimizer.run_job($first)");
holds(q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'second' AND status = 'skipped' AND message LIKE '%excluded window')), 'within its excluded window it is skipped');
is(sql(q(SELECT count(*) FROM perf_optimizer.job_runs WHERE name = 'second' AND status = 'succeeded')), 1, 'and the failed run started nothing');

# Once.
my $once = sql(q(SELECT perf_optimizer.schedule_once('once', now() + interval '1 second', 'INSERT INTO log(what) VALUES ($$once$$)')));
holds(q(SELECT done AND next_run IS NULL FROM perf_optimizer.jobs WHERE name = 'once'), 'a job that runs once is done');
holds(q(SELECT EXISTS (SELECT FROM log WHERE what = 'once')), 'and has run');
my $at = sql("SELECT at FROM perf_optimizer.jobs WHERE job_id = $once");
is(sql(qq(SELECT perf_optimizer.schedule_once('once', '$at', 'INSERT INTO log(what) VALUES (\$\$once\$\$)'))), $once, 'the same migration again');
sql("SELECT perf_optimizer.pause_job($once); SELECT perf_optimizer.resume_job($once);");
sql("SELECT perf_optimizer.schedule_once('later', now() - interval '1 day', 'INSERT INTO log(what) VALUES (\$\$later\$\$)')");
holds(q(SELECT EXISTS (SELECT FROM log WHERE what = 'later')), 'a moment that has passed runs at commit');
is(sql(q(SELECT count(*) FROM log WHERE what = 'once')), 1, 'neither a repeated migration nor resume_job runs it again');
sql("SELECT perf_optimizer.alter_job($once, at => now())");
holds(q(SELECT count(*) = 2 FROM log WHERE what = 'once'), 'another moment does');

# Views are refreshed in the order in which they read each other.
sql(q(CREATE MATERIALIZED VIEW mv1 AS SELECT count(*) AS n, clock_timestamp() AS at FROM log, pg_sleep(0.3);
CREATE VIEW between_them AS SELECT * FROM mv1; CREATE MATERIALIZED VIEW mv2 AS SELECT n, at AS read, clock_timestamp() AS at FROM between_them;
CREATE MATERIALIZED VIEW mv3 AS SELECT read FROM mv2;
BEGIN; SELECT perf_optimizer.schedule_refresh(v::regclass, to_char(now() + interval '3 s', 'SS MI HH24 DD MM *'), 'full') FROM unnest(ARRAY['mv3', 'mv2', 'mv1']) v; COMMIT;));
holds(q(SELECT count(*) = 3 FROM perf_optimizer.job_runs WHERE name LIKE 'refresh%' AND status = 'succeeded'), 'three views are due together');
is(sql(q(SELECT string_agg(name, ', ' ORDER BY started_at) FROM perf_optimizer.job_runs WHERE name LIKE 'refresh%')), 'refresh public.mv1, refresh public.mv2, refresh public.mv3', 'each is refreshed after those that it reads');
is(sql(q(SELECT bool_and(mv3.read = mv1.at) FROM mv1, mv3)), 't', 'so the last shows what the first has');

# For a slot that many jobs have the workers are there before, and the scheduler does not look again each time that a run ends.
sql('CREATE EXTENSION pg_stat_statements');
$node->append_conf('postgresql.conf', "perf_optimizer.runner_linger = '1s'");
$node->reload;
my $early = 0;
my $looks = 0;
# A busy machine may wake the scheduler too late to be early once, or have somebody else wake it.
for my $try (1 .. 5)
{
	holds(q(SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'perf_optimizer runner')), 'no worker is there');
	my $slot = sql(q(SELECT date_trunc('second', clock_timestamp()) + interval '4 s'));
	sql_as('po_test_owner', "SELECT count(perf_optimizer.schedule_command('crowd' || i, to_char('$slot'::timestamptz, 'SS MI HH24 DD MM *'), 'SELECT 1')) FROM generate_series(1, 200) i");
	holds(q(SELECT NOT EXISTS (SELECT FROM perf_optimizer.job WHERE rebase)), 'two hundred jobs are scheduled');
	sql('SELECT pg_stat_statements_reset()');
	holds(q(SELECT count(*) = 200 FROM perf_optimizer.job_runs WHERE name LIKE 'crowd%' AND status = 'succeeded'), 'all have run');
	$early = sql("SELECT count(*) FROM pg_stat_activity WHERE backend_type = 'perf_optimizer runner' AND backend_start < '$slot'");
	$looks = sql(q(SELECT sum(calls) FROM pg_stat_statements WHERE query LIKE '%DISTINCT ON (w.job_id)%'));
	sql_as('po_test_owner', q(SELECT count(perf_optimizer.unschedule(job_id)) FROM perf_optimizer.jobs WHERE name LIKE 'crowd%'));
	sql(q(DELETE FROM perf_optimizer.job_run WHERE name LIKE 'crowd%'));
	last if $early > 0 && $looks < 15;
}
cmp_ok($early, '>', 0, 'workers were there before the slot');
cmp_ok($looks, '<', 15, 'the scheduler looked a few times');

# Metrics.
is(sql(q(SELECT runs > 0 AND succeeded > 0 AND failed = 1 AND success_ratio BETWEEN 0.1 AND 0.9 AND p50_ms <= p95_ms AND avg_wait_ms >= 0 AND runs_per_hour > 0
	FROM perf_optimizer.job_metrics WHERE name = 'first')), 't', 'job_metrics');
$node->stop;
unlike(slurp_file($node->logfile), qr/PANIC|TRAP|terminated by signal/, 'the server had no crash');
done_testing();
