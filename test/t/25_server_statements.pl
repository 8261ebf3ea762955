# Statements that no one here wrote: those of the server's own regression suite, read from the server's source where
# test/source-server has put it (or PG_SOURCE names it), never committed.  Each SELECT, INSERT, UPDATE, DELETE and MERGE goes
# through analyze_query just before it runs: no crash, no error that EXPLAIN of the same text does not raise, and as many
# nodes as EXPLAIN shows, of the same cost.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $config = $ENV{PG_CONFIG} // 'pg_config';
my ($major) = `$config --version` =~ /(\d+)/;
my $source = $ENV{PG_SOURCE} // ($ENV{XDG_CACHE_HOME} // '/var/cache') . "/perf_optimizer-server/$major/source";
my $suite = "$source/src/test/regress";
plan skip_all => "no source of the server in $source: test/source-server fetches it"
  unless -f "$suite/parallel_schedule" && -r "$suite/sql/select.sql";

# Tests that need more than SQL files, or look at the whole cluster.
my %left_out = map { $_ => 1 } qw(tablespace misc create_function_c stats sanity_check infinite_recurse largeobject);

# Takes one lexical element off the front of $$text and returns it.
sub element
{
	my ($text) = @_;
	return $1 if $$text =~ s/\A((?:\b[eE])'(?:[^'\\]|\\.|'')*'?)//s;
	return $1 if $$text =~ s/\A('(?:[^']|'')*'?)//s;
	return $1 if $$text =~ s/\A("[^"]*"?)//s;
	return $1 if $$text =~ s/\A(--[^\n]*)//;
	return $1 if $$text =~ s{\A(/\*.*?\*/)}{}s;
	if ($$text =~ /\A(\$(?:[A-Za-z_]\w*)?\$)/)
	{
		my $end = index($$text, $1, length $1);
		return substr($$text, 0, $end < 0 ? length $$text : $end + length $1, '');
	}
	return $1 if $$text =~ s/\A(\w+|\s+)//;
	return substr($$text, 0, 1, '');
}

# Splits a psql script into statements; psql's own commands and data of COPY stay with what they belong to.
sub statements
{
	my ($text) = @_;
	my ($depth, $current, @result) = (0, '');
	while (length $text)
	{
		my $part = element(\$text);
		$depth++ if $part eq '(';
		$depth-- if $part eq ')';
		if ($part eq '\\')
		{
			$text =~ s/\A([^\n]*\n?)//;
			push @result, [ 0, "$current\\$1" ];
			($depth, $current) = (0, '');
			next;
		}
		$current .= $part;
		next if $part ne ';' || $depth > 0;
		next if $current =~ /\bbegin\s+atomic\b/i && $current !~ /\bend\s*;$/i;
		if ($current =~ /\bcopy\b[^;]*\bfrom\s+stdin/i && $text =~ s/\A(.*?\n\\\.\n)//s)
		{
			push @result, [ 0, $current . $1 ];
		}
		else
		{
			push @result, [ 1, $current ];
		}
		($depth, $current) = (0, '');
	}
	push @result, [ 0, $current ];
	return @result;
}

# Returns a script with a check before each statement that can be planned, and how many there are.
sub with_checks
{
	my ($text) = @_;
	my ($script, $count) = ('', 0);
	for (statements($text))
	{
		my ($plain, $statement) = @$_;
		(my $bare = $statement) =~ s{\A(?:\s+|--[^\n]*|/\*.*?\*/)*}{}s;
		(my $outside = $bare) =~ s/::|:=|'[^']*'//g;
		if ($plain && $bare =~ /\A(?:select|insert|update|delete|merge|with|values|table)\b/i && $outside !~ /:/)
		{
			$bare =~ s/;\s*\z//;
			$count++;
			$script .= "\nSELECT po_check.compare(\$po_check_$count\$$bare\$po_check_$count\$);\n";
		}
		$script .= $statement;
	}
	return ($script, $count);
}

