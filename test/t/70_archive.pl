# A move that is killed, backend or whole server, at random moments beside a writer: each row is in exactly one table.
use strict;
use warnings;
use POSIX ();
use PoCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{PO_KILL_ROUNDS} || 6;
my $rows = 20000;
my $seed = $ENV{PO_SEED} || 42;
srand($seed);
note "seed $seed, $rounds kills";

my $node = PostgreSQL::Test::Cluster->new('archive');
$node->init;
$node->append_conf('postgresql.conf', "restart_after_crash = on\nfsync = off\nautovacuum_naptime = 1s\nlog_min_messages = warning");
$node->start;
$node->safe_psql('postgres', <<SQL);
CREATE EXTENSION perf_optimizer;
CREATE TABLE events (id int PRIMARY KEY, at timestamptz NOT NULL, version int NOT NULL DEFAULT 0, content text, check_sum text);
CREATE INDEX ON events (at);
INSERT INTO events SELECT i, now() - interval '1 year' - i * interval '1 minute', 0, repeat(md5(i::text), 4), md5(i || '/0') FROM generate_series(1, $rows) i;
SELECT perf_optimizer.create_archive_policy('events', 'at', '30 days', batch_rows => 100, max_rows_per_second => 8000);
-- Moves rows in and out of the range and changes them, for a while; the sum follows the version.
CREATE PROCEDURE write_for_a_while() LANGUAGE plpgsql AS \$\$
BEGIN
  FOR i IN 1 .. 100000 LOOP
    UPDATE events SET version = version + 1, check_sum = md5(id || '/' || (version + 1)),
      at = CASE WHEN random() < 0.5 THEN now() ELSE now() - interval '2 years' * random() - interval '31 days' END
      WHERE id IN (SELECT (random() * $rows)::int FROM generate_series(1, 5));
    COMMIT;
  END LOOP;
END \$\$;
SQL

# Waits until a query gives true; dies after a bound.
sub wait_until
{
	my ($query) = @_;
	$node->poll_query_until('postgres', $query) or die "timed out: $query";
}

# What is wrong with the rows of the two tables, as text; empty when all is right.
sub wrong_rows
{
	return $node->safe_psql('postgres', <<SQL);
SELECT count(*) || ' rows, ' || count(DISTINCT id) || ' ids, ' || count(*) FILTER (WHERE check_sum <> md5(id || '/' || version)
       OR content <> repeat(md5(id::text), 4)) || ' with wrong content, ' || count(*) FILTER (WHERE archived AND at > now() - interval '30 days') || ' taken too early'
  FROM (SELECT *, false AS archived FROM events UNION ALL SELECT *, true FROM events_archive) AS u
SQL
}

# Runs a statement in a psql of its own, without waiting for it; returns its process id.
sub run_beside
{
	my ($sql) = @_;
	my $pid = fork();
	die "fork: $!" unless defined $pid;
	return $pid if $pid;
	open(STDOUT, '>', '/dev/null');
	open(STDERR, '>', '/dev/null');
	exec('psql', '-X', '-q', '-d', $node->connstr('postgres'), '-c', $sql) or POSIX::_exit(127);
}

# Kills the postmaster and all its processes at once, as a power failure would, and waits until they are gone.
sub kill_server
{
	my @processes = split /\n/, $node->safe_psql('postgres', 'SELECT pid FROM pg_stat_activity WHERE pid <> pg_backend_pid()');
	my $postmaster = $node->{_pid};
	$node->kill9;
	kill 'KILL', @processes;
	for (1 .. 500)
	{
		return unless kill 0, $postmaster, @processes;
		usleep(20_000);
	}
	die 'the killed processes do not go away';
}

my $right = "$rows rows, $rows ids, 0 with wrong content, 0 taken too early";
is(wrong_rows(), $right, 'before');
my ($killed_backends, $killed_servers) = (0, 0);

for my $round (1 .. $rounds)
{
	my $before = $node->safe_psql('postgres', 'SELECT count(*) FROM events_archive');
	my @pids = map { run_beside($_) } 'CALL write_for_a_while()', "CALL perf_optimizer.run_archive('events')";
	wait_until("SELECT count(*) > $before FROM events_archive");
	usleep(int(rand(150_000)));
	if ($round % 2)
	{
		my $backend = $node->safe_psql('postgres',
			"SELECT pid FROM pg_stat_activity WHERE query LIKE 'CALL perf_optimizer.run_archive%' AND pid <> pg_backend_pid()");
		if ($backend)
		{
			kill 'KILL', $backend;
			$killed_backends++;
		}
		waitpid($_, 0) for @pids;
		takes_connections($node) or die 'the server does not come back';
	}
	else
	{
		kill_server();
		$killed_servers++;
		waitpid($_, 0) for @pids;
		$node->start;
	}
	is(wrong_rows(), $right, "after kill $round");
}
cmp_ok($killed_backends + $killed_servers, '>=', 2, "$killed_backends backends and $killed_servers servers were killed while they moved rows");

is($node->psql('postgres', "CALL perf_optimizer.run_archive('events')"), 0, 'a run after the crashes goes through');
is(wrong_rows(), $right, 'after it');
is($node->safe_psql('postgres', "SELECT count(*) FROM events WHERE at < now() - interval '31 days'"), '0', 'and leaves nothing old');
is($node->safe_psql('postgres', "SELECT count(*) FROM perf_optimizer.archive_runs WHERE status = 'running'"), '0', 'no run is left as running');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM perf_optimizer.archive_runs WHERE status = 'crashed'"), '>=', 1,
	'the killed ones are recorded as crashed');

$node->stop;
done_testing();
