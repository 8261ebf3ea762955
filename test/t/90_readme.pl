# The ten-minute path of README.md: its SQL blocks are run as they stand, in order, on a preloaded server.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Returns the SQL blocks of the section, in order.
sub blocks
{
	my $text = slurp_file("$ENV{TESTDIR}/README.md");
	my ($section) = $text =~ /^## From CREATE EXTENSION to a scheduled refresh\n(.*?)^## /ms;
	return ($section // '') =~ /^ *```sql\n(.*?)^ *```/msg;
}

my $node = PostgreSQL::Test::Cluster->new('readme');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements, perf_optimizer'\nmax_worker_processes = 20");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE platform');

my @blocks = blocks();
cmp_ok(scalar @blocks, '>', 5, 'the path has steps');
# What a step creates is what the step before it was told to create.
my %told = (suggest_indexes => qr/^(CREATE INDEX CONCURRENTLY .*);/m, matview_status => qr/^(CREATE UNIQUE INDEX .*);/m);
for my $step (1 .. @blocks)
{
	my ($ret, $out, $err) = $node->psql('platform', $blocks[$step - 1]);

	# One step shows the error that the next one cures.
	if ($blocks[$step - 1] =~ /-- fails/)
	{
		like($err, qr/Create a unique index/, "step $step fails as it says");
		next;
	}
	is($ret, 0, "step $step runs") or diag($blocks[$step - 1], $err);
	for my $function (grep { $blocks[$step - 1] =~ /$_/ } sort keys %told)
	{
		my ($statement) = $blocks[$step] =~ $told{$function};
		like($out, qr/\Q$statement\E/, "$function says what the next step does");
	}
}
ok($node->poll_query_until('platform',
	"SELECT count(*) >= 2 FROM perf_optimizer.job_runs WHERE name LIKE 'refresh%' AND status = 'succeeded'"),
	'the worker refreshes on schedule');
is($node->safe_psql('platform', "SELECT count(*) FROM perf_optimizer.job_runs WHERE status NOT IN ('succeeded', 'queued', 'running', 'skipped')"),
	'0', 'and no run failed');

# The table of settings names each, with its default and how it is changed.
my ($table) = slurp_file("$ENV{TESTDIR}/README.md") =~ /^## Settings\n(.*?)^## /ms;
my %documented = map { my @cell = split / *\| */; $cell[1] =~ /^`(perf_optimizer\.\w+)`$/ ? ($1 => $cell[3]) : () } split /\n/, $table // '';
my %by = (postmaster => 'restart', sighup => 'reload', superuser => 'superuser', user => 'session');
my %real = map { my ($name, $context) = split /\|/; ($name => $by{$context}) }
  split /\n/, $node->safe_psql('platform', q{SELECT name, context FROM pg_settings WHERE name LIKE 'perf\_optimizer.%' AND name <> 'perf_optimizer.test_clock_offset'});
is_deeply(\%documented, \%real, 'the table of settings is that of the server');
$node->stop;
done_testing();
