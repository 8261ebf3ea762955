# What happens to jobs when processes or the server end in the middle.
use strict;
use warnings;
use PoCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('jobs_crash');
$node->init(allows_streaming => 1);
$node->append_conf(
	'postgresql.conf', q(
shared_preload_libraries = 'perf_optimizer'
max_worker_processes = 20
restart_after_crash = on
timezone = 'UTC'
));
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub holds { my ($query, $name) = @_; return ok($node->poll_query_until('postgres', $query), $name); }

# The process id of a worker by its type.
sub worker { return sql("SELECT pid FROM pg_stat_activity WHERE backend_type = '$_[0]'"); }

sql(q(CREATE EXTENSION perf_optimizer;
SELECT perf_optimizer.schedule_command('risky', '@yearly', 'SELECT pg_sleep(300)');
SELECT perf_optimizer.schedule_command('safe', '@yearly', 'SELECT pg_sleep(300)', retry_after_crash => true, backoff => '0');
SELECT perf_optimizer.schedule_command('tick', '* * * * * *', 'SELECT 1');
SELECT perf_optimizer.schedule_command('boot', '@reboot', 'SELECT 1');));
holds(q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded')), 'the scheduler runs');
is(sql(q(SELECT count(*) FROM perf_optimizer.job_runs WHERE name = 'boot')), 0, 'a job of @reboot waits for a start of the server');

# Starts both long jobs and returns their runs.
sub start_long
{
	my @runs = split /\n/, sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name IN ('risky', 'safe') ORDER BY name));
	holds("SELECT count(*) = 2 FROM perf_optimizer.job_runs WHERE run_id IN ($runs[0], $runs[1]) AND status = 'running'", 'two runs are under way');
	return @runs;
}

