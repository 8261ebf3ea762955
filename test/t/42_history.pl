# History on a server: scheduled snapshots, waits, restart, a standby, and without preloading.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('history');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', qq(
shared_preload_libraries = 'pg_stat_statements, perf_optimizer'
perf_optimizer.sample_interval = 50ms
));
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION perf_optimizer; CREATE TABLE po_t AS SELECT i AS id FROM generate_series(1, 1000) AS i');

# A job takes snapshots.
my $job = $node->safe_psql('postgres', q{SELECT perf_optimizer.schedule_snapshot('1 second')});
ok($node->poll_query_until('postgres', 'SELECT count(*) >= 2 FROM perf_optimizer.snapshots'), 'a job takes snapshots');
is($node->safe_psql('postgres', q{SELECT kind || ' ' || name FROM perf_optimizer.jobs}), 'snapshot snapshot workload', 'it has a kind and a name of its own');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM perf_optimizer.job_runs WHERE status = 'succeeded' AND detail ~ '^snapshot [0-9]+$'}), 'and tells what it did');
$node->safe_psql('postgres', "SELECT perf_optimizer.unschedule($job)");
like(($node->psql('postgres', q{CREATE ROLE po_test_nobody LOGIN; SET ROLE po_test_nobody; SELECT perf_optimizer.schedule_snapshot()}))[2],
	qr/permission denied to take a snapshot/, 'not for everybody');

# Waits: a session that waits for a lock, and one that runs.
my $blocker = $node->background_psql('postgres');
$blocker->query_safe('BEGIN; UPDATE po_t SET id = id WHERE id = 500');
my $waiter = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-d', 'postgres', '-c', 'UPDATE po_t SET id = id WHERE id = 500' ], '>', '/dev/null');
ok($node->poll_query_until('postgres', q{SELECT coalesce(sum(seconds), 0) > 0.2 FROM perf_optimizer.wait_profile() WHERE wait_class = 'lock' AND query_id IS NOT NULL}),
	'a lock wait is seen, with its statement');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM perf_optimizer.wait_history() WHERE wait_class = 'idle in transaction' AND sessions >= 1}),
	'so is an idle transaction');
$node->safe_psql('postgres', 'SELECT perf_optimizer.take_snapshot()');
is($node->safe_psql('postgres', q{SELECT count(*) > 0 FROM perf_optimizer.load_history WHERE wait_class = 'lock' AND seconds > 0}), 't', 'and a snapshot keeps it');
$blocker->query_safe('COMMIT');
$waiter->finish;
$node->safe_psql('postgres', 'SELECT count(*) FROM po_t');
$blocker->query_safe('BEGIN; LOCK TABLE po_t');
is($node->safe_psql('postgres', "SET lock_timeout = '3s'; SELECT perf_optimizer.take_snapshot() > 0"), 't', 'a locked table keeps no snapshot waiting');
$blocker->query_safe('COMMIT');
$blocker->quit;

# The sampler pauses longer while nobody is active, and not while somebody is.
ok($node->poll_query_until('postgres', 'SELECT pause_ms > 50 AND looks > 0 AND last_look IS NOT NULL AND statements > 0 FROM perf_optimizer.wait_stats()'), 'the sampler pauses longer while nobody is active');
my $active = IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', 'SELECT pg_sleep(600)' ], '>', '/dev/null', '2>', '/dev/null');
ok($node->poll_query_until('postgres', 'SELECT pause_ms = 50 FROM perf_optimizer.wait_stats()'), 'and not while somebody is');
ok($node->poll_query_until('postgres', q{SELECT coalesce(sum(seconds), 0) > 0.2 FROM perf_optimizer.wait_profile() WHERE wait_class = 'other' AND query_id IS NOT NULL}), 'whose time counts whole');
$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE query LIKE 'SELECT pg_sleep(600)%' AND pid <> pg_backend_pid()});
$active->finish;
$node->append_conf('postgresql.conf', 'perf_optimizer.sample_interval = 0');
$node->reload;
ok($node->poll_query_until('postgres', 'SELECT pause_ms IS NULL FROM perf_optimizer.wait_stats()'), 'it can be switched off');
$node->append_conf('postgresql.conf', 'perf_optimizer.sample_interval = 50ms');
$node->reload;
ok($node->poll_query_until('postgres', 'SELECT pause_ms IS NOT NULL FROM perf_optimizer.wait_stats()'), 'and on');

