# Jobs run when they are due, as their owner, and fail, retry, time out and are cancelled as promised.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('jobs_run');
$node->init;
$node->append_conf(
	'postgresql.conf', q(
shared_preload_libraries = 'perf_optimizer'
max_worker_processes = 20
max_prepared_transactions = 2
perf_optimizer.max_workers = 4
timezone = 'UTC'
));
$node->start;

# Runs SQL as a superuser, and as a role.
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub sql_as { my ($role, $text) = @_; return $node->safe_psql('postgres', $text, extra_params => [ '-U', $role ]); }

# Waits until a query returns true.
sub holds { my ($query, $name) = @_; return ok($node->poll_query_until('postgres', $query), $name); }

sql(q(CREATE EXTENSION perf_optimizer;
CREATE ROLE po_test_owner LOGIN; CREATE ROLE po_test_other LOGIN;
GRANT CREATE ON SCHEMA public TO po_test_owner;
CREATE TABLE log(at timestamptz DEFAULT clock_timestamp(), who text DEFAULT current_user, what text);
GRANT INSERT, SELECT ON log TO PUBLIC;));

# Every second, as the owner.
my $job = sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_command('tick', '* * * * * *', $$INSERT INTO log(what) VALUES ('tick')$$)));
holds(q(SELECT count(*) >= 3 FROM log WHERE what = 'tick' AND who = 'po_test_owner'), 'a command runs every second as its owner');
is(sql(q(SELECT min(started_at - scheduled_for) BETWEEN '0' AND '0.5 s' FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded')),
	't', 'the runs started at their slots, none before');
is(sql(q(SELECT count(*) FROM (SELECT scheduled_for FROM perf_optimizer.job_runs WHERE name = 'tick' GROUP BY 1 HAVING count(*) > 1) s)), 0, 'no slot was taken twice');
is(sql(q(SELECT string_agg(DISTINCT application_name, ',') FROM pg_stat_activity WHERE backend_type LIKE 'perf_optimizer%' AND application_name LIKE '%scheduler')),
	'perf_optimizer scheduler', 'the scheduler is seen in pg_stat_activity');

# Pause, resume, and scheduling again.
is(sql_as('po_test_owner', "SELECT perf_optimizer.pause_job($job)"), 't', 'pause_job');
my $paused = sql('SELECT clock_timestamp()');
holds(q(SELECT NOT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE status IN ('queued', 'running'))), 'what was open has ended');
my $ticks = sql(q(SELECT count(*) FROM log WHERE what = 'tick'));
is(sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_command('tick', '* * * * * *', $$INSERT INTO log(what) VALUES ('tick')$$))), $job, 'scheduling again is the same job');
is(sql(q(SELECT enabled::text || paused::text FROM perf_optimizer.jobs WHERE name = 'tick')), 'falsetrue', 'and does not resume it');
my $run = sql("SELECT perf_optimizer.run_job($job)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'succeeded', 'run_job runs a paused job');
is(sql(q(SELECT count(*) FROM log WHERE what = 'tick')), $ticks + 1, 'and nothing else ran it');
my $resumed = sql('SELECT clock_timestamp()');
is(sql("SELECT perf_optimizer.resume_job($job)"), 't', 'resume_job');
holds(qq(SELECT count(*) > $ticks + 2 FROM log WHERE what = 'tick'), 'a resumed job runs again');
is(sql("SELECT count(*) FROM perf_optimizer.job_runs WHERE job_id = $job AND cause <> 'request'
	AND scheduled_for > '$paused' AND scheduled_for < '$resumed'"), 0, 'slots while it was paused are neither taken nor missed');

# Transactions.
is(sql(qq(BEGIN; SELECT perf_optimizer.unschedule($job); ROLLBACK; SELECT count(*) FROM perf_optimizer.jobs)), "t\n1", 'unschedule is undone by ROLLBACK');
is(sql_as('po_test_owner', q(SELECT perf_optimizer.unschedule('tick'))), 't', 'unschedule by name');
is(sql_as('po_test_owner', q(SELECT perf_optimizer.unschedule('tick'))), 'f', 'unschedule of what is gone');
sql(q(BEGIN; SAVEPOINT a; SELECT perf_optimizer.schedule_command('prepared', '* * * * * *', $$INSERT INTO log(what) VALUES ('prepared')$$);
RELEASE a; PREPARE TRANSACTION 'po_test';));
sql(q(COMMIT PREPARED 'po_test'));
holds(q(SELECT EXISTS (SELECT FROM log WHERE what = 'prepared')), 'a job of a prepared transaction runs once that commits');
sql(q(SELECT perf_optimizer.unschedule('prepared')));

# Each statement is a transaction of its own; the first error ends the run; the error is kept.
my $multi = sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_command('multi', '@yearly',
	$$INSERT INTO log(what) VALUES ('kept'); BEGIN; INSERT INTO log(what) VALUES ('undone'); SELECT 1/0; COMMIT; INSERT INTO log(what) VALUES ('never')$$, max_attempts => 1)));
$run = sql("SELECT perf_optimizer.run_job($multi)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'failed', 'a run that fails');
is(sql(q(SELECT string_agg(what, ',') FROM log WHERE what IN ('kept', 'undone', 'never'))), 'kept', 'statements before the error stay, its transaction does not');
is(sql("SELECT sqlstate || ' ' || message FROM perf_optimizer.job_runs WHERE run_id = $run"), '22012 division by zero', 'the error is in the history');
like(sql("SELECT context FROM perf_optimizer.job_runs WHERE run_id = $run"), qr/perf_optimizer job $multi, run $run, attempt 1/, 'its context names the job');
sql(q(SELECT perf_optimizer.schedule_command('open', '@yearly', 'BEGIN; SELECT 1', max_attempts => 1)));
$run = sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'open'));
sql("SELECT perf_optimizer.wait_for_run($run)");
is(sql("SELECT sqlstate FROM perf_optimizer.job_runs WHERE run_id = $run"), '25001', 'a command must not leave a transaction open');
sql(q(SELECT perf_optimizer.schedule_command('copy', '@yearly', 'COPY log TO STDOUT', max_attempts => 1)));
$run = sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'copy'));
sql("SELECT perf_optimizer.wait_for_run($run)");
is(sql("SELECT sqlstate FROM perf_optimizer.job_runs WHERE run_id = $run"), '0A000', 'a command has no client');
sql(q(SELECT perf_optimizer.schedule_command('top', '@yearly', 'VACUUM log; CREATE INDEX CONCURRENTLY ON log(what); UPDATE log SET what = what')));
$run = sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'top'));
my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT perf_optimizer.wait_for_run($run)");
like($err . $out, qr/55000: run $run waits for the snapshot|succeeded/, 'a SELECT must not wait for a command that waits for snapshots');
sql("CALL perf_optimizer.await_run($run)");
is(sql("SELECT status || ' ' || rows_affected FROM perf_optimizer.job_runs WHERE run_id = $run"),
	'succeeded ' . sql('SELECT count(*) FROM log'), 'VACUUM and CREATE INDEX CONCURRENTLY run at top level, rows are counted');