# A runner is killed: the server restarts, and the run is known to have crashed.
my ($risky, $safe) = start_long();
ok(crash($node, sql("SELECT pid FROM perf_optimizer.job_runs WHERE run_id = $risky")), 'the server restarts after kill -9 of a runner');
is(sql("SELECT perf_optimizer.wait_for_run($risky)"), 'crashed', 'the run is marked as crashed');
is(sql("SELECT attempt || ' ' || status FROM perf_optimizer.job_attempts WHERE run_id = $risky"), '1 crashed', 'so is its attempt');
is(sql(q(SELECT count(*) FROM perf_optimizer.dead_letter_jobs WHERE name = 'risky')), 1, 'a command is not repeated: it is a dead letter');
holds("SELECT status = 'running' AND attempt = 2 FROM perf_optimizer.job_runs WHERE run_id = $safe", 'one that may be is');
sql("SELECT perf_optimizer.cancel_run($safe)");
holds(q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'boot' AND cause = 'start' AND status = 'succeeded')), '@reboot runs after the restart');
holds(q(SELECT max(scheduled_for) > clock_timestamp() - interval '5 s' FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded'), 'jobs go on');

# A runner is killed while it writes that its run begins, while it writes that it has ended, and while it has none.
sql(q(CREATE TABLE gated(run_id bigint, status text); CREATE TABLE worked(at timestamptz DEFAULT clock_timestamp());
	CREATE FUNCTION gate() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
		IF EXISTS (SELECT FROM public.gated g WHERE g.run_id = NEW.run_id AND g.status = NEW.status) THEN PERFORM pg_advisory_xact_lock_shared(8); END IF;
		RETURN NEW; END $$;
	CREATE TRIGGER gate BEFORE UPDATE ON perf_optimizer.job_run FOR EACH ROW EXECUTE FUNCTION gate();
	SELECT perf_optimizer.schedule_command('once', '@yearly', 'INSERT INTO worked DEFAULT VALUES', max_attempts => 1)));

# Kills the runner of a new run of that job when it writes the given status; returns the run.
sub kill_at
{
	my ($status) = @_;
	my $waits = q(FROM pg_locks WHERE locktype = 'advisory' AND objid = 8 AND NOT granted);
	my $gate = $node->background_psql('postgres');
	$gate->query_safe('SELECT pg_advisory_lock(8)');
	my $run = sql("INSERT INTO gated SELECT perf_optimizer.run_job(job_id), '$status' FROM perf_optimizer.jobs WHERE name = 'once' RETURNING run_id");
	holds("SELECT EXISTS (SELECT $waits)", "a runner writes '$status'");
	ok(crash($node, sql("SELECT pid $waits")), 'the server restarts after kill -9 of it');
	eval { $gate->quit };
	return $run;
}
is(sql('SELECT perf_optimizer.wait_for_run(' . kill_at('running') . ')'), 'succeeded', 'a run that had not begun is done after that');
is(sql('SELECT perf_optimizer.wait_for_run(' . kill_at('succeeded') . ')'), 'crashed', 'one whose end is not known is said to have crashed');
is(sql('SELECT count(*) FROM worked'), 2, 'the work of each was done once');
sql('DROP TRIGGER gate ON perf_optimizer.job_run');
my $idle = q(FROM pg_stat_activity WHERE backend_type = 'perf_optimizer runner' AND application_name = 'perf_optimizer runner');
holds("SELECT EXISTS (SELECT $idle)", 'a runner waits for the next run');
my $before = sql('SELECT clock_timestamp()');
ok(crash($node, sql("SELECT max(pid) $idle")), 'the server restarts after kill -9 of it');
holds("SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded' AND started_at > '$before')", 'jobs go on');

# The postmaster is killed.
($risky, $safe) = start_long();
$node->stop('immediate');
$node->start;
is(sql("SELECT perf_optimizer.wait_for_run($risky)"), 'crashed', 'an immediate stop leaves a crashed run');
sql("SELECT perf_optimizer.cancel_run($safe)") if sql("SELECT status FROM perf_optimizer.job_runs WHERE run_id = $safe") eq 'queued';
holds("SELECT status = 'running' FROM perf_optimizer.job_runs WHERE run_id = $safe OR status = 'cancelled' AND run_id = $safe LIMIT 1", 'the other is repeated')
	if sql("SELECT status FROM perf_optimizer.job_runs WHERE run_id = $safe") ne 'cancelled';
sql("SELECT perf_optimizer.cancel_run($safe)");

# A fast stop does not wait for a run, and leaves no process behind.
($risky, $safe) = start_long();
my $started = time;
$node->stop('fast');
ok(time - $started < 30, 'a fast stop ends runs');
$node->start;
is(sql("SELECT perf_optimizer.wait_for_run($risky)"), 'crashed', 'and the run has crashed');
holds("SELECT perf_optimizer.cancel_run($safe) OR true", 'cancel what is repeated');

# Slots missed while the server was down: one run catches up, the others are recorded.
# A cancelled run whose runner is stopped before it has said so would be repeated.
my $open = q(FROM perf_optimizer.job_runs WHERE status IN ('queued', 'running') AND name <> 'tick');
sql("SELECT perf_optimizer.cancel_run(run_id) $open");
holds("SELECT NOT EXISTS (SELECT $open)", 'what is cancelled ends');
$node->stop('fast');
my $down = time;
select undef, undef, undef, 0.2 while time - $down < 4;
$node->start;
holds("SELECT count(*) >= 2 FROM perf_optimizer.job_run WHERE name = 'tick' AND queued_at > pg_postmaster_start_time() AND status = 'skipped' AND message LIKE 'missed%'", 'missed slots are recorded');
holds("SELECT status = 'succeeded' FROM perf_optimizer.job_run WHERE name = 'tick' AND queued_at > pg_postmaster_start_time() AND status <> 'skipped' ORDER BY run_id LIMIT 1", 'the last of them runs');
is(sql("SELECT cause FROM perf_optimizer.job_run WHERE name = 'tick' AND queued_at > pg_postmaster_start_time() AND status <> 'skipped' ORDER BY run_id LIMIT 1"), 'catch-up', 'to catch up');

# Workers that end by SIGTERM come back; the run of a runner has crashed, and is tried again where that is safe.
my $scheduler = worker('perf_optimizer scheduler');
sql("SELECT pg_terminate_backend($scheduler)");
holds("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'perf_optimizer scheduler' AND pid <> $scheduler)", 'a scheduler that was terminated comes back');
my $launcher = worker('perf_optimizer launcher');
sql("SELECT pg_terminate_backend($launcher)");
holds("SELECT EXISTS (SELECT FROM pg_stat_activity WHERE backend_type = 'perf_optimizer launcher' AND pid <> $launcher)", 'a launcher as well');
my $terminated = sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'safe'));
holds("SELECT status = 'running' FROM perf_optimizer.job_runs WHERE run_id = $terminated", 'a run is under way');
sql("SELECT pg_terminate_backend(pid) FROM perf_optimizer.job_runs WHERE run_id = $terminated");
holds("SELECT status = 'crashed' AND sqlstate = '57P01' FROM perf_optimizer.job_attempts WHERE run_id = $terminated AND attempt = 1", 'its attempt has crashed, with the reason');
holds("SELECT status = 'running' AND attempt = 2 FROM perf_optimizer.job_runs WHERE run_id = $terminated", 'it is tried again');
sql("SELECT perf_optimizer.cancel_run($terminated)");

# A standby runs nothing; once promoted it does.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('jobs_standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby, 'replay', $node->lsn('insert'));
is($standby->safe_psql('postgres', q(SELECT count(*) FROM pg_stat_activity WHERE backend_type LIKE 'perf_optimizer%')), 0, 'no worker on a standby');
my ($rc, $out, $err) = $standby->psql('postgres', q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs LIMIT 1));
like($err, qr/cannot execute .* (during recovery|in a read-only transaction)/, 'a standby takes no runs');
$node->stop('fast');
$standby->promote;
my $promoted = $standby->safe_psql('postgres', 'SELECT clock_timestamp()');
ok($standby->poll_query_until('postgres', "SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded' AND started_at > '$promoted')"), 'jobs run after promotion');
is($standby->safe_psql('postgres', "SELECT min(started_at) - '$promoted' < '5 s' FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded' AND started_at > '$promoted'"), 't', 'within five seconds');
$standby->stop('fast');
done_testing();
