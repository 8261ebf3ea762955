# analyze_plan on EXPLAIN documents that were damaged at random: a result or the one error that says it is no plan.
# PO_FUZZ_SEED and PO_FUZZ_COUNT choose another or a longer run.
use strict;
use warnings;
use JSON::PP;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $seed = $ENV{PO_FUZZ_SEED} // 20261120;
my $count = $ENV{PO_FUZZ_COUNT} // 1000;
srand($seed);
note("PO_FUZZ_SEED=$seed PO_FUZZ_COUNT=$count");

my $json = JSON::PP->new->allow_nonref->canonical;
my @odd = (
	'null', 'true', '0', '-1', '1e308', '-1e308', '1e-300', '9223372036854775807', '""', '"Disk"', '"Nested Loop"', '"Gather"',
	'"SubPlan"', '[]', '{}', '[1, [2, {"Plan": 3}]]', '{"Node Type": "Hash"}', '"' . 'x' x 300 . '"', '"\u00e9\u2603"');
my @keys = ('Hash Batches', 'Actual Loops', 'Actual Rows', 'Workers Planned', 'Plans', 'Subplan Name', 'Parent Relationship',
	'Cache Misses', 'Sort Key', 'Disabled', 'Node Type', 'Join Type', 'Strategy', 'Partial Mode', 'Total Cost');

# Returns a random odd value.
sub odd
{
	return $json->decode($odd[ rand @odd ]);
}

# Damages a document in place, here and there.
sub damage
{
	my ($value) = @_;
	if (ref $value eq 'HASH')
	{
		for my $key (sort keys %$value)
		{
			my $chance = rand;
			if ($chance < 0.02) { delete $value->{$key} }
			elsif ($chance < 0.05) { $value->{$key} = odd() }
			else { damage($value->{$key}) }
		}
		$value->{ $keys[ rand @keys ] } = odd() if rand() < 0.04;
	}
	elsif (ref $value eq 'ARRAY')
	{
		for my $i (0 .. $#$value)
		{
			if (rand() < 0.02) { $value->[$i] = odd() }
			else { damage($value->[$i]) }
		}
	}
}

my $node = PostgreSQL::Test::Cluster->new('fuzz');
$node->init;
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION perf_optimizer;
CREATE TABLE a AS SELECT i AS id, i % 10 AS k, repeat('x', 50) AS pad FROM generate_series(1, 3000) i;
ANALYZE a;
SQL

my @documents;
for my $query (
	'SELECT * FROM a x JOIN a y USING (id) WHERE x.k = 3 ORDER BY y.k, x.pad LIMIT 5',
	'SELECT k, count(*) FROM a GROUP BY k',
	'WITH c AS MATERIALIZED (SELECT * FROM a) SELECT count(*) FROM c, c d WHERE c.id = d.k',
	'SELECT *, (SELECT max(id) FROM a y WHERE y.k = x.k AND y.id < 50) FROM a x WHERE id < 30',
	'UPDATE a SET k = 5 WHERE id IN (SELECT k FROM a)')
{
	for my $options ('ANALYZE, BUFFERS', 'COSTS')
	{
		push @documents, $node->safe_psql('postgres', "BEGIN; SET LOCAL work_mem = '64kB'; EXPLAIN ($options, FORMAT JSON) $query; ROLLBACK");
	}
}

my $script = "\\set VERBOSITY verbose\n";
for (1 .. $count)
{
	my $document = $json->decode($documents[ rand @documents ]);
	damage($document) for 0 .. rand 3;
	$script .= 'SELECT count(*) FROM perf_optimizer.analyze_plan($fuzz$' . $json->encode($document) . "\$fuzz\$);\n";
}
my ($status, $output, $errors) = $node->psql('postgres', $script, on_error_stop => 0);
my @codes = $errors =~ /ERROR:  (\w{5}):/g;
my $results = () = $output =~ /^\d+$/mg;
cmp_ok($results, '>', $count / 10, 'many give a result');
cmp_ok(scalar(@codes), '>', $count / 10, 'many are refused');
is($results + @codes, $count, 'each gives one of both');
is(scalar(grep { $_ ne '22023' } @codes), 0, 'with the error that says so');
$node->stop;
done_testing();
