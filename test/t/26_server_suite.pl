# The server's own regression suite passes with the extension preloaded: it runs once on a plain server and once with
# pg_stat_statements and perf_optimizer in shared_preload_libraries.  A test that passes on the plain server passes on the
# other; one that fails on both (another locale, another minor version than the source's) prints the same on both.
# The source is where test/source-server has put it, or where PG_SOURCE says.
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
  unless -f "$suite/parallel_schedule" && -r "$suite/regress.c";
plan skip_all => 'no pg_regress beside the server' unless -x ($ENV{PG_REGRESS} // '');

# Compiles the C functions that the suite calls; those of contrib/spi come from the source too.
my $libraries = PostgreSQL::Test::Utils::tempdir();
chomp(my $include = `$config --includedir-server`);
for my $file ("$suite/regress.c", "$source/contrib/spi/refint.c", "$source/contrib/spi/autoinc.c")
{
	my ($name) = $file =~ m{(\w+)\.c$};
	next unless -f $file;
	system_or_bail($ENV{CC} // 'cc', '-shared', '-fPIC', '-O1', '-w', '-DREFINT_VERBOSE', "-I$include", '-o', "$libraries/$name.so", $file);
}

# Returns the part of postgresql.conf that both servers share; with the extension its own line comes on top.
sub server
{
	my ($name, $preload) = @_;
	my $node = PostgreSQL::Test::Cluster->new($name);
	$node->init(extra => [ '--no-locale', '--encoding=UTF8' ]);
	$node->append_conf('postgresql.conf', "fsync = off\nrestart_after_crash = off\nmax_connections = 40\n"
		  . "compute_query_id = regress\nshared_preload_libraries = '$preload'\n");
	$node->start;
	return $node;
}

# Runs the suite on a server; returns the state of each test and where the results are.
sub run_suite
{
	my ($name, $preload) = @_;
	my $node = server($name, $preload);
	my $dir = PostgreSQL::Test::Utils::tempdir();
	my ($output, %state) = ('');
	mkdir "$dir/$_" for qw(sql expected results);
	local $ENV{PG_TEST_EXTRA} = '';
	IPC::Run::run([ $ENV{PG_REGRESS}, "--inputdir=$suite", "--outputdir=$dir", "--dlpath=$libraries", '--bindir=',
			'--host=' . $node->host, '--port=' . $node->port, '--max-concurrent-tests=20',
			"--schedule=$suite/parallel_schedule" ], '<', \'', '>', \$output, '2>&1');
	while ($output =~ /^(?:test|    ) (\w+)\s+\.\.\. (ok|FAILED)|^(ok|not ok) \d+\s+[-+] (\w+)/mg)
	{
		$state{ $1 // $4 } = ($2 // $3) eq 'ok';
	}
	is($node->safe_psql('postgres', 'SELECT 1'), '1', "the server $name is alive");
	note($output) unless %state;
	$node->stop;
	return (\%state, "$dir/results");
}

my ($plain, $plain_results) = run_suite('plain', '');
my ($loaded, $loaded_results) = run_suite('preloaded', 'pg_stat_statements,perf_optimizer');
my @failed = sort grep { !$loaded->{$_} } keys %$loaded;
my @new = grep { $plain->{$_} } @failed;
my @different = grep { !$plain->{$_} && slurp_file("$plain_results/$_.out") ne slurp_file("$loaded_results/$_.out") } @failed;

cmp_ok(scalar(keys %$plain), '>', 150, 'the suite ran');
is(scalar(keys %$loaded), scalar(keys %$plain), 'all of it on both servers');
note(scalar(keys %$loaded) . ' tests; on both servers alike fail: ' . (join(' ', grep { !$plain->{$_} } @failed) || 'none'));
is("@new", '', 'no test fails because of the extension');
is("@different", '', 'what fails on both prints the same');
# Returns the differences between two files, cut to what a person reads.
sub differences
{
	my ($old, $new) = @_;
	my $text = '';
	IPC::Run::run([ 'diff', '-U1', $old, $new ], '>', \$text);
	return substr($text, 0, 2000);
}

diag("$_:\n" . differences("$plain_results/$_.out", "$loaded_results/$_.out")) for @new, @different;
note("$_, on both:\n" . differences("$suite/expected/$_.out", "$plain_results/$_.out")) for grep { !$plain->{$_} } @failed;
done_testing();
