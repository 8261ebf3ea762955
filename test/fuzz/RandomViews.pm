# RandomViews.pm: random tables, views of them and changes to them, for RefreshFuzz.pm.  Columns are of many types with NULLs,
# one table is partitioned; views join up to three tables and group by expressions of several types.
package RandomViews;
use strict;
use warnings;
use Exporter 'import';
our @EXPORT_OK = qw(below pick maybe_null random_tables random_view random_indexes random_change);

# Integers below n, elements of lists.
sub below { return int(rand($_[0])); }
sub pick { return $_[ below(scalar @_) ]; }
sub maybe_null { my ($n, $value) = @_; return below($n) ? $value : 'NULL'; }

# A literal of a moment in 2024.
sub moment { return sprintf("'2024-%02d-%02d %02d:%02d'", 1 + below(12), 1 + below(28), below(24), 15 * below(4)); }

# For each type: its name in SQL, a value, expressions that can be keys, conditions, aggregates; %s is the column.
my $text_keys = [ '%s', 'lower(%s)', 'left(%s, 1)', "coalesce(%s, '-')", 'length(%s)' ];
my $numbers = [ 'sum(%s)', 'avg(%s)', 'min(%s)', 'max(%s)', 'count(%s)', 'count(DISTINCT %s)', 'sum(%s * 2 + 1)', 'sum(abs(%s))' ];
my $ordered = [ 'min(%s)', 'max(%s)', 'count(%s)', 'count(DISTINCT %s)' ];
my %types = (
	int => { value => sub { return below(20) - 4 }, keys => [ '%s', '%s %% 5', '%s / 3', '-%s', '%s IS NULL' ],
		conditions => [ '%s > 3', '%s IS NOT NULL', '%s %% 2 = 0', '%s <> 7' ], aggregates => [ @$numbers, 'array_agg(%s ORDER BY %1$s)' ] },
	bigint => { value => sub { return below(9) * 5_000_000_000 }, keys => [ '%s', '%s / 2', '%s::numeric' ],
		conditions => [ '%s < 20000000000' ], aggregates => $numbers },
	smallint => { value => sub { return below(12) }, keys => [ '%s', '%s::int' ], conditions => [ '%s BETWEEN 2 AND 9' ], aggregates => $numbers },
	numeric => { value => sub { return below(12) . pick('', '.0', '.00', '.5', '.25') }, keys => [ '%s', 'round(%s)', 'trunc(%s, 1)' ],
		conditions => [ '%s >= 1.5', '%s <> 2' ], aggregates => [ @$numbers, 'sum(round(%s, 3))' ] },
	'numeric(8,2)' => { value => sub { return below(900) / 100 }, keys => [ '%s', 'floor(%s)' ], conditions => [ '%s < 7' ], aggregates => $numbers },
	text => { value => sub { return "'" . pick('a', 'A', 'b', 'B ', 'ab', 'Ab', '', "\x{c3}\x{a9}", 'zz') . "'" }, keys => $text_keys,
		conditions => [ "%s <> 'a'", "%s LIKE 'A%%%%'", "%s > 'B'" ], aggregates => [ @$ordered, "string_agg(%s, ',' ORDER BY %1\$s COLLATE \"C\")" ] },
	'text COLLATE "C"' => { value => sub { return "'" . pick('x', 'X', 'y', 'Yy') . "'" }, keys => $text_keys, conditions => [ "%s < 'Y'" ],
		aggregates => $ordered },
	'text COLLATE fuzz.loose' => { value => sub { return "'" . pick('one', 'One', 'two', 'TWO', 'three') . "'" }, keys => [ '%s' ],
		conditions => [ "%s = 'ONE'", "%s <> 'two'" ], aggregates => [ 'count(%s)', 'count(DISTINCT %s)' ] },
	'varchar(12)' => { value => sub { return "'" . pick('p', 'q', 'r r') . below(4) . "'" }, keys => $text_keys, conditions => [ "%s > 'q'" ],
		aggregates => $ordered },
	'char(3)' => { value => sub { return "'" . pick('u', 'v', 'uv') . "'" }, keys => [ '%s', 'upper(%s)' ], conditions => [ "%s = 'u'" ], aggregates => $ordered },
	date => { value => sub { return moment() . '::date' }, keys => [ '%s', "date_trunc('month', %s)", 'extract(year FROM %s)', "date_trunc('week', %s)" ],
		conditions => [ "%s >= '2024-03-10'", 'extract(month FROM %s) <> 7' ], aggregates => $ordered },
	timestamp => { value => \&moment, keys => [ '%s', "date_trunc('day', %s)", '%s::date', "date_trunc('quarter', %s)" ],
		conditions => [ "%s < '2024-09-01'" ], aggregates => $ordered },
	timestamptz => { value => \&moment, keys => [ "date_trunc('month', %s)", '%s::date', "to_char(%s, 'IYYY-IW')", '%s' ],
		conditions => [ "%s > '2024-02-01'" ], aggregates => $ordered },
	boolean => { value => sub { return pick('true', 'false') }, keys => [ '%s', '%s IS TRUE' ], conditions => [ '%s', 'NOT %s' ],
		aggregates => [ 'bool_and(%s)', 'bool_or(%s)', 'count(%s)' ] },
	uuid => { value => sub { return sprintf("'00000000-0000-0000-0000-%012d'", below(15)) }, keys => [ '%s' ],
		conditions => [ "%s <> '00000000-0000-0000-0000-000000000003'" ], aggregates => [ 'count(%s)', 'count(DISTINCT %s)' ] },
	'int[]' => { value => sub { return sprintf("'{%d,%d}'", below(3), below(3)) }, keys => [ '%s', '%s[1]' ], conditions => [ '%s[1] > 0' ],
		aggregates => [ 'count(%s)', 'max(%s)' ] },
);

