# What monitoring systems read, on a server with a standby: the text format, the configuration of sql_exporter and every query of the dashboard in doc/;
# promtool judges too where it is installed.  And what a standby says of itself.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Returns the content of a file of the project.
sub slurp_doc
{
	my ($name) = @_;
	my $file = ($ENV{TESTDIR} // '.') . "/doc/$name";
	open(my $in, '<', $file) or die "$file: $!";
	local $/;
	return <$in>;
}

my $node = PostgreSQL::Test::Cluster->new('primary');
$node->init(allows_streaming => 1);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements,perf_optimizer'\nmax_worker_processes = 20");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION perf_optimizer');
$node->backup('copy');
my $standby = PostgreSQL::Test::Cluster->new('standby');
$standby->init_from_backup($node, 'copy', has_streaming => 1);
$standby->start;
$node->wait_for_catchup($standby);

# A job's run and a label that must be escaped.
$node->safe_psql('postgres', q{SELECT perf_optimizer.schedule_command('odd', '@yearly', 'SELECT 1')});
my $run = $node->safe_psql('postgres', q{SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs});
$node->safe_psql('postgres', "CALL perf_optimizer.await_run($run)");
$node->safe_psql('postgres', 'SELECT count(*) FROM pg_class');
# A latency objective, with executions since it was set.
$node->safe_psql('postgres', q{SELECT perf_optimizer.set_latency_target('all', 1000); SELECT perf_optimizer.take_snapshot()});
$node->safe_psql('postgres', $_) for 'SELECT count(*) FROM pg_class', 'SELECT perf_optimizer.take_snapshot()';

my $text = $node->safe_psql('postgres', 'SELECT perf_optimizer.metrics_text()') . "\n";
my %names = map { $_ => 1 } split /\n/, $node->safe_psql('postgres', 'SELECT DISTINCT name FROM perf_optimizer.metrics()');
ok($names{perf_optimizer_replication_lag_seconds} && $names{perf_optimizer_job_runs} && $names{perf_optimizer_execution_seconds_bucket}, 'every sort of metric is there');

# The configuration of sql_exporter: each metric is one that metrics() gives, with the same help, type and labels, and the query has its columns.
my $config = slurp_doc('sql_exporter.yml');
my ($query) = $config =~ /^ +query: \|\n(.*)\z/ms;
my %configured;
while ($config =~ /- metric_name: (\w+)\n +type: (\w+)\n +help: '((?:[^']|'')*)'\n(?: +key_labels: \[([^\]]*)\]\n)? +values: \[(\w+)\]\n +query_ref: metrics\n/g)
{
	my ($name, $type, $help, $labels, $column) = ($1, $2, $3, $4 // '', $5);
	$help =~ s/''/'/g;
	is($column, $name, "the value of $name is in its column");
	$configured{$name} = "$type|$help|" . join(',', sort split(/, */, $labels));
}
is(scalar(keys %configured), scalar(() = $config =~ /metric_name:/g), 'each of its metrics is read by the test');
# The types of sql_exporter are counter and gauge: the parts of a histogram count.
my %given = map { my ($name, @rest) = split /\|/, $_, 4; ($name => join('|', @rest)) } split /\n/, $node->safe_psql('postgres', q{
	SELECT DISTINCT concat_ws('|', name, replace(kind, 'histogram', 'counter'), help, (SELECT coalesce(string_agg(k, ',' ORDER BY k), '') FROM jsonb_object_keys(labels) k)) FROM perf_optimizer.metrics()});
is_deeply(\%configured, \%given, 'sql_exporter is told of every metric, with its type, help and labels');
my $rows = $node->safe_psql('postgres', "SELECT count(*) || ' ' || count(*) FILTER (WHERE (SELECT count(*) FROM jsonb_each_text(to_jsonb(q)) e WHERE e.key LIKE 'perf\\_optimizer\\_%' AND e.value IS NOT NULL) = 1) FROM ($query) q");
like($rows, qr/^([1-9]\d+) \1$/, 'its query gives each row one value');
is($node->safe_psql('postgres', "SELECT perf_optimizer_connections_max FROM ($query) q WHERE perf_optimizer_connections_max IS NOT NULL"), $node->safe_psql('postgres', 'SHOW max_connections'), 'in the right column');
# And a role needs no more than pg_monitor.
$node->safe_psql('postgres', 'CREATE ROLE metrics LOGIN IN ROLE pg_monitor');
like($node->safe_psql('postgres', "SET ROLE metrics; SELECT count(*) FROM ($query) q WHERE query_id IS NOT NULL"), qr/^[1-9]/, 'as a member of pg_monitor');

# Each query of the dashboard.
my $dashboard = JSON::PP->new->decode(slurp_doc('grafana.json'));
my @queries = map { my $panel = $_; map { [ $panel->{title}, $_->{expr} ] } @{$panel->{targets}} } @{$dashboard->{panels}};
cmp_ok(scalar(@queries), '>=', 20, 'the dashboard has queries');
my %shown;
for (@queries)
{
	my ($title, $expr) = @$_;
	my @unknown = grep { !$names{$_} } $expr =~ /\b(perf_optimizer_\w+)/g;
	$shown{$_} = 1 for $expr =~ /\b(perf_optimizer_\w+)/g;
	is("@unknown", '', "\"$title\" asks for metrics that are there");
	my %labels = map { $_ => 1 } map { split /, */ } $expr =~ /\bby \(([^)]*)\)/g;
	for my $label (sort keys %labels)
	{
		my ($metric) = $expr =~ /\b(perf_optimizer_\w+)/;
		is($node->safe_psql('postgres', "SELECT bool_and(labels ? '$label') FROM perf_optimizer.metrics() WHERE name = '$metric'"), 't', "\"$title\": $metric has the label $label");
	}
}
is(join(' ', grep { !$shown{$_} } sort keys %names), '', 'every metric is shown');
is(scalar(keys %{{ map { $_->{id} => 1 } @{$dashboard->{panels}} }}), scalar(@{$dashboard->{panels}}), 'panels have ids of their own');

