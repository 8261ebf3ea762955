# Incremental refresh where logs are lost or elsewhere: a crash with a prepared transaction open, a dump restored, a promoted standby, a
# logical subscriber. The view equals its query each time, and changes are noted again.
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin;
use PoCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('incremental');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', "fsync = off\nmax_prepared_transactions = 5\nlog_min_messages = fatal");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION perf_optimizer;
CREATE TABLE base (id int PRIMARY KEY, g int, n int);
INSERT INTO base SELECT i, i % 20, i FROM generate_series(1, 500) i;
CREATE MATERIALIZED VIEW sums AS SELECT g, count(*) AS c, sum(n) AS s FROM base GROUP BY g;
SELECT perf_optimizer.enable_incremental('sums');
SELECT perf_optimizer.refresh('sums');
SQL

# Refreshes; returns the mode and in how many rows the view differs from its query.
sub refreshed
{
	my ($server, $database) = @_;
	return $server->safe_psql($database, <<'SQL');
SELECT mode_used FROM perf_optimizer.refresh('sums');
WITH q AS (SELECT g, count(*) AS c, sum(n) AS s FROM base GROUP BY g)
SELECT count(*) FROM ((TABLE sums EXCEPT ALL TABLE q) UNION ALL (TABLE q EXCEPT ALL TABLE sums)) d;
SQL
}

# A change, and that the next refresh takes it in by itself.
sub notes_again
{
	my ($server, $database, $what) = @_;
	$server->safe_psql($database, 'UPDATE base SET g = g + 1 WHERE id = 17');
	is(refreshed($server, $database), "incremental\n0", "$what: changes are noted again");
}

notes_again($node, 'postgres', 'before');

