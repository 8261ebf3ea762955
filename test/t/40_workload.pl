# slow_queries on a server that preloads nothing: one clear error with a hint, before and after CREATE EXTENSION.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('plain');
$node->init;
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION perf_optimizer');

# Returns the SQLSTATE, message and hint of a call of slow_queries.
sub refusal
{
	my ($ret, $out, $err) = $node->psql('postgres', '\set VERBOSITY verbose
		SELECT * FROM perf_optimizer.slow_queries()');
	return $err;
}

like(refusal(), qr/55000: slow_queries needs the extension pg_stat_statements in this database/, 'not created: refused');
like(refusal(), qr/HINT: .*shared_preload_libraries.*CREATE EXTENSION pg_stat_statements/, 'with both steps as the hint');

$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements');
like(refusal(), qr/55000: slow_queries needs pg_stat_statements in shared_preload_libraries/, 'not preloaded: refused');
like(refusal(), qr/HINT: .*restart the server/, 'with the step as the hint');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements'");
$node->restart;
$node->safe_psql('postgres', 'SELECT 1');
is($node->safe_psql('postgres', 'SELECT count(*) > 0 FROM perf_optimizer.slow_queries()'),
	't', 'with pg_stat_statements alone preloaded it works');

my $notice = ($node->psql('postgres', 'SELECT * FROM perf_optimizer.slow_queries(); SELECT * FROM perf_optimizer.slow_queries()'))[2];
like($notice, qr/NOTICE:  p50_ms, p95_ms, p99_ms and some findings need perf_optimizer in shared_preload_libraries/, 'it says which columns need preloading');
is(() = $notice =~ /NOTICE/g, 1, 'once in a session');
like(($node->psql('postgres', "SELECT * FROM perf_optimizer.slow_queries(order_by => 'p95')"))[2],
	qr/order_by "p95" needs perf_optimizer in shared_preload_libraries/, 'but has no percentiles to order by');

$node->stop;
done_testing();
