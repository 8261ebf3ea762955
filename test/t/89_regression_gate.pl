# The regression gate of doc/: a migration that takes an index away fails, one that harms nothing passes, one that fails is told apart.
use strict;
use warnings;
use File::Basename qw(dirname);
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $doc = dirname(__FILE__) . '/../../doc';
my $node = PostgreSQL::Test::Cluster->new('gate');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements, perf_optimizer'\nautovacuum = off");
$node->start;
$node->safe_psql('postgres', <<'SQL');
CREATE EXTENSION pg_stat_statements;
CREATE EXTENSION perf_optimizer;
CREATE TABLE "Payment" AS SELECT i AS id, i % 5000 AS "userId", i AS amount FROM generate_series(1, 100000) i;
CREATE INDEX payment_user ON "Payment" ("userId");
ANALYZE;
SQL

my $folder = PostgreSQL::Test::Utils::tempdir();

# Writes a file of SQL and returns its name.
sub file { my ($name, $sql) = @_; append_to_file("$folder/$name", $sql); return "$folder/$name"; }

# Runs the gate over a migration; returns its exit code and what it printed.
sub gate
{
	my ($migration) = @_;
	local $ENV{PGHOST} = $node->host;
	local $ENV{PGPORT} = $node->port;
	local $ENV{PGDATABASE} = 'postgres';
	my $result = IPC::Run::run([ 'sh', "$doc/regression_gate.sh", "$folder/workload.sql", $migration ], '>', \my $out, '2>', \my $err);
	return ($? >> 8, $out, $err);
}

file('workload.sql', q(SELECT sum(amount) FROM "Payment" WHERE "userId" = 17;));
my ($code, $out, $err) = gate(file('drop.sql', 'DROP INDEX payment_user;'));
is($code, 1, 'an index that is gone fails the gate') or diag($err);
like($out, qr/SELECT sum\(amount\) FROM "Payment" WHERE "userId" = \$1/, 'which names the statement');
($code, $out, $err) = gate(file('create.sql', 'CREATE INDEX payment_user ON "Payment" ("userId");'));
is($code, 0, 'a new index passes') or diag("$out$err");
is($out, '', 'and nothing is said');
($code, $out, $err) = gate(file('wrong.sql', 'ALTER TABLE missing ADD COLUMN a int;'));
is($code, 2, 'a migration that fails is no regression');
like($err, qr/relation "missing" does not exist/, 'its error is shown');

# The workflow calls the script with two files, and every command of it is one.
my $workflow = slurp_file("$doc/regression_gate.yml");
like($workflow, qr{run: db/regression_gate\.sh db/\S+ db/\S+$}m, 'the workflow calls it');
$node->stop;
done_testing();
