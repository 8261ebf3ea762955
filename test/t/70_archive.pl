# A move that is killed at random moments, backend, worker or whole server, beside writers and DDL: each row is in exactly one
# table.  PO_KILL_ROUNDS kills (test/fuzz/archive_kills does many), PO_SEED repeats a sequence.
use strict;
use warnings;
use POSIX ();
use PoCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use Time::HiRes qw(usleep);

my $rounds = $ENV{PO_KILL_ROUNDS} || 30;
my $rows = 20000;
my $seed = $ENV{PO_SEED} || 42;
srand($seed);
note "seed $seed, $rounds kills";

my $node = PostgreSQL::Test::Cluster->new('archive');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'perf_optimizer'\nmax_worker_processes = 20\n"
	  . "restart_after_crash = on\nfsync = off\nautovacuum_naptime = 1s\nlog_min_messages = warning");
$node->start;
$node->safe_psql('postgres', <<SQL);
CREATE EXTENSION perf_optimizer;
CREATE TABLE events (id int PRIMARY KEY, at timestamptz NOT NULL, version int NOT NULL DEFAULT 0, content text, check_sum text);
CREATE INDEX ON events (at);
INSERT INTO events SELECT i, now() - interval '1 year' - i * interval '1 minute', 0, repeat(md5(i::text), 4), md5(i || '/0') FROM generate_series(1, $rows) i;
SELECT perf_optimizer.create_archive_policy('events', 'at', '30 days', batch_rows => 100, max_rows_per_second => 8000, schedule => '\@yearly');
CREATE SEQUENCE more START $rows;
SELECT nextval('more');
-- Moves rows in and out of the range and changes them, for a while; the sum follows the version.  Rows with greater numbers
-- come and go, and the table's definition changes.
CREATE PROCEDURE write_for_a_while() LANGUAGE plpgsql AS \$\$
BEGIN
  FOR i IN 1 .. 100000 LOOP
    INSERT INTO events SELECT nextval('more'), now() - interval '2 years' * random(), 0, repeat(md5(currval('more')::text), 4), md5(currval('more') || '/0');
    DELETE FROM events WHERE id = $rows + 1 + (random() * (SELECT last_value - $rows FROM more))::int;
    COMMIT;
    IF i % 200 = 0 THEN
      ALTER TABLE events ADD CONSTRAINT positive CHECK (id > 0) NOT VALID;
      CREATE INDEX later ON events (version);
      COMMIT;
      ALTER TABLE events DROP CONSTRAINT positive;
      DROP INDEX later;
      COMMIT;
    END IF;
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
SELECT count(*) FILTER (WHERE id <= $rows) || ' rows, ' || count(DISTINCT id) FILTER (WHERE id <= $rows) || ' ids, ' || count(*) - count(DISTINCT id) || ' twice, ' || count(*) FILTER (WHERE check_sum <> md5(id || '/' || version)
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

my $right = "$rows rows, $rows ids, 0 twice, 0 with wrong content, 0 taken too early";
is(wrong_rows(), $right, 'before');
my %killed = (backend => 0, worker => 0, server => 0);
my $job = $node->safe_psql('postgres', "SELECT job_id FROM perf_optimizer.jobs WHERE kind = 'archive'");
my $moving = "query LIKE 'CALL perf_optimizer.run_archive%' AND pid <> pg_backend_pid()";

for my $round (1 .. $rounds)
{
	my $kind = (qw(backend worker server))[ $round % 3 ];
	# A crash leaves a run that the scheduler does again by itself; it must not be in the way of this one.
	$node->safe_psql('postgres', "SELECT perf_optimizer.cancel_run(run_id) FROM perf_optimizer.job_runs WHERE status IN ('queued', 'running')");
	wait_until("SELECT NOT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE status IN ('queued', 'running'))");
	$node->safe_psql('postgres', 'WITH back AS (DELETE FROM events_archive RETURNING *) INSERT INTO events SELECT * FROM back');
	my @pids = (run_beside('CALL write_for_a_while()'));
	if ($kind eq 'worker')
	{
		$node->safe_psql('postgres', "SELECT perf_optimizer.run_job($job)");
	}
	else
	{
		push @pids, run_beside("CALL perf_optimizer.run_archive('events')");
	}
	wait_until("SELECT EXISTS (SELECT FROM events_archive)");
	usleep(int(rand(150_000)));
	if ($kind eq 'server')
	{
		kill_server($node);
		$killed{server}++;
		waitpid($_, 0) for @pids;
		$node->start;
	}
	else
	{
		my $pid = $node->safe_psql('postgres', "SELECT pid FROM pg_stat_activity WHERE $moving LIMIT 1");
		if ($pid)
		{
			crash($node, $pid) or die 'the server does not come back';
			$killed{$kind}++;
		}
		else
		{
			$node->stop('immediate');
			$node->start;
		}
		waitpid($_, 0) for @pids;
	}
	is(wrong_rows(), $right, "after kill $round, $kind");
}
note join(', ', map { "$killed{$_} ${_}s" } sort keys %killed) . ' were killed while they moved rows';
cmp_ok($killed{$_}, '>=', 1, "a $_ was killed while rows moved") for sort keys %killed;

$node->safe_psql('postgres', "SELECT perf_optimizer.pause_all_jobs(); SELECT perf_optimizer.cancel_run(run_id) FROM perf_optimizer.job_runs WHERE status IN ('queued', 'running')");
wait_until("SELECT NOT EXISTS (SELECT FROM pg_stat_activity WHERE $moving)");
is($node->psql('postgres', "CALL perf_optimizer.run_archive('events')"), 0, 'a run after the crashes goes through');
is(wrong_rows(), $right, 'after it');
is($node->safe_psql('postgres', "SELECT count(*) FROM events WHERE at < now() - interval '31 days'"), '0', 'and leaves nothing old');
is($node->safe_psql('postgres', "SELECT count(*) FROM perf_optimizer.archive_runs WHERE status = 'running'"), '0', 'no run is left as running');
cmp_ok($node->safe_psql('postgres', "SELECT count(*) FROM perf_optimizer.archive_runs WHERE status = 'crashed'"), '>=', 1,
	'the killed ones are recorded as crashed');

$node->stop;
done_testing();