# Locks of others on a table: enable_incremental gives up after moments, or when the session's own lock_timeout says so, and nothing is left behind.
sub enable
{
	my ($before) = @_;
	my ($ret, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\n$before SELECT perf_optimizer.enable_incremental('counts')");
	return $err;
}
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE busy (id int, k int);
CREATE MATERIALIZED VIEW counts AS SELECT b.k, count(*) AS c FROM busy b JOIN base ON base.id = b.id GROUP BY b.k;
BEGIN;
INSERT INTO busy VALUES (1, 1);
PREPARE TRANSACTION 'writer';
SQL
my $given_up = enable('');
like($given_up, qr/ERROR:  55P03: could not lock the tables of the view to make their triggers/, 'a writer keeps a view from being registered');
like($given_up, qr/DETAIL:  Transactions that write to them.*HINT:  Try again/s, 'and is named as the cause');
is($node->safe_psql('postgres', <<'SQL'), "0\n0\n0\n0", 'nothing is left behind');
SELECT count(*) FROM perf_optimizer.matview_incremental WHERE matview = 'counts'::regclass;
SELECT count(*) FROM perf_optimizer.matview_log WHERE base = 'busy'::regclass;
SELECT count(*) FROM pg_trigger WHERE tgrelid = 'busy'::regclass;
SELECT count(*) FROM pg_class WHERE relname = 'matview_log_' || 'busy'::regclass::oid;
SQL
$node->safe_psql('postgres', "COMMIT PREPARED 'writer'; BEGIN; LOCK TABLE busy; PREPARE TRANSACTION 'locker'");
like(enable("SET lock_timeout = '100ms';"), qr/ERROR:  55P03: canceling statement due to lock timeout/, "a lock that keeps readers out is waited for as long as lock_timeout says");
$node->safe_psql('postgres', "ROLLBACK PREPARED 'locker'");
is($node->safe_psql('postgres', "SET lock_timeout = '7min'; SELECT perf_optimizer.enable_incremental('counts') IS NOT NULL; SHOW lock_timeout"), "t\n7min", 'later it works, and the setting is as it was');
$node->safe_psql('postgres', "DROP TABLE busy CASCADE");

# A crash loses the log of a prepared transaction.
$node->safe_psql('postgres', "BEGIN; UPDATE base SET g = 99 WHERE id = 1; PREPARE TRANSACTION 'open'");
kill_server($node);
$node->start;
takes_connections($node) or die 'no server after a crash';
is(refreshed($node, 'postgres'), "concurrent\n0", 'after a crash the whole query is run');
is($node->safe_psql('postgres', "SELECT full_reason ~ 'being written' FROM perf_optimizer.matview_status WHERE incremental"), 't',
	'the prepared transaction keeps the log from being started');
$node->safe_psql('postgres', "COMMIT PREPARED 'open'");
is(refreshed($node, 'postgres'), "concurrent\n0", 'its changes are not lost');
like($node->safe_psql('postgres', "SELECT reason FROM perf_optimizer.refresh('sums', 'concurrent')"), qr/as asked for/, 'and another mode may be asked for');
notes_again($node, 'postgres', 'after the crash');

# A dump restored.
$node->safe_psql('postgres', 'CREATE DATABASE restored');
my $file = $node->basedir . '/dump.sql';
$node->command_ok([ 'pg_dump', '-f', $file, '-d', $node->connstr('postgres') ], 'the database can be dumped');
$node->command_ok([ 'psql', '-Xq', '-v', 'ON_ERROR_STOP=1', '-f', $file, '-o', '/dev/null', '-d', $node->connstr('restored') ], 'and restored');
is($node->safe_psql('restored', 'SELECT incremental FROM perf_optimizer.matview_status'), 't', 'the view is registered');
$node->safe_psql('restored', 'UPDATE base SET g = 3 WHERE id = 5');
is(refreshed($node, 'restored'), "concurrent\n0", 'its first refresh runs the whole query');
notes_again($node, 'restored', 'after a restore');
is($node->safe_psql('restored', "SELECT count(*) FROM pg_trigger WHERE tgrelid = 'base'::regclass AND NOT tgisinternal"), '2',
	'the triggers of the dump are not left behind');

# A log that is made in a transaction or a savepoint that is rolled back: the server starts after a crash, although nothing but the
# log itself flushes the WAL of its end.
$node->append_conf('postgresql.conf', "wal_writer_delay = '10s'");
$node->reload;
for my $undone ('BEGIN; %s; ROLLBACK', 'BEGIN; SAVEPOINT s; %s; ROLLBACK TO s; COMMIT', 'BEGIN; SAVEPOINT s; %s; RELEASE s; ROLLBACK')
{
	$node->safe_psql('postgres', 'CREATE TABLE IF NOT EXISTS other (id int, t text); CREATE MATERIALIZED VIEW IF NOT EXISTS others AS SELECT t, count(*) AS c FROM other GROUP BY t; CHECKPOINT');
	my $session = $node->background_psql('postgres');
	my ($before, $after) = split /%s/, $undone;
	$session->query_safe("$before SELECT perf_optimizer.enable_incremental('others')");
	$node->safe_psql('postgres', 'INSERT INTO base VALUES (1000, 1, 1); DELETE FROM base WHERE id = 1000');
	$session->query_safe($after =~ s/^; //r);
	kill_server($node);
	eval { $session->quit };
	ok($node->start(fail_ok => 1), "the server starts after a crash behind $undone") or BAIL_OUT('no server');
	is($node->safe_psql('postgres', "SELECT count(*) FROM pg_class WHERE relname = 'matview_log_' || 'other'::regclass::oid"), '0', 'and the log is gone');
}
$node->safe_psql('postgres', 'DROP TABLE other CASCADE');
is(refreshed($node, 'postgres'), "concurrent\n0", 'the other logs are empty after the crashes');
notes_again($node, 'postgres', 'after these crashes');
$node->append_conf('postgresql.conf', "wal_writer_delay = '200ms'");
$node->reload;

# A standby promoted.
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->safe_psql('postgres', 'UPDATE base SET g = 4 WHERE id = 6');
$node->wait_for_catchup($standby);
is($standby->safe_psql('postgres', 'SELECT incremental, pending_changes IS NULL, stale FROM perf_optimizer.matview_status'), 't|t|',
	'a standby, which has no logs, shows the view');
my ($ret, $out, $err) = $standby->psql('postgres', "SELECT perf_optimizer.refresh('sums')");
like($err, qr/cannot execute refresh of a materialized view/, 'and does not refresh it');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()') or die 'no promotion';
is(refreshed($standby, 'postgres'), "concurrent\n0", 'after a promotion the whole query is run');
notes_again($standby, 'postgres', 'after a promotion');

# A logical subscriber.
$standby->safe_psql('postgres', 'CREATE DATABASE subscriber');
$standby->safe_psql('subscriber', <<'SQL');
CREATE EXTENSION perf_optimizer;
CREATE TABLE base (id int PRIMARY KEY, g int, n int);
CREATE MATERIALIZED VIEW sums AS SELECT g, count(*) AS c, sum(n) AS s FROM base GROUP BY g;
SELECT perf_optimizer.enable_incremental('sums');
SELECT perf_optimizer.refresh('sums');
SQL
$node->safe_psql('postgres', 'CREATE PUBLICATION everything FOR ALL TABLES');
(my $connection = $node->connstr('postgres')) =~ s{'}{''}g;
$standby->safe_psql('subscriber', "CREATE SUBSCRIPTION sub CONNECTION '$connection' PUBLICATION everything WITH (copy_data = false)");
$node->safe_psql('postgres', 'DELETE FROM base; INSERT INTO base VALUES (1, 1, 1), (2, 1, 2), (3, NULL, 3); UPDATE base SET g = 2 WHERE id = 1');
$standby->poll_query_until('subscriber', 'SELECT count(*) = 3 AND min(g) = 1 AND max(g) = 2 FROM base') or die 'nothing was replicated';
is(refreshed($standby, 'subscriber'), "incremental\n0", 'what a subscription applies is noted');
is(refreshed($node, 'postgres'), "incremental\n0", 'a publication of all tables does not hinder the purge of the log');
$standby->safe_psql('subscriber', 'DROP SUBSCRIPTION sub');

$standby->stop;
$node->stop;
done_testing();
