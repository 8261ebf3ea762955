# Random changes and refreshes side by side (test/fuzz/RefreshFuzz.pm, RandomViews.pm): a short run. For a long one:
#   PO_REFRESH_FUZZ_ROUNDS=2000 PO_REFRESH_FUZZ_SEED=7 make test TESTS=t/61
use strict;
use warnings;
use FindBin;
use lib $FindBin::RealBin, "$FindBin::RealBin/../fuzz";
use POSIX ();
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use RefreshFuzz;
use Test::More;

my $rounds = $ENV{PO_REFRESH_FUZZ_ROUNDS} || 12;
my $seed = $ENV{PO_REFRESH_FUZZ_SEED} || time();

my $node = PostgreSQL::Test::Cluster->new('refresh_fuzz');
$node->init(extra => [ '--encoding=UTF8', '--locale=C' ]);
$node->append_conf('postgresql.conf', <<'CONF');
fsync = off
restart_after_crash = on
max_prepared_transactions = 20
wal_level = logical
max_wal_senders = 4
wal_retrieve_retry_interval = 200ms
log_min_messages = fatal
autovacuum_naptime = 1s
CONF
$node->start;

note("seed $seed");
my ($faults, $modes) = run_rounds($node, $rounds, $seed);
is($faults, 0, "$rounds rounds with seed $seed: every view equals its query at each quiet point")
	or diag("seed $seed");
ok($modes->{incremental}, 'some refreshes were incremental');
note(join(', ', map { "$_ $modes->{$_}" } sort keys %$modes));

ok(run_log([ 'pg_amcheck', '--heapallindexed', '-h', $node->host, '-p', $node->port, 'postgres' ]), 'pg_amcheck finds nothing');

$node->stop;
done_testing();