# Retries with backoff, dead letters, and a job that goes on.
my $flaky = sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_command('flaky', '@yearly', 'SELECT 1/0', max_attempts => 3, backoff => '0.2 seconds', max_backoff => '1 second')));
$run = sql("SELECT perf_optimizer.run_job($flaky)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'failed', 'a run fails after its last attempt');
is(sql("SELECT string_agg(attempt || ' ' || status || ' ' || sqlstate, ', ' ORDER BY attempt) FROM perf_optimizer.job_attempts WHERE run_id = $run"),
	'1 failed 22012, 2 failed 22012, 3 failed 22012', 'each attempt has its row');
is(sql("SELECT b.started_at - a.finished_at BETWEEN '0.18 s' AND '30 s' AND c.started_at - b.finished_at BETWEEN '0.36 s' AND '30 s'
	FROM perf_optimizer.job_attempts a, perf_optimizer.job_attempts b, perf_optimizer.job_attempts c
	WHERE a.run_id = $run AND b.run_id = $run AND c.run_id = $run AND a.attempt = 1 AND b.attempt = 2 AND c.attempt = 3"), 't', 'the wait between attempts doubles');
is(sql("SELECT run_id || ' ' || attempts FROM perf_optimizer.dead_letter_jobs WHERE job_id = $flaky"), "$run 3", 'it is a dead letter');
is(sql("SELECT consecutive_failures FROM perf_optimizer.jobs WHERE job_id = $flaky"), 1, 'the job shows the failure');
like(sql("LISTEN perf_optimizer_dead_letter;\nSELECT perf_optimizer.run_job($flaky) AS run \\gset\nSELECT perf_optimizer.wait_for_run(:run);\nSELECT 1;"),
	qr/notification "perf_optimizer_dead_letter" with payload "\{"job_id": $flaky, .*"attempt": 3, "status": "failed", "sqlstate": "22012"/, 'listeners are told');
sql(q(SELECT perf_optimizer.schedule_command('flaky', '@yearly', 'SELECT 1')) =~ s/SELECT perf/SET ROLE po_test_owner; SELECT perf/r);
$run = sql("SELECT perf_optimizer.retry_job($flaky)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'succeeded', 'retry_job runs it again');
is(sql('SELECT count(*) FROM perf_optimizer.dead_letter_jobs WHERE name = $$flaky$$'), 0, 'and takes it out of the dead letters');

# Timeouts and cancels.
my $slow = sql(q(SELECT perf_optimizer.schedule_command('slow', '@yearly', 'SELECT pg_sleep(300)', timeout => '0.3 seconds', max_attempts => 1)));
$run = sql("SELECT perf_optimizer.run_job($slow)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'timed_out', 'a run that takes longer than its timeout');
my $endless = sql(q(SELECT perf_optimizer.schedule_command('endless', '@yearly', 'SELECT pg_sleep(300)')));
$run = sql("SELECT perf_optimizer.run_job($endless)");
holds("SELECT status = 'running' FROM perf_optimizer.job_runs WHERE run_id = $run", 'a run is seen running');
is(sql("SELECT a.pid = r.pid FROM perf_optimizer.job_runs r JOIN pg_stat_activity a ON a.application_name = 'perf_optimizer: endless' WHERE run_id = $run"), 't', 'with the pid of its worker');
my $second = sql("SELECT perf_optimizer.run_job($endless)");
is(sql("SELECT perf_optimizer.cancel_run($second)"), 't', 'a waiting run is cancelled');
is(sql("SELECT status FROM perf_optimizer.job_runs WHERE run_id = $second"), 'cancelled', 'at commit');
is(sql("SELECT perf_optimizer.cancel_run($run)"), 't', 'a running one is cancelled');
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'cancelled', 'at once, and is not tried again');
is(sql("SELECT perf_optimizer.cancel_run($run)"), 'f', 'what has ended cannot be cancelled');

# A job may schedule another, which need not wait for its end.
sql(q(SELECT perf_optimizer.schedule_command('parent', '@yearly', $$SELECT perf_optimizer.schedule_command('child', '* * * * * *', 'SELECT 1'); SELECT pg_sleep(300)$$)));
$run = sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'parent'));
holds("SELECT EXISTS (SELECT FROM perf_optimizer.job_runs c JOIN perf_optimizer.job_runs p ON p.run_id = $run AND p.status = 'running'
	WHERE c.name = 'child' AND c.status = 'succeeded')", 'a job that a job schedules runs while that is still running');
sql("SELECT perf_optimizer.cancel_run($run); SELECT perf_optimizer.unschedule('child')");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'cancelled', 'which then ends');

# No overlap: the slots that come while a run is under way are skipped.
sql(q(SELECT perf_optimizer.schedule_command('long', '* * * * * *', 'SELECT pg_sleep(2.5)')));
holds(q(SELECT count(*) >= 2 FROM perf_optimizer.job_runs WHERE name = 'long' AND status = 'skipped' AND message LIKE '%still running'), 'slots during a run are skipped');
is(sql(q(SELECT count(*) FROM perf_optimizer.job_runs WHERE name = 'long' AND status = 'running')) <= 1, 1, 'no two runs of a job at a time');
sql(q(SELECT perf_optimizer.unschedule('long')));

# A new slot supersedes a waiting retry.
sql(q(SELECT perf_optimizer.schedule_command('again', '*/2 * * * * *', 'SELECT 1/0', max_attempts => 5, backoff => '1 hour')));
holds(q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'again' AND status = 'skipped' AND message LIKE 'superseded%')), 'a new slot supersedes a waiting retry');
sql(q(SELECT perf_optimizer.unschedule('again')));

