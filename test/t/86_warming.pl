# warm_cache as a job after each start of the server: what was hot is in shared buffers again, though nobody read it.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('warm');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'perf_optimizer'\nmax_worker_processes = 20\nshared_buffers = 32MB\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION perf_optimizer;
CREATE EXTENSION pg_prewarm;
CREATE TABLE "Hot" AS SELECT g AS id, repeat('x', 200) AS v FROM generate_series(1, 20000) g;
ANALYZE "Hot";
SELECT count(*) FROM "Hot";
SELECT perf_optimizer.schedule_command('warm the cache', '@reboot', 'SELECT * FROM perf_optimizer.warm_cache()');
SQL
my $runs = q{SELECT count(*) FROM perf_optimizer.job_runs WHERE name = 'warm the cache' AND status = 'succeeded' AND detail ~ '^SELECT [1-9]'};
my $before = $node->safe_psql('postgres', $runs);
$node->restart;
ok($node->poll_query_until('postgres', "SELECT ($runs) > $before"), 'the job has run after the start');
is($node->safe_psql('postgres', q{SELECT cached_before_ratio FROM perf_optimizer.warm_cache(ARRAY['"Hot"'::regclass])}), '1', 'the table is there, though nobody has read it');
$node->stop;
done_testing();