SKIP:
{
	my $promtool = `command -v promtool 2>/dev/null`;
	chomp $promtool;
	skip 'promtool is not installed (package prometheus)', 2 if $promtool eq '';
	my $dir = PostgreSQL::Test::Utils::tempdir();
	open(my $out, '>', "$dir/metrics") or die $!;
	print $out $text;
	close $out;
	is(`"$promtool" check metrics <"$dir/metrics" 2>&1`, '', 'promtool finds nothing wrong with the metrics');
	open($out, '>', "$dir/rules.yml") or die $!;
	print $out "groups:\n  - name: dashboard\n    rules:\n";
	my $n = 0;
	for (@queries)
	{
		my $expr = $_->[1];
		$expr =~ s/\$__rate_interval/5m/g;
		$expr =~ s/'/''/g;
		print $out "      - record: query:" . $n++ . "\n        expr: '$expr'\n";
	}
	close $out;
	like(`"$promtool" check rules "$dir/rules.yml" 2>&1`, qr/SUCCESS: $n rules found/, 'and can parse every query of the dashboard');
}

# Replication, seen from both sides.
is($node->safe_psql('postgres', q{SELECT kind, name, state, lag_bytes >= 0, message IS NULL FROM perf_optimizer.replication_stats()}), 'standby|standby|streaming|t|t', 'the standby, seen from the primary');
is($standby->safe_psql('postgres', q{SELECT kind, state, lag_bytes >= 0, replay_lag_ms >= 0 FROM perf_optimizer.replication_stats()}), 'upstream|streaming|t|t', 'the primary, seen from the standby');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_pause()');
like($standby->safe_psql('postgres', 'SELECT message FROM perf_optimizer.replication_stats()'), qr/pg_wal_replay_resume/, 'a paused replay is said');
$standby->safe_psql('postgres', 'SELECT pg_wal_replay_resume()');
like($standby->safe_psql('postgres', 'SELECT count(*) FROM perf_optimizer.health()'), qr/^1[0-9]$/, 'health works on a standby');
like($standby->safe_psql('postgres', 'SELECT perf_optimizer.metrics_text()'), qr/^perf_optimizer_connections_max /m, 'metrics too');

$standby->stop;
$node->stop;
done_testing();