# Refresh, by somebody who owns the view.
sql_as('po_test_owner', q(CREATE MATERIALIZED VIEW public.mv AS SELECT count(*) AS n, current_user::text AS who FROM log;
SELECT perf_optimizer.schedule_refresh('public.mv', 'every 1 second', 'full')));
sql(q(INSERT INTO log(what) SELECT 'more' FROM generate_series(1, 1000)));
holds(q(SELECT n > 1000 AND who = 'po_test_owner' FROM mv), 'a scheduled refresh runs');
is(sql(q(SELECT kind || ' ' || target || ' ' || name FROM perf_optimizer.jobs WHERE kind = 'refresh')), 'refresh public.mv refresh public.mv', 'and has a name of its own');
sql(q(ALTER MATERIALIZED VIEW mv RENAME TO renamed; INSERT INTO log(what) SELECT 'more' FROM generate_series(1, 1000)));
holds(q(SELECT n > 2000 FROM renamed), 'a rename of the view is followed');
sql(q(DROP MATERIALIZED VIEW renamed));
holds(q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'refresh public.mv' AND sqlstate = '42P01')), 'a dropped view makes the run fail with 42P01');
sql_as('po_test_owner', q(SELECT perf_optimizer.unschedule('refresh public.mv')));

# Roles that cannot run anything: the run says why.
my $orphan = sql_as('po_test_other', q(SELECT perf_optimizer.schedule_command('orphan', '@yearly', 'SELECT 1', max_attempts => 1)));
sql('REVOKE CONNECT ON DATABASE postgres FROM PUBLIC');
$run = sql("SELECT perf_optimizer.run_job($orphan)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'failed', 'without CONNECT the run fails');
like(sql("SELECT sqlstate || ' ' || message FROM perf_optimizer.job_runs WHERE run_id = $run"), qr/^42501 permission denied for database/, 'with the reason');
sql('GRANT CONNECT ON DATABASE postgres TO PUBLIC; DROP ROLE po_test_other');
$run = sql("SELECT perf_optimizer.run_job($orphan)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'failed', 'with its role dropped the run fails');
is(sql("SELECT sqlstate FROM perf_optimizer.job_runs WHERE run_id = $run"), '42704', 'with the reason');
is(sql("SELECT perf_optimizer.unschedule($orphan)"), 't', 'a superuser removes the job');

# A command cannot become more than its owner.
my $climb = sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_command('climb', '@yearly',
	$$RESET ROLE; RESET SESSION AUTHORIZATION; SET search_path = public; INSERT INTO log(what) SELECT 'session ' || session_user$$)));
