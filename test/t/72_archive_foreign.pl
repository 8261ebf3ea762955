# A move to a table of another server: at least once when this server is killed, and exact after the next run.
use strict;
use warnings;
use POSIX ();
use PoCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rows = 3000;
my $far = PostgreSQL::Test::Cluster->new('far');
$far->init;
$far->start;
$far->safe_psql('postgres', 'CREATE TABLE kept (id int, at timestamptz NOT NULL, j jsonb, f float8, "Old Name" text, PRIMARY KEY (id, at))');

my $node = PostgreSQL::Test::Cluster->new('near');
$node->init;
$node->append_conf('postgresql.conf', 'log_min_messages = warning');
$node->start;
my ($host, $port) = ($far->host, $far->port);
$node->safe_psql('postgres', <<SQL);
CREATE EXTENSION perf_optimizer;
CREATE EXTENSION postgres_fdw;
CREATE SERVER far FOREIGN DATA WRAPPER postgres_fdw OPTIONS (host '$host', port '$port', dbname 'postgres');
CREATE USER MAPPING FOR CURRENT_USER SERVER far;
CREATE TABLE events ("Name" text, f float8, id int, at timestamptz NOT NULL, j jsonb, PRIMARY KEY (id, at));
CREATE INDEX ON events (at);
INSERT INTO events SELECT 'n' || i, 1.0 / i, i, now() - interval '1 year' - i * interval '1 minute', jsonb_build_object('i', i) FROM generate_series(1, $rows) i;
CREATE FOREIGN TABLE far_events (id int, at timestamptz NOT NULL, j jsonb, f float8, "Name" text OPTIONS (column_name 'Old Name')) SERVER far OPTIONS (table_name 'kept');
CREATE TABLE before AS TABLE events;
SQL

sub sql { return $node->safe_psql('postgres', $_[0]); }

# How many rows are nowhere, and how many on both sides; and whether each has its content.
sub state_of
{
	return sql(<<'SQL');
SELECT (SELECT count(*) FROM before b WHERE NOT EXISTS (SELECT FROM events e WHERE e.id = b.id) AND NOT EXISTS (SELECT FROM far_events f WHERE f.id = b.id)) || ' lost, '
  || (SELECT count(*) FROM (SELECT "Name", f, id, at, j FROM events UNION ALL SELECT "Name", f, id, at, j FROM far_events) u JOIN before b USING (id)
      WHERE b::text IS DISTINCT FROM ROW(u."Name", u.f, id, u.at, u.j)::text) || ' changed'
SQL
}

my ($rc, $out, $err) = $node->psql('postgres', "SELECT perf_optimizer.create_archive_policy('events', 'at', '30 days', 'copy', destination => 'far_events')");
like($err, qr/cannot skip what is in foreign table/, 'copy is refused');
($rc, $out, $err) = $node->psql('postgres', "SELECT perf_optimizer.create_archive_policy('before', 'at', '30 days', destination => 'far_events')");
like($err, qr/has no primary key, by which a move to another server/, 'a table without a key too');
sql("SELECT perf_optimizer.create_archive_policy('events', 'at', '30 days', destination => 'far_events', batch_rows => 50, max_rows_per_second => 3000)");
is(sql("SELECT blockers FROM perf_optimizer.preview_archive('events')"), '{}', 'nothing stands against the move');

# What an interrupted run can leave: rows of a batch that are on the other server and have not left this one.
sql("INSERT INTO far_events (id, at, j, f, \"Name\") SELECT id, at, j, f, \"Name\" FROM events WHERE id BETWEEN 2900 AND 2960");
is(sql("SELECT found FROM perf_optimizer.verify_archive('events') WHERE check_name = 'rows in both tables'"), '61', 'rows on both sides are found');
for my $round (1 .. 3)
{
	my $before = sql('SELECT count(*) FROM far_events');
	my $pid = fork();
	die "fork: $!" unless defined $pid;
	if ($pid == 0)
	{
		open(STDOUT, '>', '/dev/null');
		open(STDERR, '>', '/dev/null');
		exec('psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', "CALL perf_optimizer.run_archive('events')") or POSIX::_exit(127);
	}
	$node->poll_query_until('postgres', "SELECT count(*) > $before OR NOT EXISTS (SELECT FROM events) FROM far_events") or die 'nothing moves';
	usleep(int(rand(60_000)));
	$node->stop('immediate');
	waitpid($pid, 0);
	$node->start;
	is(state_of(), '0 lost, 0 changed', "after stop $round");
}
sql("CALL perf_optimizer.run_archive('events')");
is(sql('SELECT count(*) FROM events'), '0', 'the next run takes the rest');
is(sql('SELECT count(*) FROM far_events'), $rows, 'each row once');
is(state_of(), '0 lost, 0 changed', 'unchanged');
is(sql("SELECT string_agg(check_name || ' ' || ok, ', ' ORDER BY check_name) FROM perf_optimizer.verify_archive('events')"), 'content of the archive true, rows in both tables true, rows in the archive true', 'and verified, with their content');

# A row there with the same key and another content is no copy.
sql("INSERT INTO events SELECT 'other', f, id, at, j FROM before WHERE id = 7");
($rc, $out, $err) = $node->psql('postgres', "CALL perf_optimizer.run_archive('events')");
like($err, qr/rows left table "events" but 0 arrived/, 'a row that differs from the one there is not taken');
is(sql('SELECT count(*) FROM events'), '1', 'and stays');
($rc, $out, $err) = $node->psql('postgres', "CALL perf_optimizer.restore_archive('events', '-infinity', 'infinity')");
like($err, qr/the archive is on another server/, 'rows are not brought back from another server');

# The other server does not answer: nothing is lost; and its rows are purged.
$far->stop;
($rc, $out, $err) = $node->psql('postgres', "CALL perf_optimizer.run_archive('events')");
isnt($rc, 0, 'a run without the other server fails');
is(sql('SELECT count(*) FROM events'), '1', 'with nothing lost');
$far->start;
sql("DELETE FROM events; SELECT perf_optimizer.alter_archive_policy('events', purge_after => '1 year 1 day 5 minutes'); CALL perf_optimizer.run_archive('events')");
like(sql('SELECT rows_purged FROM perf_optimizer.archive_runs ORDER BY run_id DESC LIMIT 1'), qr/^1[456]\d\d$/, 'old rows there are purged');

$node->stop;
$far->stop;
done_testing();
