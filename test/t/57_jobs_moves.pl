# Jobs and incrementally refreshed views through pg_upgrade; jobs on the subscriber of a publication, and when no connection is left.
#
#   PO_OLD_BINDIR   programs of an older major with the extension installed, from which to upgrade (default: those of this server)
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use PoCluster;

my $settings = q(
shared_preload_libraries = 'perf_optimizer'
max_worker_processes = 20
max_connections = 10
jit = off
timezone = 'UTC'
);
my $old = PostgreSQL::Test::Cluster->new('jobs_old', $ENV{PO_OLD_BINDIR} ? (install_path => $ENV{PO_OLD_BINDIR} =~ s{/bin/?$}{}r) : ());
$old->init(allows_streaming => 'logical');
$old->append_conf('postgresql.conf', $settings);
$old->start;

# Waits until a query returns true.
sub holds { my ($node, $query, $name) = @_; return ok($node->poll_query_until('postgres', $query), $name); }

# What identifies the jobs, their views and their policies.
sub identity
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q(
		SELECT job_id, name, kind, schedule, owner, target, enabled, held FROM perf_optimizer.jobs ORDER BY job_id;
		SELECT policy, relation, time_column, older_than FROM perf_optimizer.archive_policies ORDER BY policy;
		SELECT count(*) FROM perf_optimizer.job_runs WHERE name = 'done';));
}

# Refreshes a view by what changed; returns the mode, and in how many rows the view differs from its query.
sub refreshed
{
	my ($node) = @_;
	return $node->safe_psql('postgres', q(
		SELECT mode_used FROM perf_optimizer.refresh('by_remainder');
		WITH q AS (SELECT id % 7 AS remainder, count(*) AS events FROM "Event" GROUP BY 1)
		SELECT count(*) FROM ((TABLE by_remainder EXCEPT ALL TABLE q) UNION ALL (TABLE q EXCEPT ALL TABLE by_remainder)) AS d;));
}

# Runs a job by name to its end; returns its status.
sub run_to_end
{
	my ($node, $name) = @_;
	my $run = $node->safe_psql('postgres', "SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = '$name'");
	$node->safe_psql('postgres', "CALL perf_optimizer.await_run($run)");
	return $node->safe_psql('postgres', "SELECT status FROM perf_optimizer.job_runs WHERE run_id = $run");
}

$old->safe_psql('postgres', q(
	CREATE EXTENSION perf_optimizer;
	CREATE ROLE po_test_owner LOGIN;
	GRANT CREATE ON SCHEMA public TO po_test_owner;
	SET ROLE po_test_owner;
	CREATE TABLE ticks (at timestamptz DEFAULT clock_timestamp());
	CREATE TABLE "Event" (id bigint PRIMARY KEY, "at" timestamptz NOT NULL);
	INSERT INTO "Event" SELECT i, now() - i * interval '1 day' FROM generate_series(1, 100) AS i;
	CREATE MATERIALIZED VIEW mv AS SELECT count(*) FROM "Event";
	CREATE MATERIALIZED VIEW by_remainder AS SELECT id % 7 AS remainder, count(*) AS events FROM "Event" GROUP BY 1;
	SELECT perf_optimizer.enable_incremental('by_remainder');
	SELECT perf_optimizer.refresh('by_remainder');
	SELECT perf_optimizer.schedule_refresh('mv', '@yearly', name => 'view');
	SELECT perf_optimizer.schedule_command('tick', '* * * * * *', 'INSERT INTO ticks DEFAULT VALUES');
	SELECT perf_optimizer.schedule_command('done', '@yearly', 'SELECT 1');
	SELECT perf_optimizer.schedule_command('paused', '@yearly', 'SELECT 1');
	SELECT perf_optimizer.pause_job(job_id) FROM perf_optimizer.jobs WHERE name = 'paused';
	SELECT perf_optimizer.create_archive_policy('"Event"', 'at', '50 days', schedule => '@yearly');
	ALTER MATERIALIZED VIEW mv RENAME TO "renamed View";));
run_to_end($old, 'done');
holds($old, 'SELECT count(*) > 0 FROM ticks', 'jobs run before the upgrade');