# A restart: what was counted before is not counted again, what is after is.
$node->safe_psql('postgres', q{SELECT perf_optimizer.set_latency_target('app', 60000, application_name => 'po app')});
$node->safe_psql('postgres', 'SELECT max(id) FROM po_t WHERE id < 10') for 1 .. 3;
$node->safe_psql('postgres', 'SELECT perf_optimizer.take_snapshot()');
my $app = $node->connstr('postgres') . ' application_name=po\ app';
PostgreSQL::Test::Utils::system_or_bail('psql', '-XAtq', '-d', $app, '-c', 'SELECT 1', '-o', '/dev/null') for 1 .. 3;
$node->restart;
PostgreSQL::Test::Utils::system_or_bail('psql', '-XAtq', '-d', $app, '-c', 'SELECT 1', '-o', '/dev/null') for 1 .. 2;
$node->safe_psql('postgres', 'SELECT max(id) FROM po_t WHERE id < 10') for 1 .. 2;
$node->safe_psql('postgres', 'SELECT perf_optimizer.take_snapshot()');
is($node->safe_psql('postgres', q{SELECT string_agg(calls::text, ' ' ORDER BY snapshot_id) FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT max(id) FROM po_t%'}),
	'3 2', 'over a restart each call is in one snapshot');
is($node->safe_psql('postgres', q{SELECT calls FROM perf_optimizer.latency_objectives WHERE name = 'app'}), '5', 'what an application did before and after counts for its objective');

# A changed setting.
$node->append_conf('postgresql.conf', 'work_mem = 5MB');
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT setting = '5120' FROM pg_settings WHERE name = 'work_mem'}), 'a setting changes');
$node->safe_psql('postgres', 'SELECT perf_optimizer.take_snapshot()');
is($node->safe_psql('postgres', q{SELECT previous || ' ' || setting FROM perf_optimizer.setting_history WHERE name = 'work_mem'}), '4096 5120', 'and the history says so');

# A crash: counters begin anew and what they count is new.
$node->append_conf('postgresql.conf', 'restart_after_crash = on');
$node->reload;
$node->stop('immediate');
$node->start;
$node->safe_psql('postgres', 'SELECT max(id) FROM po_t WHERE id < 10');
$node->safe_psql('postgres', 'SELECT perf_optimizer.take_snapshot()');
is($node->safe_psql('postgres', q{SELECT calls FROM perf_optimizer.statement_history WHERE query LIKE 'SELECT max(id) FROM po_t%' ORDER BY snapshot_id DESC LIMIT 1}),
	'1', 'after a crash, too');

# On a standby the history can be read, and not written.
$node->backup('standby');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'standby', has_streaming => 1);
$standby->start;
like(($standby->psql('postgres', '\set VERBOSITY verbose
SELECT perf_optimizer.take_snapshot()'))[2], qr/25006/, 'a standby takes no snapshots');
is($standby->safe_psql('postgres', 'SELECT count(*) > 3 FROM perf_optimizer.snapshots'), 't', 'and shows those of the primary');
like($standby->safe_psql('postgres', 'SELECT perf_optimizer.report_html()'), qr/^<!DOCTYPE html>/, 'and makes reports');
$standby->stop;

# Not preloaded: pg_stat_statements alone feeds the history; what needs tracking says so.
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "'pg_stat_statements'");
$node->restart;
$node->safe_psql('postgres', 'SELECT perf_optimizer.take_snapshot(); SELECT min(id) FROM po_t');
$node->safe_psql('postgres', 'SELECT perf_optimizer.take_snapshot()');
is($node->safe_psql('postgres', q{SELECT calls FROM perf_optimizer.statement_history WHERE query = 'SELECT min(id) FROM po_t'}), '1', 'without preloading snapshots keep pg_stat_statements');
like($node->safe_psql('postgres', 'SELECT perf_optimizer.report_html()'), qr/^<!DOCTYPE html>/, 'and reports work');
for my $call ('n_plus_one_queries()', 'query_samples()', 'tracking_stats()', 'wait_history()', 'wait_profile()', 'wait_stats()')
{
	like(($node->psql('postgres', "\\set VERBOSITY verbose\nSELECT * FROM perf_optimizer.$call"))[2], qr/55000: \w+ needs perf_optimizer in shared_preload_libraries/, "$call needs preloading");
}
is($node->safe_psql('postgres', 'SELECT count(*) FROM perf_optimizer.tracked_statements()'), 0, 'nothing is tracked');
$node->stop;
done_testing();
