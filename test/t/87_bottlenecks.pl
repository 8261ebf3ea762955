# Bottlenecks provoked on a server of their own: cpu, connections, cache, checkpoints, autovacuum, files, internal locks, WAL, clients, locks, and
# replication in both ways.  A machine under load changes how long things take, and not which part of the load waits: each is waited for until it is seen.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('bottlenecks');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', qq(
shared_preload_libraries = 'pg_stat_statements, perf_optimizer'
perf_optimizer.sample_interval = 20ms
shared_buffers = 1MB
max_connections = 30
autovacuum = off
));
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION perf_optimizer; CREATE TABLE po_t AS SELECT i AS id, repeat($$x$$, 500) AS note FROM generate_series(1, 10000) AS i');

# Starts a session that runs one statement and whose output nobody reads.
sub start_session
{
	my ($sql) = @_;
	open(my $pipe, '-|', 'psql', '-XAtq', '-d', $node->connstr('postgres') . ' application_name=po_busy', '-c', $sql) or die $!;
	return $pipe;
}

# Ends the sessions of start_session.
sub end_sessions
{
	$node->safe_psql('postgres', q{SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name = 'po_busy'});
	close $_ for @_;
	return;
}

# Starts sessions that run one statement, over and over until they are ended.
sub start_loops
{
	my ($n, $statement) = @_;
	return map { start_session("DO \$\$ BEGIN LOOP $statement; END LOOP; END \$\$") } 1 .. $n;
}

