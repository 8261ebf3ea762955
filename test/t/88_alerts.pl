# Alerts on a server: checked by a job, notified, logged, over a restart, a dump, a standby, and without preloading.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('alerts');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', qq(
shared_preload_libraries = 'pg_stat_statements, perf_optimizer'
max_connections = 20
));
$node->start;
$node->safe_psql('postgres', q{CREATE EXTENSION pg_stat_statements; CREATE EXTENSION perf_optimizer; CREATE ROLE po_watcher LOGIN IN ROLE pg_monitor; SET ROLE po_watcher;
	SELECT perf_optimizer.schedule_alerts('1 second');
	SELECT perf_optimizer.set_alert('connections', 'perf_optimizer_connections_used_ratio', '>', 0.8, '0', 'critical', 0.7)});

# Connections, nearly all of them.
my $listener = $node->background_psql('postgres');
$listener->query_safe('LISTEN perf_optimizer_alert');
ok($node->poll_query_until('postgres', q{SELECT state = 'ok' FROM perf_optimizer.alerts WHERE name = 'connections'}), 'a job checks the alert');
my $log = -s $node->logfile;
my @crowd = map { $node->background_psql('postgres') } 1 .. 14;
ok($node->poll_query_until('postgres', q{SELECT state = 'firing' AND value > 0.8 FROM perf_optimizer.alerts WHERE name = 'connections'}), 'which fires when connections are nearly used up');
ok($node->wait_for_log(qr/LOG: +alert "connections" \(critical\) fires: perf_optimizer_connections_used_ratio is 0\.\d+, which is > 0\.8/, $log), 'that is logged');
$_->quit for @crowd;
ok($node->poll_query_until('postgres', q{SELECT state = 'resolved' FROM perf_optimizer.alerts WHERE name = 'connections'}), 'and resolves when they end');
ok($node->wait_for_log(qr/LOG: +alert "connections" is resolved: perf_optimizer_connections_used_ratio is 0\.\d+/, $log), 'that is logged, too');
is($node->safe_psql('postgres', q{SELECT string_agg(state, ' ' ORDER BY at) FROM perf_optimizer.alert_history}), 'firing resolved', 'each once in the history');
my $heard = $listener->query('SELECT 1');
for (1 .. 1800)
{
	last if $heard =~ /"state": "resolved"/;
	select undef, undef, undef, 0.1;
	$heard .= $listener->query('SELECT 1');
}
like($heard, qr/notification "perf_optimizer_alert" with payload "\{.*"name": "connections".*"state": "firing"/, 'a listener hears of the fire');
like($heard, qr/"state": "resolved"/, 'and of its end');
$listener->quit;
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM perf_optimizer.job_runs WHERE name = 'check alerts' AND status = 'succeeded' AND rows_affected = 1 AND detail = '1 alerts, 1 announced'}),
	'runs tell what they did');

# Rights that are taken away.
$node->safe_psql('postgres', 'REVOKE pg_monitor FROM po_watcher');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM perf_optimizer.job_runs WHERE name = 'check alerts' AND sqlstate = '42501'}), 'without the right the check fails');
$node->safe_psql('postgres', 'GRANT pg_monitor TO po_watcher');

# A definition in a session's open transaction keeps no check waiting.
my $session = $node->background_psql('postgres');
$session->query_safe(q{BEGIN; SET ROLE po_watcher; SELECT perf_optimizer.set_alert('connections', 'perf_optimizer_connections_used_ratio', '>', 0.9)});
my $runs = $node->safe_psql('postgres', q{SELECT coalesce(max(run_id), 0) FROM perf_optimizer.job_runs});
ok($node->poll_query_until('postgres', qq{SELECT count(*) > 0 FROM perf_optimizer.job_runs WHERE run_id > $runs AND status = 'succeeded' AND rows_affected = 0}), 'a locked alert is passed over');
$session->query_safe('ROLLBACK');
$session->quit;

# A restart: what was pending begins anew.
$node->safe_psql('postgres', q{SET ROLE po_watcher; SELECT perf_optimizer.schedule_alerts(enabled => false); SELECT perf_optimizer.set_alert('long', 'perf_optimizer_connections_max', '>', 1, '1 minute')});
$node->poll_query_until('postgres', q{SELECT count(*) = 0 FROM perf_optimizer.job_runs WHERE status IN ('queued', 'running')});
$node->safe_psql('postgres', q{SET ROLE po_watcher; SELECT perf_optimizer.check_alerts()});
$node->restart;
is($node->safe_psql('postgres', q{SET perf_optimizer.test_clock_offset = 300; SET ROLE po_watcher; SELECT perf_optimizer.check_alerts(); SELECT state FROM perf_optimizer.alerts WHERE name = 'long'}),
	"0\npending", 'what was pending before a restart begins anew');
is($node->safe_psql('postgres', q{SET perf_optimizer.test_clock_offset = 400; SET ROLE po_watcher; SELECT perf_optimizer.check_alerts(); SELECT state FROM perf_optimizer.alerts WHERE name = 'long'}),
	"1\nfiring", 'and fires when it lasts');

# A standby shows alerts and changes none; the metric of its lag has a series.
$node->safe_psql('postgres', q{SET ROLE po_watcher; SELECT perf_optimizer.set_alert('lag', 'perf_optimizer_replication_lag_seconds', '>', 3600)});
is($node->safe_psql('postgres', q{SET ROLE po_watcher; SELECT perf_optimizer.check_alerts(); SELECT state FROM perf_optimizer.alerts WHERE name = 'lag'}), "0\nunknown", 'no standby, no data');
$node->backup('base');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'base', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is($node->safe_psql('postgres', q{SET ROLE po_watcher; SELECT perf_optimizer.check_alerts(); SELECT state FROM perf_optimizer.alerts WHERE name = 'lag'}), "0\nok", 'with a standby there is');
is($standby->safe_psql('postgres', q{SELECT state FROM perf_optimizer.alerts WHERE name = 'long'}), 'firing', 'a standby shows alerts');
like(($standby->psql('postgres', 'SELECT perf_optimizer.check_alerts()'))[2], qr/cannot execute changing or checking alerts during recovery|read-only transaction/, 'and checks none');
$standby->stop;

# A dump has the definitions; the states are made anew.
my $dump = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-d', $node->connstr('postgres'), '-f', $dump ], 'a dump');
$node->safe_psql('postgres', 'CREATE DATABASE copied');
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('copied'), '-f', $dump ], 'is restored');
is($node->safe_psql('copied', q{SELECT string_agg(name || ' ' || state || ' ' || owner, ', ' ORDER BY name) FROM perf_optimizer.alerts}),
	'connections unknown po_watcher, lag unknown po_watcher, long unknown po_watcher', 'with the alerts and their owner');
is($node->safe_psql('copied', q{SET ROLE po_watcher; SELECT perf_optimizer.check_alerts(); SELECT state FROM perf_optimizer.alerts WHERE name = 'long'}), "0\npending", 'who can check them');

# Without preloading.
$node->adjust_conf('postgresql.conf', 'shared_preload_libraries', "''");
$node->restart;
like(($node->psql('postgres', q{SELECT perf_optimizer.set_alert('mine', 'perf_optimizer_connections_max', '>', 1)}))[2], qr/the job is stored, but no job runs on this server yet/, 'without preloading an alert is stored');
is($node->safe_psql('postgres', q{SELECT perf_optimizer.check_alerts(); SELECT state FROM perf_optimizer.alerts WHERE name = 'mine'}), "1\nfiring", 'and checked on demand');
$node->stop;
done_testing();
