# Tracking: either order of preloading, restart, reload of the file, crash, eviction, nothing lost among many clients.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use PoCluster;

my $node = PostgreSQL::Test::Cluster->new('tracking');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', qq(
shared_preload_libraries = 'pg_stat_statements, perf_optimizer'
perf_optimizer.track_max = 100
restart_after_crash = on
max_connections = 100
));
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION perf_optimizer; CREATE EXTENSION pg_stat_statements');
$node->command_ok([ 'pgbench', '-i', '-q', '-s', '1', 'postgres' ], 'data for pgbench');

# Returns the calls of the statement that reads one account.
sub calls
{
	return $node->safe_psql('postgres', q{
		SELECT coalesce(sum(calls), 0) FROM perf_optimizer.tracked_statements()
		 WHERE query_id IN (SELECT query_id FROM perf_optimizer.query_samples() WHERE query LIKE 'SELECT abalance FROM pgbench_accounts%')});
}

# Starts the server anew with the libraries in this order.
sub restart_with
{
	$node->append_conf('postgresql.conf', "shared_preload_libraries = '$_[0]'");
	$node->restart;
}

# Many clients, constant changes of the catalogs and readers: no call is lost or counted twice.
my $ddl = "$PostgreSQL::Test::Utils::tmp_check/ddl.sql";
append_to_file($ddl, "DROP TABLE IF EXISTS po_ddl_:client_id;\nCREATE TABLE po_ddl_:client_id (id int);\n"
	. "CREATE INDEX ON po_ddl_:client_id (id);\nSELECT count(*) FROM perf_optimizer.tracked_statements();\n");
