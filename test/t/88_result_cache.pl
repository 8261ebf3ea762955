# cached_query among several sessions: what one commits the others see, one computes for all, and what happens when it does not.
# The random part: PO_CACHE_ROUNDS transactions of each client (default 150), PO_CACHE_SEED.
use strict;
use warnings;
use IPC::Run;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use PoCluster;

my $rounds = $ENV{PO_CACHE_ROUNDS} || 150;
my $seed = $ENV{PO_CACHE_SEED} || time();

my $node = PostgreSQL::Test::Cluster->new('result_cache');
$node->init(allows_streaming => 'logical');
$node->append_conf('postgresql.conf', <<'CONF');
shared_preload_libraries = 'perf_optimizer'
perf_optimizer.result_cache_size = '256kB'
perf_optimizer.run_jobs = off
max_prepared_transactions = 20
fsync = off
deadlock_timeout = '100ms'
CONF
$node->start;
$node->safe_psql('postgres', q{
	CREATE EXTENSION perf_optimizer;
	CREATE TABLE t (n int);
	INSERT INTO t VALUES (1);
	CREATE FUNCTION total() RETURNS text LANGUAGE sql VOLATILE AS
	$$ SELECT r ->> 'sum' FROM perf_optimizer.cached_query('SELECT sum(n) FROM t', '1 hour') r $$;
	CREATE FUNCTION hits() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT hits FROM perf_optimizer.result_cache_stats()'});

# What a call returns and whether it was served from the cache.
sub total
{
	my ($server) = @_;
	my ($before, $total, $after) = split /\n/, ($server || $node)->safe_psql('postgres', 'SELECT hits(); SELECT total(); SELECT hits()');
	return "$total " . ($after > $before ? 'served' : 'computed');
}

# How many results were computed so far.
sub computed { return $node->safe_psql('postgres', 'SELECT misses FROM perf_optimizer.result_cache_stats()'); }

# A session whose commands are run one by one.
sub session { return $node->background_psql('postgres', on_error_stop => 0, @_); }

# Writers of other sessions.
is(total(), '1 computed', 'the first call');
is(total(), '1 served', 'another session is served');
my $writer = session();
$writer->query_safe('BEGIN; INSERT INTO t VALUES (10)');
is(total(), '1 served', 'an open transaction does not matter');
is(answer($writer, 'SELECT total()'), '11', 'to its own session it does');
is(total(), '1 served', 'what that computes is not published');
$writer->query_safe('COMMIT');
is(total(), '11 computed', 'its commit does');
$writer->query_safe('BEGIN; INSERT INTO t VALUES (100); ROLLBACK');
is(total(), '11 served', 'a rollback does not');
append_to_file($node->basedir . '/rows', "100\n");
$writer->query_safe(sprintf q{COPY t FROM '%s'}, $node->basedir . '/rows');
is(total(), '111 computed', 'COPY');
is(total(), '111 served', 'is read once');
$writer->query_safe(q{BEGIN; UPDATE t SET n = 200 WHERE n = 100; PREPARE TRANSACTION 'p'});
is(total(), '111 served', 'a prepared transaction does not matter yet');
$writer->quit;
$node->stop('immediate');
$node->start;
is(total(), '111 computed', 'a crash empties the cache');
is(total(), '111 served', 'which works again');
$node->safe_psql('postgres', q{COMMIT PREPARED 'p'});
is(total(), '211 computed', 'COMMIT PREPARED after the crash');
$node->safe_psql('postgres', 'TRUNCATE t; INSERT INTO t VALUES (5)');
is(total(), '5 computed', 'TRUNCATE');

# A repeatable read caller sees its own snapshot.
my $old = session();
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
is(answer($old, "SELECT hits() AS h \\gset\nSELECT total()"), '5', 'repeatable read, nothing changed');
is(answer($old, 'SELECT hits() - :h'), '1', 'is served');
$node->safe_psql('postgres', 'INSERT INTO t VALUES (6)');
is(total(), '11 computed', 'a change');
is(answer($old, 'SELECT total()'), '5', 'which it does not see');
is(total(), '11 served', 'and whose result it leaves alone');
$old->query_safe('COMMIT');
is(answer($old, 'SELECT total()'), '11', 'afterwards it does');
$old->quit;

# Roles and databases.
$node->safe_psql('postgres', 'CREATE ROLE reader LOGIN');
is(total(), '11 computed', 'a change of roles may matter');
my ($rc, $out, $err) = $node->psql('postgres', 'SELECT total()', extra_params => [ '-U', 'reader' ]);
like($err, qr/permission denied/, 'a role without the right gets nothing');
$node->safe_psql('postgres', 'CREATE DATABASE other TEMPLATE postgres');
$node->safe_psql('other', 'INSERT INTO t VALUES (1000)');
is($node->safe_psql('other', 'SELECT total()'), '1011', 'another database has its own');
is(total(), '11 served', 'results');
$node->safe_psql('postgres', 'GRANT SELECT ON t TO reader; GRANT USAGE ON SCHEMA perf_optimizer TO reader');
is($node->safe_psql('postgres', 'SELECT total()', extra_params => [ '-U', 'reader' ]), '11', 'with the right it does');
$node->safe_psql('other', 'REVOKE ALL ON t FROM reader; ALTER ROLE reader SUPERUSER; ALTER ROLE reader NOSUPERUSER');
$node->safe_psql('postgres', 'REVOKE SELECT ON t FROM reader');
($rc, $out, $err) = $node->psql('postgres', 'SELECT total()', extra_params => [ '-U', 'reader' ]);
like($err, qr/permission denied/, 'a right that is revoked');

# One computes, the others wait, but not where that one waits for a lock.  The function is declared immutable, which it is not.
$node->safe_psql('postgres', q{
	CREATE TABLE gate ();
	CREATE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
	$$ BEGIN PERFORM pg_advisory_lock_shared(7); PERFORM pg_advisory_unlock_shared(7); RETURN $1; END $$});
my $slow = q{SELECT perf_optimizer.cached_query('SELECT slow(n) FROM t WHERE n = 5', '1 hour')};
my $gate = session();

# Starts sessions that run a command; returns them.
sub start
{
	my ($n, $sql) = @_;
	return map { my ($out, $err) = ('', ''); +{ out => \$out, err => \$err, run => IPC::Run::start([ 'psql', '-XAtq', '-d', $node->connstr('postgres'), '-c', $sql ], '>', \$out, '2>', \$err) } } 1 .. $n;
}

# Waits until n sessions wait for a kind of event.
sub waiting
{
	my ($n, $type, $name) = @_;
	return ok($node->poll_query_until('postgres', "SELECT count(*) >= $n FROM pg_stat_activity WHERE wait_event_type = '$type' AND query ~ 'cached_query' AND pid <> pg_backend_pid()"), $name);
}

$gate->query_safe('SELECT pg_advisory_lock(7)');
my @callers = start(6, $slow);
waiting(6, 'Lock', 'none waits for a session that waits for a lock');
$gate->query_safe('SELECT pg_advisory_unlock(7)');
$gate->quit;
$_->{run}->finish for @callers;
is(scalar(grep { ${ $_->{out} } eq qq({"slow": 5}\n) } @callers), 6, 'all get the result');

# The same with a query that spins until a file is there, which is no lock.
my $file = $node->basedir . '/go';
$node->safe_psql('postgres', qq{
	CREATE OR REPLACE FUNCTION slow(int) RETURNS int IMMUTABLE LANGUAGE plpgsql AS
	\$\$ BEGIN WHILE pg_stat_file('$file', true) IS NULL LOOP PERFORM pg_sleep(0.01); END LOOP; RETURN \$1; END \$\$});
my $computed = computed();
@callers = start(6, $slow);
waiting(5, 'Extension', 'five sessions wait for one');
append_to_file($file, '');
$_->{run}->finish for @callers;
is(scalar(grep { ${ $_->{out} } eq qq({"slow": 5}\n) } @callers), 6, 'all get the result');
is(computed() - $computed, 1, 'which was computed once');

# The computing session goes away: one takes over.
unlink $file;
$node->safe_psql('postgres', 'SELECT perf_optimizer.cache_invalidate()');
$computed = computed();
@callers = start(4, $slow);
waiting(3, 'Extension', 'three sessions wait');
is($node->safe_psql('postgres', q{SELECT count(pg_terminate_backend(pid)) FROM pg_stat_activity WHERE wait_event_type IS DISTINCT FROM 'Extension' AND query ~ 'cached_query' AND pid <> pg_backend_pid()}), '1', 'the computing one is terminated');
waiting(2, 'Extension', 'another takes over, two wait on');
is($node->safe_psql('postgres', q{SELECT count(pg_cancel_backend(pid)) FROM (SELECT pid FROM pg_stat_activity WHERE wait_event_type = 'Extension' AND query ~ 'cached_query' LIMIT 1) w}), '1', 'a waiting one is cancelled');
$node->poll_query_until('postgres', q{SELECT count(*) = 1 FROM pg_stat_activity WHERE wait_event_type = 'Extension' AND query ~ 'cached_query'});
append_to_file($file, '');
$_->{run}->finish for @callers;
is(scalar(grep { ${ $_->{out} } eq qq({"slow": 5}\n) } @callers), 2, 'the other two get the result');
is(computed() - $computed, 2, 'computed anew');

# What is invalidated, or overtaken by a writer, while it is computed is not kept.
for my $change ([ 'SELECT perf_optimizer.cache_invalidate()', 'invalidated' ], [ 'UPDATE t SET n = n', 'overtaken' ])
{
	unlink $file;
	$node->safe_psql('postgres', 'SELECT perf_optimizer.cache_invalidate()');
	$computed = computed();
	@callers = start(1, $slow);
	waiting(1, 'Timeout', 'a session computes');
	$node->safe_psql('postgres', $change->[0]);
	append_to_file($file, '');
	$_->{run}->finish for @callers;
	is(${ $callers[0]{out} }, qq({"slow": 5}\n), "the caller gets what was $change->[1]");
	$node->safe_psql('postgres', $slow);
	is(computed() - $computed, 2, 'the next one computes');
}

# A wait for a session that waits for a lock of ours ends.
$gate = session();
$gate->query_safe('BEGIN; LOCK TABLE gate IN ACCESS EXCLUSIVE MODE');
@callers = start(1, q{SELECT perf_optimizer.cached_query('SELECT count(*) FROM gate', '1 hour')});
waiting(1, 'Lock', 'the computing session waits for a lock');
is(answer($gate, q{SELECT perf_optimizer.cached_query('SELECT count(*) FROM gate', '1 hour')}), '{"count": 0}', 'who holds it does not wait for that session');
$gate->query_safe('COMMIT');
$_->{run}->finish for @callers;
is(${ $callers[0]{out} }, qq({"count": 0}\n), 'nor for ever the other');
$gate->quit;

# A cache that is full.
$node->safe_psql('postgres', q{SELECT perf_optimizer.cached_query('SELECT repeat($1::text, 3000) AS r', '1 hour', ARRAY[i::text]) FROM generate_series(1, 300) i});
is($node->safe_psql('postgres', q{SELECT evictions > 0, used_bytes <= max_bytes, entries > 5 FROM perf_optimizer.result_cache_stats()}), 't|t|t', 'others make room');
is($node->safe_psql('postgres', q{SELECT count(*) FROM generate_series(1, 300) i, perf_optimizer.cached_query('SELECT repeat($1::text, 3000) AS r', '1 hour', ARRAY[i::text]) r WHERE r ->> 'r' = repeat(i::text, 3000)}), '300', 'all are right');
is($node->safe_psql('postgres', q{SELECT sum(length(r ->> 'r')) FROM perf_optimizer.cached_query('SELECT repeat(''x'', 1000) AS r FROM generate_series(1, 1000)', '1 hour') r}), '1000000', 'a result larger than the cache');
$node->safe_psql('postgres', 'SELECT perf_optimizer.cache_invalidate()');
is($node->safe_psql('other', 'SELECT perf_optimizer.cache_invalidate() IS NOT NULL; SELECT entries, used_bytes FROM perf_optimizer.result_cache_stats()'), "t\n0|0", 'no memory is lost');

# Many sessions write and read.  n only grows, both tables get the same, what is rolled back is negative.
$node->safe_psql('postgres', q{
	CREATE TABLE a (id int, n bigint);
	CREATE TABLE b (id int, n bigint) PARTITION BY RANGE (id);
	CREATE TABLE b1 PARTITION OF b FOR VALUES FROM (0) TO (10);
	CREATE TABLE b2 PARTITION OF b FOR VALUES FROM (10) TO (20);
	INSERT INTO a VALUES (1, 0);
	INSERT INTO b VALUES (1, 0), (11, 0);
	CREATE FUNCTION cached(query text) RETURNS bigint LANGUAGE sql VOLATILE AS $$ SELECT (r ->> 's')::bigint FROM perf_optimizer.cached_query($1, '1 hour') r $$;
	CREATE PROCEDURE check_order() LANGUAGE plpgsql AS $$
	DECLARE a1 bigint := (SELECT sum(n) FROM a); b1 bigint := (SELECT sum(n) FROM b);
	  a2 bigint := cached('SELECT sum(n) AS s FROM a'); b2 bigint := cached('SELECT sum(n) AS s FROM b');
	  d bigint := cached('SELECT (SELECT sum(n) FROM a) - (SELECT sum(n) FROM b) AS s');
	  a3 bigint := (SELECT sum(n) FROM a); b3 bigint := (SELECT sum(n) FROM b);
	BEGIN
	  IF NOT (a1 <= a2 AND a2 <= a3 AND b1 <= b2 AND b2 <= b3 AND d = 0) THEN RAISE EXCEPTION 'stale or torn: a %, %, % b %, %, % d %', a1, a2, a3, b1, b2, b3, d; END IF;
	END $$;
	CREATE PROCEDURE check_same() LANGUAGE plpgsql AS $$
	BEGIN
	  IF (SELECT sum(n) FROM a) <> cached('SELECT sum(n) AS s FROM a') OR (SELECT sum(n) FROM b) <> cached('SELECT sum(n) AS s FROM b') THEN RAISE EXCEPTION 'another snapshot'; END IF;
	END $$});
my %scripts = (
	read => [ 30, 'CALL check_order();' ],
	repeatable => [ 10, "BEGIN ISOLATION LEVEL REPEATABLE READ;\nCALL check_same();\nCALL check_same();\nCOMMIT;" ],
	write => [ 4, "BEGIN;\nLOCK TABLE a, b IN SHARE ROW EXCLUSIVE MODE;\nUPDATE a SET n = n + 1 WHERE id = 1;\nUPDATE b SET n = n + 1 WHERE id = 1;\nCALL check_same();\nCOMMIT;" ],
	undo => [ 3, "BEGIN;\nLOCK TABLE a, b IN SHARE ROW EXCLUSIVE MODE;\nUPDATE a SET n = -1000;\nUPDATE b1 SET n = -1000;\nCALL check_same();\nROLLBACK;" ],
	savepoint => [ 2, "BEGIN;\nUPDATE a SET n = n + 1 WHERE id = 1;\nSAVEPOINT s;\nUPDATE b SET n = -1000 WHERE id = 11;\nROLLBACK TO s;\nUPDATE b2 SET n = n + 1 WHERE id = 11;\nCOMMIT;" ],
	prepare => [ 2, "BEGIN;\nUPDATE a SET n = n + 1 WHERE id = 1;\nUPDATE b SET n = n + 1 WHERE id = 1;\nPREPARE TRANSACTION 'p:client_id';\nCOMMIT PREPARED 'p:client_id';" ],
	truncate => [ 1, "BEGIN;\nLOCK TABLE a, b;\nSELECT sum(n) + 1 AS s FROM a \\gset\nTRUNCATE a, b;\nINSERT INTO a VALUES (1, :s);\nINSERT INTO b VALUES (1, 0), (11, :s);\nCOMMIT;" ],
	copy => [ 1, "BEGIN;\nCOPY a FROM '" . $node->basedir . "/more';\nINSERT INTO b2 VALUES (12, 100);\nCOMMIT;" ]);
append_to_file($node->basedir . '/more', "2\t100\n");
my @files;
for my $name (sort keys %scripts)
{
	append_to_file($node->basedir . "/$name.sql", "$scripts{$name}[1]\n");
	push @files, '-f', $node->basedir . "/$name.sql\@$scripts{$name}[0]";
}
note("seed $seed");
my $before = $node->safe_psql('postgres', 'SELECT hits()');
$node->command_ok([ 'pgbench', '-n', '-c', '6', '-j', '2', '-t', $rounds, "--random-seed=$seed", '-M', 'simple', '--max-tries=100', @files, 'postgres' ],
	'no reader is served what is stale, torn or was rolled back');
cmp_ok($node->safe_psql('postgres', 'SELECT hits()') - $before, '>', $rounds / 2, 'and many are served');
$node->safe_psql('postgres', 'CALL check_order(); CALL check_same()');

# Logical replication passes no hook: any of its transactions is a change of everything.
my $subscriber = PostgreSQL::Test::Cluster->new('result_cache_subscriber');
$subscriber->init(allows_streaming => 'logical');
$subscriber->append_conf('postgresql.conf', "shared_preload_libraries = 'perf_optimizer'\nperf_optimizer.run_jobs = off\nfsync = off\nautovacuum = off");
$subscriber->start;
$subscriber->safe_psql('postgres', q{
	CREATE EXTENSION perf_optimizer;
	CREATE TABLE t (n int);
	CREATE FUNCTION total() RETURNS text LANGUAGE sql VOLATILE AS
	$$ SELECT r ->> 'sum' FROM perf_optimizer.cached_query('SELECT sum(n) FROM t', '1 hour') r $$;
	CREATE FUNCTION hits() RETURNS bigint LANGUAGE sql VOLATILE AS 'SELECT hits FROM perf_optimizer.result_cache_stats()'});
$node->safe_psql('postgres', 'TRUNCATE t; INSERT INTO t VALUES (1); CREATE PUBLICATION p FOR TABLE t');
$subscriber->safe_psql('postgres', sprintf q{CREATE SUBSCRIPTION s CONNECTION '%s' PUBLICATION p}, $node->connstr . ' dbname=postgres');
$subscriber->wait_for_subscription_sync($node, 's');
is(total($subscriber), '1 computed', 'on a subscriber');
is(total($subscriber), '1 served', 'results are kept');
$node->safe_psql('postgres', 'INSERT INTO t VALUES (2)');
$node->wait_for_catchup('s');
is(total($subscriber), '3 computed', 'until something is applied');
$subscriber->safe_psql('postgres', 'DROP SUBSCRIPTION s');
$subscriber->stop;

# A standby computes each time, or serves what may be stale on request.
$node->backup('b');
my $standby = PostgreSQL::Test::Cluster->new('result_cache_standby');
$standby->init_from_backup($node, 'b', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);
is(total($standby), '3 computed', 'on a standby');
is(total($standby), '3 computed', 'each call computes');
is($standby->safe_psql('postgres', "SET perf_optimizer.result_cache_stale = on; SELECT total() || total()"), '33', 'stale results on request');
is($standby->safe_psql('postgres', "SELECT stale > 0 FROM perf_optimizer.result_cache_stats()"), 't', 'are served');
$standby->promote;
$standby->poll_query_until('postgres', 'SELECT NOT pg_is_in_recovery()');
is(total($standby), '3 computed', 'after the promotion those are worthless');
is(total($standby), '3 served', 'and others are kept');
$standby->stop;

# Off and not preloaded.
for my $off ([ 'perf_optimizer.result_cache_size = 0', qr/the result cache is off/ ], [ "shared_preload_libraries = ''", qr/needs perf_optimizer in shared_preload_libraries/ ])
{
	$node->append_conf('postgresql.conf', $off->[0]);
	$node->restart;
	($rc, $out, $err) = $node->psql('postgres', 'SELECT total()');
	like($err, $off->[1], $off->[0]);
	$node->safe_psql('postgres', 'INSERT INTO t VALUES (1)');
}
$node->stop;
done_testing();
