# Bottlenecks provoked on a server of their own: cpu, connections, cache, checkpoints, clients, locks, replication.
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

# Waits until a component is named a bottleneck; returns its row.
sub bottleneck
{
	my ($component) = @_;
	$node->poll_query_until('postgres', qq{SELECT count(*) > 0 FROM perf_optimizer.bottlenecks() WHERE component = '$component'}) or return '';
	return $node->safe_psql('postgres', qq{SELECT severity || '|' || impact_pct || '|' || message || '|' || recommendation FROM perf_optimizer.bottlenecks() WHERE component = '$component'});
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

# The ring of looks begins anew with the server.
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

$node->append_conf('postgresql.conf', "synchronous_standby_names = 'nobody'");
$node->reload;
ok($node->poll_query_until('postgres', q{SELECT setting = 'nobody' FROM pg_settings WHERE name = 'synchronous_standby_names'}), 'commits wait for a standby that is not there');
my @commits = map { start_session("CREATE TABLE po_waits_$_ (id int)") } 1 .. 4;
like(bottleneck('replication'), qr/^\w+\|\d[\d.]*\|\d+ % of the load of the last 15 minutes waited at commit for a standby/, 'commits that wait for a standby');
ok($node->poll_query_until('postgres', q{SELECT set_config('synchronous_commit', 'local', false) IS NOT NULL AND perf_optimizer.take_snapshot() > 0 AND sum(seconds) FILTER (WHERE wait_class = 'replication') > 25 FROM perf_optimizer.load_history}), 'and are in the history');
$node->append_conf('postgresql.conf', "synchronous_standby_names = ''");
$node->reload;
close $_ for @commits;

# The history, where the looks are too few.
$node->restart;
is($node->safe_psql('postgres', q{SELECT perf_optimizer.load_facts() ->> 'source'}), 'the last day', 'after a restart the history tells');
like(bottleneck('replication'), qr/ % of the load of the last day waited at commit/, 'what held up the load');
open(STDERR, '>&', $errors);
$node->stop;
done_testing();
