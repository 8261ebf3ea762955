# Refreshes beside writers, with the server killed in between: at each quiet point a view equals its query, indexes are clean.
use strict;
use warnings;
use POSIX ();
use FindBin;
use lib $FindBin::RealBin;
use PoCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{PO_REFRESH_ROUNDS} || 3;
my $seconds = 2;

my $node = PostgreSQL::Test::Cluster->new('matview');
$node->init;
$node->append_conf('postgresql.conf', "fsync = off\nlog_min_messages = warning");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION perf_optimizer;
CREATE EXTENSION amcheck;
CREATE TABLE base (id serial PRIMARY KEY, k int, g int, n numeric, t text);
INSERT INTO base (k, g, n, t) SELECT nullif(i % 50, 0), i % 7, i, CASE WHEN i % 10 = 0 THEN repeat(md5(i::text), 200) ELSE 'x' || i % 5 END
  FROM generate_series(1, 10000) i;
CREATE MATERIALIZED VIEW groups AS SELECT k, g, count(*) AS c, sum(n) AS s, max(t) AS m FROM base GROUP BY k, g;
CREATE UNIQUE INDEX ON groups (k, g);
CREATE INDEX ON groups (s);
CREATE MATERIALIZED VIEW plain_rows AS SELECT k, n, t FROM base WHERE n < 8000;
CREATE INDEX ON plain_rows (k);
SQL

# Moves between groups, NULL keys, aborted savepoints, deletes and duplicates.
my $writer = $node->basedir . '/writer.sql';
append_to_file($writer, <<'SQL');
\set a random(1, 10000)
\set b random(1, 50)
\set c random(0, 7)
BEGIN;
UPDATE base SET n = n + 1, k = nullif(:b, 50) WHERE id = :a;
SAVEPOINT s;
UPDATE base SET g = :c WHERE id = :a + 1;
ROLLBACK TO s;
INSERT INTO base (k, g, n, t) VALUES (:b, :c, :a, NULL);
DELETE FROM base WHERE id = (SELECT id FROM base WHERE id > :a LIMIT 1);
COMMIT;
SQL
my $refresher = $node->basedir . '/refresher.sql';
append_to_file($refresher, <<'SQL');
\set m random(1, 10)
SELECT perf_optimizer.refresh('groups', CASE WHEN :m = 1 THEN 'full' ELSE 'concurrent' END);
SELECT perf_optimizer.refresh('plain_rows', CASE WHEN :m = 1 THEN 'full' ELSE 'auto' END);
SQL

# Starts pgbench with a script in the background; returns its process id.
sub bench
{
	my ($script, $clients) = @_;
	my $pid = fork();
	die "fork: $!" unless defined $pid;
	return $pid if $pid;
	open(STDOUT, '>', $node->basedir . "/bench.$$.log");
	open(STDERR, '>&', \*STDOUT);
	exec('pgbench', '-n', '-c', $clients, '-T', $seconds, '-f', $script, '-h', $node->host, '-p', $node->port, 'postgres')
		or POSIX::_exit(127);
}

# Refreshes both views and returns how many rows differ from the queries; dies when an index is damaged.
sub differences
{
	return $node->safe_psql('postgres', <<'SQL');
DO $$ BEGIN PERFORM perf_optimizer.refresh('groups', 'concurrent'), perf_optimizer.refresh('plain_rows', 'concurrent'); END $$;
DO $$ BEGIN PERFORM bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid IN ('groups'::regclass, 'plain_rows'::regclass); END $$;
WITH g AS (SELECT k, g, count(*) AS c, sum(n) AS s, max(t) AS m FROM base GROUP BY k, g),
     p AS (SELECT k, n, t FROM base WHERE n < 8000)
SELECT (SELECT count(*) FROM ((TABLE groups EXCEPT ALL TABLE g) UNION ALL (TABLE g EXCEPT ALL TABLE groups)) AS d)
     + (SELECT count(*) FROM ((TABLE plain_rows EXCEPT ALL TABLE p) UNION ALL (TABLE p EXCEPT ALL TABLE plain_rows)) AS d);
SQL
}

is(differences(), '0', 'before');
for my $round (1 .. $rounds)
{
	my $last = $node->safe_psql('postgres', 'SELECT coalesce(max(last_refresh), now()) FROM perf_optimizer.matview_status');
	my @pids = (bench($writer, 3), bench($refresher, 2));
	$node->poll_query_until('postgres', "SELECT max(last_refresh) > '$last' FROM perf_optimizer.matview_status")
		or die 'no refresh beside the writers';
	if ($round % 2 == 0)
	{
		usleep(int(rand(500_000)));
		kill_server($node);
	}
	my $failed = grep { waitpid($_, 0); $? != 0 } @pids;
	if ($round % 2 == 0)
	{
		$node->start;
		is(differences(), '0', "round $round: the server was killed, the views equal their queries");
	}
	else
	{
		is($failed, 0, "round $round: no writer and no refresh failed");
		is(differences(), '0', "round $round: the views equal their queries");
	}
}

# A cancelled refresh leaves the view as it was and its locks free.
$node->safe_psql('postgres', <<'SQL');
CREATE TABLE kept (i int);
INSERT INTO kept VALUES (1), (2);
CREATE FUNCTION wait_and_pass(i int) RETURNS int LANGUAGE plpgsql AS $$ BEGIN PERFORM pg_sleep(current_setting('po.sleep', true)::float8); RETURN i; END $$;
ALTER DATABASE postgres SET po.sleep = 0;
SQL
$node->safe_psql('postgres', 'CREATE MATERIALIZED VIEW waiting AS SELECT wait_and_pass(i) AS i FROM kept');
$node->safe_psql('postgres', 'DELETE FROM kept; ALTER DATABASE postgres SET po.sleep = 20; INSERT INTO kept VALUES (3)');
my ($ret, $out, $err) = $node->psql('postgres', "SET statement_timeout = '500ms'; SELECT perf_optimizer.refresh('waiting', 'concurrent')");
like($err, qr/canceling statement due to statement timeout/, 'a refresh can be cancelled');
is($node->safe_psql('postgres', 'SELECT array_agg(i ORDER BY i) FROM waiting'), '{1,2}', 'which leaves the view as it was');
$node->safe_psql('postgres', 'ALTER DATABASE postgres SET po.sleep = 0');
is($node->safe_psql('postgres', "SELECT rows_inserted, rows_deleted FROM perf_optimizer.refresh('waiting', 'concurrent')"),
	'1|2', 'and the next one finds its locks free');

$node->stop;
done_testing();