# The tables of the moment: names, each with its columns, which are [name, type].  Each has id, a number k to join by, and others.
my %tables;

# A value for a column.
sub value_of { my ($column) = @_; return maybe_null(9, $types{ $column->[1] }{value}->()); }

# A row's values but for id.
sub row_of { my ($table) = @_; return join(', ', map { value_of($_) } @{ $tables{$table} }[ 1 .. $#{ $tables{$table} } ]); }

# Makes tables and rows; returns the SQL.
sub random_tables
{
	my $sql = "DO \$\$ BEGIN CREATE COLLATION fuzz.loose (provider = icu, locale = 'und-u-ks-level2', deterministic = false);\n" .
		"EXCEPTION WHEN feature_not_supported THEN CREATE COLLATION fuzz.loose FROM \"C\"; END \$\$;\n";    # a server without ICU
	%tables = ();
	for my $table ('r0', 'r1', 'r2', 'rp')
	{
		my @names = map { "c$_" } 0 .. 2 + below(5);
		$tables{$table} = [ [ 'id', 'int' ], [ 'k', 'int' ], map { [ $_, pick(sort keys %types) ] } @names ];
		my $columns = join(', ', map { "$_->[0] $_->[1]" . ($_->[0] eq 'id' ? ' NOT NULL' : '') } @{ $tables{$table} });
		$sql .= "CREATE TABLE $table ($columns" . ($table eq 'rp' ? '' : ', PRIMARY KEY (id)') . ')';
		$sql .= $table eq 'rp' ? " PARTITION BY RANGE (id);\n" : ";\n";
		next if $table ne 'rp';
		# A partition with its columns in another order.
		my $reversed = join(', ', 'gone int', map { "$_->[0] $_->[1]" . ($_->[0] eq 'id' ? ' NOT NULL' : '') } reverse @{ $tables{$table} });
		$sql .= "CREATE TABLE rp1 ($reversed); ALTER TABLE rp1 DROP COLUMN gone; ALTER TABLE rp ATTACH PARTITION rp1 FOR VALUES FROM (MINVALUE) TO (40);\n";
		$sql .= "CREATE TABLE rp2 PARTITION OF rp FOR VALUES FROM (40) TO (MAXVALUE);\n";
	}
	for my $table (sort keys %tables)
	{
		$sql .= "INSERT INTO $table VALUES " . join(', ', map { "($_, " . row_of($table) . ')' } 1 .. 70 + below(30)) . ";\n";
	}
	return $sql;
}

# What follows FROM, and its tables with their aliases as [alias, table]; the first is on the preserved side.
sub random_from
{
	my @from = ([ 's', pick(sort keys %tables) ]);
	my $sql = "$from[0][1] s";
	for my $alias (('t', 'u')[ 0 .. pick(-1, -1, 0, 0, 1) ])
	{
		my $other = pick(@from)->[0];
		my $table = pick(sort keys %tables);
		$sql .= pick('', '', ' LEFT') . " JOIN $table $alias ON $alias." . pick('id', 'k') . " = $other." . pick('id', 'k');
		$sql .= ' AND ' . condition_on($alias, $table) if below(3) == 0;
		push @from, [ $alias, $table ];
	}
	return ($sql, @from);
}

# A part of a type's templates applied to a random column of a table.
sub apply_to
{
	my ($what, $alias, $table) = @_;
	my $column = pick(@{ $tables{$table} });
	return sprintf(pick(@{ $types{ $column->[1] }{$what} }), "$alias.$column->[0]");
}

sub condition_on { return apply_to('conditions', @_); }

# Distinct keys of the first table, and now and then of another; as "expression AS name".
sub random_keys
{
	my @from = @_;
	my %keys = map { apply_to('keys', @{ below(5) ? $from[0] : pick(@from) }) => 1 } 1 .. 1 + below(3);
	my @keys = sort keys %keys;
	return @keys;
}

# A random query for a view.
sub random_view
{
	my ($from, @from) = random_from();
	my @keys = random_keys(@from);
	my $where = below(3) ? '' : ' WHERE ' . join(pick(' AND ', ' OR '), map { condition_on(@{ pick(@from) }) } 1 .. 1 + below(2));
	my $list = join(', ', map { "$keys[$_] AS k$_" } 0 .. $#keys);
	my $kind = below(10);
	return "SELECT DISTINCT $list FROM $from$where" if $kind == 0;
	return 'SELECT ' . join(', ', map { "$_->[0].id AS id_$_->[0]" } @from) . ", $list FROM $from$where" if $kind == 1;
	return "SELECT $list, count(*) OVER (PARTITION BY $keys[0]) AS w FROM $from$where" if $kind == 2;
	my @aggregates = ('count(*)', map { apply_to('aggregates', @{ pick(@from) }) } 0 .. below(3));
	@aggregates = map { below(5) ? $_ : "$_ FILTER (WHERE " . condition_on(@{ pick(@from) }) . ')' } @aggregates;
	my $having = below(5) ? '' : ' HAVING ' . pick('count(*) > 1', 'count(DISTINCT s.id) < 8', 'max(s.k) > 2');
	return "SELECT $list, " . join(', ', map { "$aggregates[$_] AS a$_" } 0 .. $#aggregates) . " FROM $from$where GROUP BY " .
		join(', ', @keys) . $having;
}

# Random indexes, now and then ones that hold other columns too.
sub random_indexes
{
	my $sql = '';
	for (1 .. 10)
	{
		my $table = pick(sort keys %tables);
		my @names = map { $_->[0] } @{ $tables{$table} };
		my %expressions = map { apply_to('keys', $table, $table) => 1 } 1 .. 1 + below(2);
		my @columns = map { s/\b$table\.//gr } sort keys %expressions;
		$sql .= "DO \$\$ BEGIN CREATE INDEX ON $table (" . join(', ', map { /^\w+$/ ? "$_" . pick('', '', ' DESC') : "($_)" } @columns) . ')' .
			(below(2) ? '' : ' INCLUDE (' . join(', ', @names) . ')') .
			"; EXCEPTION WHEN invalid_object_definition THEN NULL; END \$\$;\n";    # an expression that is not IMMUTABLE
	}
	return $sql;
}

# A random statement that changes a table.
sub random_change
{
	my $table = pick(sort keys %tables);
	my @others = @{ $tables{$table} }[ 1 .. $#{ $tables{$table} } ];
	my $where = pick('id = ' . below(120), 'id % 23 = ' . below(23), 'k = ' . below(16), condition_on($table, $table) . ' AND id % 7 = ' . below(7));
	my $id = 100 + below(400);
	return pick(
		sub { "INSERT INTO $table VALUES ($id, " . row_of($table) . ')' . ($table eq 'rp' ? '' : ' ON CONFLICT DO NOTHING') },
		sub { my @set = map { pick(@others) } 1 .. 1 + below(2); my %set = map { $_->[0] => value_of($_) } @set;
			"UPDATE $table SET " . join(', ', map { "$_ = $set{$_}" } sort keys %set) . " WHERE $where" },
		sub { my $set = pick(@others); "UPDATE $table SET $set->[0] = " . value_of($set) . " WHERE $where" },
		sub { 'UPDATE ' . ($table eq 'rp' ? 'rp SET id = id + 30' : "$table SET k = k + 1") . " WHERE $where" },
		sub { "DELETE FROM $table WHERE $where" },
	)->();
}

1;