my $background = IPC::Run::start([ 'pgbench', '-n', '-c', '4', '-T', '5', '-f', $ddl, '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', '/dev/null', '2>', '/dev/null');
$node->safe_psql('postgres', 'SELECT perf_optimizer.reset_tracking()');
$node->command_ok([ 'pgbench', '-n', '-S', '-M', 'prepared', '-c', '64', '-t', '300', 'postgres' ], '64 clients beside DDL');
is(calls(), 64 * 300, 'each call is counted once');
$background->finish;

# The numbers agree with pg_stat_statements in either order of preloading.
for my $order ('pg_stat_statements, perf_optimizer', 'perf_optimizer, pg_stat_statements')
{
	restart_with($order);
	$node->safe_psql('postgres', 'SELECT perf_optimizer.reset_tracking(); SELECT pg_stat_statements_reset()');
	$node->command_ok([ 'pgbench', '-n', '-c', '2', '-t', '50', 'postgres' ], "pgbench with $order");
	is($node->safe_psql('postgres', q{
		SELECT count(*), bool_and(s.calls = t.calls AND s.rows = t.row_count)
		  FROM pg_stat_statements s JOIN perf_optimizer.tracked_statements() t ON t.query_id = s.queryid AND t.userid = s.userid AND t.toplevel = s.toplevel
		 WHERE s.query ~ '^(UPDATE|INSERT INTO|SELECT abalance).*pgbench'}), '5|t', "$order: both count the same");
	is($node->safe_psql('postgres', q{
		SET perf_optimizer.track_utility = on;
		CREATE TABLE po_utility (id int);
		DROP TABLE po_utility;
		RESET perf_optimizer.track_utility;
		SELECT count(*) FROM pg_stat_statements s JOIN perf_optimizer.tracked_statements() t ON t.query_id = s.queryid
		 WHERE s.query ~ 'TABLE po_utility'}), 2, "$order: utility statements are told by the same identifiers");
}

# A restart in good order keeps everything; there is no file while the server runs.
my $before = $node->safe_psql('postgres', q{
	SELECT query_id, calls, p50_ms, p99_ms, plans FROM perf_optimizer.tracked_statements() WHERE calls >= 50 ORDER BY 1});
my $samples = $node->safe_psql('postgres', q{
	SELECT query, params, plannable FROM perf_optimizer.query_samples() WHERE query ~ '^(UPDATE|INSERT INTO|SELECT abalance).*pgbench' ORDER BY 1, 2});
$node->restart;
is($node->safe_psql('postgres', q{
	SELECT query_id, calls, p50_ms, p99_ms, plans FROM perf_optimizer.tracked_statements() WHERE calls >= 50 ORDER BY 1}), $before,
	'a restart keeps the numbers');
is($node->safe_psql('postgres', q{
	SELECT query, params, plannable FROM perf_optimizer.query_samples() WHERE query ~ '^(UPDATE|INSERT INTO|SELECT abalance).*pgbench' ORDER BY 1, 2}), $samples,
	'and the samples');
my $file = $node->data_dir . '/pg_stat/perf_optimizer.stat';
ok(!-e $file, 'the file is gone while the server runs');
$node->stop;
ok(-s $file, 'and written when it stops');

# A broken file is ignored.
truncate($file, int((-s $file) / 2));
$node->start;
is($node->safe_psql('postgres', 'SELECT count(*) FROM perf_optimizer.tracked_statements() WHERE calls >= 50'), 0, 'a broken file is ignored');
like(slurp_file($node->logfile), qr/ignoring invalid data in file "pg_stat\/perf_optimizer.stat"/, 'and said so');

# Eviction: the table stays in its bounds, the busy statement stays, and what went is counted.
$node->command_ok([ 'pgbench', '-n', '-S', '-c', '1', '-t', '500', 'postgres' ], 'a busy statement');
my $many = join('', map { "SELECT count(*) AS c_$_ FROM (VALUES " . join(',', ('(1)') x ($_ % 7 + 1)) . ") v_$_ (x$_) WHERE x$_ " . join(' ', map { "+ $_" } 1 .. $_) . " > 0;\n" } 1 .. 300);
$node->safe_psql('postgres', $many);
is($node->safe_psql('postgres', 'SELECT statements <= 100 AND evicted > 0 AND evicted_calls >= evicted FROM perf_optimizer.tracking_stats()'), 't',
	'300 statements in a table of 100: the rest is evicted and counted');
is(calls(), 500, 'the busy one is still there');

# Many clients run more statements than fit, while somebody resets another database's and the catalogs change: every call is here or among the evicted.
sub total
{
	return $node->safe_psql('postgres', q{
		SELECT (SELECT sum(calls) FROM perf_optimizer.tracked_statements()) + (SELECT evicted_calls FROM perf_optimizer.tracking_stats())});
}
my @scripts;
for my $i (1 .. 120)
{
	my $script = "$PostgreSQL::Test::Utils::tmp_check/many_$i.sql";
	append_to_file($script, "SELECT count(*) AS m_$i FROM pgbench_branches WHERE bid " . join(' ', map { "+ $_" } 1 .. $i) . " > 0;\n");
	push @scripts, '-f', $script;
}
$node->safe_psql('postgres', 'CREATE DATABASE po_other');
$node->safe_psql('po_other', 'CREATE EXTENSION perf_optimizer');
my $total = total();
$background = IPC::Run::start([ 'psql', '-XAtq', '-h', $node->host, '-p', $node->port, '-d', 'po_other', '-c', 'SET perf_optimizer.track = none', '-c',
		'DO $$ BEGIN FOR i IN 1..200 LOOP PERFORM perf_optimizer.reset_tracking(); PERFORM pg_sleep(0.005); END LOOP; END $$' ], '>', '/dev/null');
$node->command_ok([ 'pgbench', '-n', '-c', '16', '-t', '200', @scripts, 'postgres' ], '16 clients run 120 statements in a table of 100');
$background->finish;
my $counted = total() - $total;
cmp_ok($counted, '>=', 16 * 200, 'no call is lost');
# Schedulers and the test itself ran some statements, too.
cmp_ok($counted, '<=', 16 * 200 + 40, 'nor counted twice');

# A restart in good order in the middle of work: what clients were told is counted, and at most what each had under way beside it.
$node->safe_psql('postgres', 'SELECT perf_optimizer.reset_tracking()');
my $report;
$background = IPC::Run::start([ 'pgbench', '-n', '-S', '-M', 'prepared', '-c', '8', '-T', '120', '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', \$report, '2>', '/dev/null');
ok($node->poll_query_until('postgres', q{
	SELECT coalesce(sum(calls), 0) > 500 FROM perf_optimizer.tracked_statements() WHERE query_id IN (SELECT query_id FROM perf_optimizer.query_samples() WHERE query LIKE 'SELECT abalance%')}),
	'clients are at work');
$node->restart;
$background->finish;
my ($processed) = $report =~ /transactions actually processed: (\d+)/;
cmp_ok(calls(), '>=', $processed, 'a restart in the middle loses nothing');
cmp_ok(calls(), '<=', $processed + 8, 'and counts nothing twice');

# A killed backend among 64 at work: the server starts anew and tracks from nothing, without a trace of the file.
$background = IPC::Run::start([ 'pgbench', '-n', '-S', '-M', 'prepared', '-c', '64', '-T', '120', '-h', $node->host, '-p', $node->port, 'postgres' ],
	'>', '/dev/null', '2>', '/dev/null');
my $working = q{FROM pg_stat_activity WHERE pid <> pg_backend_pid() AND query LIKE 'SELECT abalance%'};
ok($node->poll_query_until('postgres', "SELECT count(*) = 64 $working"), '64 clients are at work');
ok(crash($node, $node->safe_psql('postgres', "SELECT min(pid) $working")), 'the server restarts');
$background->finish;
ok($node->poll_query_until('postgres', 'SELECT coalesce(max(calls), 0) < 100 FROM perf_optimizer.tracked_statements()'), 'after a crash it begins anew');
$node->command_ok([ 'pgbench', '-n', '-S', '-M', 'prepared', '-c', '4', '-t', '100', 'postgres' ], 'and goes on');
is(calls(), 400, 'counting right');

# 5000 different statements: all are there, whatever becomes of their texts.
$node->append_conf('postgresql.conf', "perf_optimizer.track_max = 5500\nperf_optimizer.text_memory = 1MB");
$node->restart;
my $evicted = $node->safe_psql('postgres', 'SELECT evicted FROM perf_optimizer.tracking_stats()');
$node->safe_psql('postgres', 'SELECT perf_optimizer.reset_tracking()');
$node->safe_psql('postgres', q{SELECT format('SELECT %s FROM pgbench_branches WHERE bid = 0%s', repeat('1 + ', i) || '1', repeat(' AND bid > 1', j))
	FROM generate_series(1, 50) AS i, generate_series(1, 100) AS j \gexec});
is($node->safe_psql('postgres', qq{SELECT statements >= 5000, evicted - $evicted, texts_dropped > 0 FROM perf_optimizer.tracking_stats()}), 't|0|t',
	'5000 statements whose texts do not fit: only texts are let go');
is($node->safe_psql('postgres', q{SELECT count(*) >= 5000, sum(calls) BETWEEN 5000 AND 5100 FROM perf_optimizer.tracked_statements() WHERE row_count = 0}), 't|t', 'each counted once');
cmp_ok($node->safe_psql('postgres', q{SELECT count(*) FROM perf_optimizer.query_samples()}), '>', 100, 'the newest and most used keep theirs');

# A standby tracks, too.
my $backup = $node->backup('standby');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'standby', has_streaming => 1);
$standby->start;
$standby->safe_psql('postgres', 'SELECT bid FROM pgbench_branches WHERE bid = 1');
is($standby->safe_psql('postgres', q{
	SELECT sum(calls) FROM perf_optimizer.tracked_statements()
	 WHERE query_id IN (SELECT query_id FROM perf_optimizer.query_samples() WHERE query LIKE 'SELECT bid FROM pgbench_branches%')}), 1, 'a standby tracks its own');
$standby->stop;
$node->stop;
done_testing();