# Every connection that clients may have is taken: jobs need none of them.
my @sessions = map { $old->background_psql('postgres') } 1 .. 5;
push @sessions, map { $old->background_psql('postgres', extra_params => [ '-U', 'po_test_owner' ]) } 1 .. 2;
my ($connected, $said);
for (1 .. 10)
{
	($connected, $said) = connects($old, 'po_test_owner');
	last unless $connected;
	push @sessions, $old->background_psql('postgres', extra_params => [ '-U', 'po_test_owner' ]);
}
like($said, qr/connection slots|too many clients/, 'no connection is left');
my $before = $sessions[0]->query_safe('SELECT count(*) FROM ticks');
for (1 .. 300)
{
	last if $sessions[0]->query_safe('SELECT count(*) FROM ticks') > $before + 1;
	select undef, undef, undef, 0.1;
}
cmp_ok($sessions[0]->query_safe('SELECT count(*) FROM ticks'), '>', $before + 1, 'jobs go on all the same');
$_->quit for @sessions;

# A subscriber has its own jobs, not its publisher's.
my $subscriber = PostgreSQL::Test::Cluster->new('jobs_subscriber');
$subscriber->init;
$subscriber->append_conf('postgresql.conf', $settings);
$subscriber->start;
$subscriber->safe_psql('postgres', q(CREATE EXTENSION perf_optimizer; CREATE TABLE sign (a int);
	SELECT perf_optimizer.schedule_command('own', '@yearly', 'SELECT 1')));
$old->safe_psql('postgres', 'CREATE TABLE sign (a int); CREATE PUBLICATION everything FOR TABLE perf_optimizer.job, sign');
my $connection = $old->connstr('postgres') =~ s/'/''/gr;
$subscriber->safe_psql('postgres', "CREATE SUBSCRIPTION copy CONNECTION '$connection' PUBLICATION everything WITH (copy_data = false)");
$old->safe_psql('postgres', q(SELECT perf_optimizer.schedule_command('published', '@yearly', 'SELECT 1'); INSERT INTO sign VALUES (1)));
holds($subscriber, 'SELECT count(*) = 1 FROM sign', 'what was published has come');
is($subscriber->safe_psql('postgres', q(SELECT string_agg(name, ',') FROM perf_optimizer.jobs)), 'own', 'but no job');
$subscriber->safe_psql('postgres', 'ALTER SUBSCRIPTION copy DISABLE; ALTER SUBSCRIPTION copy SET (slot_name = NONE); DROP SUBSCRIPTION copy');
$subscriber->stop;
$old->safe_psql('postgres', q(SELECT pg_drop_replication_slot(slot_name) FROM pg_replication_slots; DROP PUBLICATION everything));

# pg_upgrade: no worker gets in its way, and jobs are there afterwards and run.
my $was = identity($old);
$old->safe_psql('postgres', 'DELETE FROM "Event" WHERE id = 1');
is(refreshed($old), "incremental\n0", 'a view is refreshed by what changed before the upgrade');
$old->safe_psql('postgres', 'DELETE FROM "Event" WHERE id = 2');
$old->stop;
my $new = PostgreSQL::Test::Cluster->new('jobs_new');
$new->init;
$new->append_conf('postgresql.conf', $settings);
my $old_bindir = $ENV{PO_OLD_BINDIR} // $new->config_data('--bindir');
chdir $PostgreSQL::Test::Utils::tmp_check or die 'no folder for the logs of pg_upgrade';
command_ok(
	[
		'pg_upgrade', '--no-sync', '-d', $old->data_dir, '-D', $new->data_dir, '-b', $old_bindir, '-B', $new->config_data('--bindir'),
		'-s', $new->host, '-p', $old->port, '-P', $new->port
	],
	'pg_upgrade');
$new->start;
is(identity($new), $was, 'jobs, policies and history are those of before, and not held');
holds($new, 'SELECT max(at) > pg_postmaster_start_time() FROM ticks', 'jobs run after the upgrade');
is(run_to_end($new, $_), 'succeeded', "$_ finds its relation") for 'view', 'archive Event';
is(refreshed($new), "concurrent\n0", 'the first refresh after the upgrade runs the whole query');
$new->safe_psql('postgres', 'UPDATE "Event" SET id = 1000 WHERE id = 3');
is(refreshed($new), "incremental\n0", 'the next is by what changed');
is($new->safe_psql('postgres', q(SELECT count(*) FROM pg_trigger WHERE tgname LIKE 'perf\_optimizer\_%')), '2', 'by two triggers, as before');
$new->stop;
unlike(slurp_file($_->logfile), qr/PANIC|TRAP|terminated by signal/, 'the server had no crash') for $old, $new, $subscriber;
done_testing();