my $node = PostgreSQL::Test::Cluster->new('statements');
$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'perf_optimizer'\nfsync = off\nrestart_after_crash = off\n");
$node->start;
$node->safe_psql('postgres', 'CREATE DATABASE regression TEMPLATE template0');
$node->safe_psql('regression', <<'SQL');
ALTER DATABASE regression SET datestyle TO 'Postgres, MDY';
ALTER DATABASE regression SET timezone TO 'PST8PDT';
CREATE EXTENSION perf_optimizer;
CREATE SCHEMA po_check;
GRANT USAGE ON SCHEMA po_check TO PUBLIC;
CREATE FUNCTION po_check.compare(query text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
	document json;
	shown numeric[];
	ours numeric[];
BEGIN
	BEGIN
		EXECUTE 'EXPLAIN (FORMAT JSON) ' || query INTO document;
	EXCEPTION WHEN OTHERS THEN
		RETURN 'po_check refused';
	END;
	BEGIN
		SELECT pg_catalog.array_agg(pg_catalog.round((n OPERATOR(pg_catalog.->>) 'total_cost')::numeric, 2) ORDER BY (n OPERATOR(pg_catalog.->>) 'total_cost')::numeric)
		INTO ours FROM perf_optimizer.analyze_query(query) a, pg_catalog.jsonb_array_elements(a.execution_plan) n;
	EXCEPTION WHEN OTHERS THEN
		RETURN pg_catalog.format('po_check ERROR %s %s: %s', SQLSTATE, SQLERRM, query);
	END;
	SELECT pg_catalog.array_agg((c OPERATOR(pg_catalog.#>>) '{}')::numeric ORDER BY (c OPERATOR(pg_catalog.#>>) '{}')::numeric)
	INTO shown FROM pg_catalog.jsonb_path_query(document::jsonb, 'strict $.**."Total Cost"') c;
	IF pg_catalog.cardinality(shown) IS DISTINCT FROM pg_catalog.cardinality(ours)
		OR EXISTS (SELECT FROM ROWS FROM (pg_catalog.unnest(shown), pg_catalog.unnest(ours)) u(x, y)
				   WHERE pg_catalog.abs(x OPERATOR(pg_catalog.-) y) OPERATOR(pg_catalog.>) 0.011) THEN
		RETURN pg_catalog.format('po_check DIFFERS %s / %s: %s', shown, ours, query);
	END IF;
	RETURN 'po_check same';
END $$;
SQL

my $dir = PostgreSQL::Test::Utils::tempdir();
$ENV{PG_ABS_SRCDIR} = $suite;
$ENV{PG_ABS_BUILDDIR} = $dir;
$ENV{PG_LIBDIR} = `$config --pkglibdir` =~ s/\n//r;
$ENV{PG_DLSUFFIX} = '.so';

my @names = map { /^test: (.*)/ ? split(' ', $1) : () } split /\n/, slurp_file("$suite/parallel_schedule");
my ($same, $asked, @wrong) = (0, 0);
for my $name (@names)
{
	next if $left_out{$name} || !-f "$suite/sql/$name.sql";
	my ($script, $count) = with_checks(slurp_file("$suite/sql/$name.sql"));
	append_to_file("$dir/$name.sql", $script);
	my $output = '';
	IPC::Run::run([ 'psql', '-X', '-q', '-A', '-t', '-d', $node->connstr('regression'), '-v', "abs_srcdir=$suite",
			'-v', 'HIDE_TABLEAM=on', '-v', 'HIDE_TOAST_COMPRESSION=on', '-f', "$dir/$name.sql" ],
		'<', \'', '>', \$output, '2>&1');
	$asked += $count;
	$same += () = $output =~ /^po_check same$/mg;
	push @wrong, map { "$name: $_" } $output =~ /^(po_check (?:ERROR|DIFFERS).*)$/mg;
	last if $output =~ /server closed the connection|could not connect|connection to server .* failed/;
}
note("$same of $asked statements compared");
is($node->safe_psql('regression', 'SELECT 1'), '1', 'the server is alive');
is(scalar(@wrong), 0, 'no error but those of EXPLAIN, and the same nodes') or diag(join("\n", @wrong[ 0 .. ($#wrong > 20 ? 20 : $#wrong) ]));
cmp_ok($same, '>', 5000, 'thousands of statements were compared');
$node->stop;
done_testing();