# Waits until a component is named a bottleneck, by a message if one is given; returns its row.
sub bottleneck
{
	my ($component, $message, $server) = @_;
	my $row = '';
	for (1 .. 10 * $PostgreSQL::Test::Utils::timeout_default)
	{
		$row = ($server // $node)->safe_psql('postgres', "SELECT severity || '|' || impact_pct || '|' || message || '|' || recommendation
			FROM perf_optimizer.bottlenecks() WHERE component = '$component' AND message LIKE '" . ($message // '') . "%'");
		last if $row ne '';
		select(undef, undef, undef, 0.1);
	}
	return $row;
}

# Waits until a setting has a value, after it was appended to the configuration.
sub set_server
{
	my ($name, $value) = @_;
	$node->append_conf('postgresql.conf', "$name = '$value'");
	$node->reload;
	return $node->poll_query_until('postgres', qq{SELECT setting = '$value' FROM pg_settings WHERE name = '$name'});
}

# psql complains of sessions that are ended.
open(my $errors, '>&', \*STDERR);
open(STDERR, '>', '/dev/null');

is($node->safe_psql('postgres', q{SELECT count(*) FROM perf_optimizer.bottlenecks() WHERE component IN ('cpu', 'locks', 'replication', 'clients', 'connections')}), '0', 'nothing holds up an idle server');

my $processors = $node->safe_psql('postgres', 'SELECT perf_optimizer.processor_count()');
SKIP:
{
	skip 'too many processors to keep busy', 1 if $processors > 20;
	my @busy = map { start_session('DO $$ BEGIN LOOP END LOOP; END $$') } 1 .. $processors;
	like(bottleneck('cpu'), qr/^\w+\|\d[\d.]*\|\d[\d.]* sessions were running at a time on $processors processors, which was \d+ % of the load of the last 15 minutes/, 'sessions that run on every processor');
	end_sessions(@busy);
}

my @idle = map { $node->background_psql('postgres') } 1 .. 24;
like(bottleneck('connections'), qr/^high\|[89]\d[\d.]*\|\d+ of \d\d connections are in use, \d+ of them idle.*\|Use a pooler/, 'connections that are nearly used up');
$_->quit for @idle;

$node->safe_psql('postgres', 'SELECT sum(c.k) FROM generate_series(1, 60) AS n, LATERAL (SELECT count(*) AS k FROM po_t WHERE id > n) AS c');
like(bottleneck('cache'), qr/^\w+\|[\d.e-]+\|[\d.]+ % of \d+ block accesses since the statistics were reset did not find their block in shared buffers \(1024 kB\)\.\|Raise shared_buffers/, 'shared buffers that are too small');

$node->safe_psql('postgres', "UPDATE po_t SET id = id WHERE id = $_; CHECKPOINT") for 1 .. 6;
like(bottleneck('checkpoints'), qr/^\w+\|[\d.]+\|\d+ of \d+ checkpoints were requested.*\|ALTER SYSTEM SET max_wal_size = '\d+ MB'/, 'checkpoints before their time');

$node->safe_psql('postgres', 'UPDATE po_t SET id = id') for 1 .. 2;
like(bottleneck('autovacuum'), qr/^\w+\|\d[\d.]*\|1 table has more than twice the dead rows at which autovacuum starts, \d+ in all, (?:public\.)?po_t first; 0 of \d+ workers are busy\.\|ALTER SYSTEM SET autovacuum = on/, 'dead rows that nobody removes');

# The ring of looks begins anew with the server.
$node->restart;
my @readers = start_loops(2, 'PERFORM count(*) FROM po_t');
like(bottleneck('io'), qr/^\w+\|\d[\d.]*\|\d+ % of the load of the last 15 minutes waited for files to be read or written.*\|Find what reads most/, 'blocks that are read from files');
end_sessions(@readers);

# ALTER SYSTEM writes and syncs a file, under a lock.
$node->restart;
ok(set_server('fsync', 'on'), 'fsync is on');
my $script = PostgreSQL::Test::Utils::tempdir() . '/settings.sql';
PostgreSQL::Test::Utils::append_to_file($script, "ALTER SYSTEM SET log_min_messages = 'warning';\n" x 100000);
my @contenders = map { start_session("\\i $script") } 1 .. 6;
like(bottleneck('internal locks'), qr/^\w+\|\d[\d.]*\|\d+ % of the load of the last 15 minutes waited for locks inside the server.*\|Let fewer sessions work/, 'locks inside the server');
end_sessions(@contenders);

$node->restart;
$node->safe_psql('postgres', 'CREATE TABLE po_commits (id int)');
# Where fsync takes no time, commit_delay does.
ok(set_server($_->[0], $_->[1]), "$_->[0] is $_->[1]") for [ 'commit_siblings', 1 ], [ 'commit_delay', 2000 ];
my @writers = start_loops(6, 'INSERT INTO po_commits VALUES (1); COMMIT');
like(bottleneck('wal'), qr/^\w+\|\d[\d.]*\|\d+ % of the load of the last 15 minutes waited for WAL to be written.*\|Commit more rows at a time/, 'commits that wait for WAL to be written');
end_sessions(@writers);
ok(set_server('fsync', 'off'), 'fsync is off');

$node->restart;
my @deaf = map { start_session('COPY (SELECT repeat($$x$$, 10000) FROM generate_series(1, 1000000)) TO STDOUT') } 1 .. 2;
like(bottleneck('clients'), qr/^\w+\|\d[\d.]*\|\d+ % of the load of the last 15 minutes waited for clients/, 'clients that take no rows');
end_sessions(@deaf);

my $holder = $node->background_psql('postgres');
$holder->query_safe('BEGIN; UPDATE po_t SET note = note WHERE id = 500');
my @waiters = map { start_session('UPDATE po_t SET note = note WHERE id = 500') } 1 .. 4;
like(bottleneck('locks'), qr/^\w+\|\d[\d.]*\|\d+ % of the load of the last 15 minutes waited for locks that other sessions held/, 'locks');
ok($node->poll_query_until('postgres', q{SELECT count(*) > 0 FROM perf_optimizer.bottlenecks() WHERE component = 'locks' AND message LIKE '%statement %'}), 'with the statement that waits most');
$holder->query_safe('COMMIT');
$holder->quit;
close $_ for @waiters;

ok(set_server('synchronous_standby_names', 'nobody'), 'commits wait for a standby that is not there');
my @commits = map { start_session("CREATE TABLE po_waits_$_ (id int)") } 1 .. 4;
like(bottleneck('replication'), qr/^\w+\|\d[\d.]*\|\d+ % of the load of the last 15 minutes waited at commit for a standby/, 'commits that wait for a standby');
ok($node->poll_query_until('postgres', q{SELECT set_config('synchronous_commit', 'local', false) IS NOT NULL AND perf_optimizer.take_snapshot() > 0 AND sum(seconds) FILTER (WHERE wait_class = 'replication') > 25 FROM perf_optimizer.load_history}), 'and are in the history');
ok(set_server('synchronous_standby_names', ''), 'and do so no longer');
close $_ for @commits;

# The history, where there are no looks.
ok(set_server('perf_optimizer.sample_interval', 0), 'nobody looks any more');
$node->restart;
is($node->safe_psql('postgres', q{SELECT perf_optimizer.load_facts() ->> 'source'}), 'the last day', 'after a restart the history tells');
like(bottleneck('replication'), qr/ % of the load of the last day waited at commit/, 'what held up the load');

# A standby that receives and does not replay; a file of WAL that is given up counts as one that is full.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('behind');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
ok(set_server('wal_keep_size', 2048), 'WAL is kept for the standby');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
my $segment = $node->safe_psql('postgres', q{SELECT setting FROM pg_settings WHERE name = 'wal_segment_size'});
$node->safe_psql('postgres', "DO \$\$ BEGIN FOR i IN 0 .. 1024 ^ 3 / $segment LOOP PERFORM pg_logical_emit_message(false, 'po', 'x'), pg_switch_wal(); END LOOP; END \$\$");
my $behind = qr/(?:1\d{3} MB|\d GB) and \S+ s behind: what is read there is that old\.\|Look for long queries on the standby/;
like(bottleneck('replication', 'Standby behind is'), qr/^low\|0\|Standby behind is $behind/, 'a standby that is behind');
like(bottleneck('replication', 'Upstream', $standby), qr/^low\|0\|Upstream \S+ is $behind/, 'and itself says so');
open(STDERR, '>&', $errors);
$standby->stop('immediate');
$node->stop;
done_testing();