$run = sql("SELECT perf_optimizer.run_job($climb)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'succeeded', 'RESET ROLE runs');
is(sql(q(SELECT who || ' ' || what FROM log WHERE what LIKE 'session %')), 'po_test_owner session po_test_owner', 'and leaves the owner who he is');
sql('ALTER ROLE po_test_owner SET default_transaction_read_only = on; ALTER ROLE po_test_owner SET statement_timeout = 1');
my $ro = sql_as('postgres', q(SET ROLE po_test_owner; SELECT perf_optimizer.schedule_command('readonly', '@yearly', 'CREATE TABLE no(a int)', max_attempts => 1)));
$run = sql("SELECT perf_optimizer.run_job($ro)");
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'failed', 'a role of read-only sessions fails to write');
is(sql("SELECT sqlstate FROM perf_optimizer.job_runs WHERE run_id = $run"), '25006', 'and the history could be written');
sql('ALTER ROLE po_test_owner RESET ALL');

# The switch.
$node->append_conf('postgresql.conf', 'perf_optimizer.run_jobs = off');
$node->reload;
holds(q(SELECT NOT current_setting('perf_optimizer.run_jobs')::bool), 'run_jobs is off');
$run = sql("SELECT perf_optimizer.run_job($flaky)");
is(sql("SELECT perf_optimizer.wait_for_run($run, '1 second')"), 'queued', 'then runs stay queued');
$node->append_conf('postgresql.conf', 'perf_optimizer.run_jobs = on');
$node->reload;
is(sql("SELECT perf_optimizer.wait_for_run($run)"), 'succeeded', 'and start when it is on again');

# More runs than runners: all are done, never more at a time than there are runners.
sql(q(SELECT perf_optimizer.schedule_command('many' || i, '@yearly', 'SELECT pg_sleep(0.2)') FROM generate_series(1, 10) i));
sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name LIKE 'many%'));
holds(q(SELECT count(*) = 10 FROM perf_optimizer.job_runs WHERE name LIKE 'many%' AND status = 'succeeded'), 'all of ten runs are done with four runners');
is(sql(q(SELECT max(n) <= 4 FROM (SELECT (SELECT count(*) FROM perf_optimizer.job_runs b WHERE b.name LIKE 'many%'
	AND b.started_at <= a.started_at AND b.finished_at > a.started_at) AS n FROM perf_optimizer.job_runs a WHERE a.name LIKE 'many%') s)), 't', 'four at a time');

$node->stop;
my $log = slurp_file($node->logfile);
unlike($log, qr/PANIC|TRAP|terminated by signal/, 'the server had no crash');
done_testing();
