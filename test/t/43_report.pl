# The report's page in a browser: no error, charts drawn, tables sort, hostile texts harmless, nothing loaded.
# Needs Chromium; without one it is skipped, and test/pgtap/44_report.sql still looks at the page's text.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my ($browser) = grep { -x } map { my $dir = $_; map { "$dir/$_" } qw(chromium chromium-browser google-chrome) } split /:/, $ENV{PATH};
plan skip_all => 'no Chromium' unless $browser;

my $node = PostgreSQL::Test::Cluster->new('report');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements, perf_optimizer'\nperf_optimizer.sample_interval = 50ms\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION perf_optimizer');
$node->command_ok([ 'pgbench', '-i', '-q', '-s', '1', 'postgres' ], 'data');
for (1 .. 3)
{
	$node->command_ok([ 'pgbench', '-n', '-c', '2', '-t', '300', 'postgres' ], 'load');
	$node->safe_psql('postgres', q{
		SELECT count(*) AS "</script><script>window.hacked = 1</script>" FROM pgbench_tellers;
		SELECT count(*) AS "<img src=x onerror='window.hacked = 1'>" FROM pgbench_tellers;
		SELECT count(*) FROM pgbench_accounts WHERE filler = 'no such thing';
		SELECT perf_optimizer.take_snapshot()});
}
my $page = $node->safe_psql('postgres', 'SELECT perf_optimizer.report_html()');
$node->stop;

my $dir = $PostgreSQL::Test::Utils::tmp_check;
# Runs the page, with a script of the test at its end, and returns the page as it is then, and what the browser logged.
sub browse
{
	my ($name, $script, @options) = @_;
	(my $html = $page) =~ s{</body>}{<script>$script</script></body>};
	my $file = "$dir/$name.html";
	unlink $file;
	append_to_file($file, $html);
	my ($dom, $log);
	IPC::Run::run([ $browser, '--headless=new', '--no-sandbox', '--disable-gpu', "--user-data-dir=$dir/$name", '--enable-logging=stderr', '--v=0',
			'--virtual-time-budget=3000', '--window-size=1280,1600', @options, '--dump-dom', "file://$file" ], '>', \$dom, '2>', \$log, IPC::Run::timeout(120));
	return ($dom, join("\n", grep { /CONSOLE/ } split /\n/, $log));
}

my $probe = q{
	const out = {};
	out.hacked = window.hacked === undefined;
	out.images = document.images.length;
	out.charts = document.querySelectorAll('svg rect').length;
	out.sparks = document.querySelectorAll('svg.spark path').length;
	out.sections = document.querySelectorAll('section').length;
	const table = document.querySelector('table[aria-label="Statements"]');
	const calls = () => [...table.querySelectorAll('tbody tr')].map(tr => Number(tr.children[2].textContent.replace(/,/g, '')));
	const button = table.querySelectorAll('th button')[2];
	const ordered = (a, f) => a.every((v, i) => i === 0 || f(a[i - 1], v));
	button.click(); out.down = ordered(calls(), (a, b) => a >= b) && table.querySelectorAll('th')[2].getAttribute('aria-sort') === 'descending';
	button.click(); out.up = ordered(calls(), (a, b) => a <= b) && table.querySelectorAll('th')[2].getAttribute('aria-sort') === 'ascending';
	out.rows = calls().length;
	out.named = [...document.querySelectorAll('svg')].every(s => s.getAttribute('aria-label')) && [...document.querySelectorAll('table')].every(t => t.getAttribute('aria-label'));
	out.wide = document.documentElement.scrollWidth <= window.innerWidth;
	document.title = JSON.stringify(out);
};
my ($dom, $console) = browse('page', $probe);
like($dom, qr/<title>\{/, 'the page ran to its end');
is($console, '', 'without an error or a warning');
my ($title) = $dom =~ /<title>(.*?)<\/title>/;
like($title, qr/"hacked":true,"images":0/, 'hostile texts stay texts');
ok($title =~ /"charts":(\d+)/ && $1 > 10, 'charts are drawn');
ok($title =~ /"sparks":(\d+)/ && $1 > 3, 'and sparklines');
ok($title =~ /"sections":(\d+)/ && $1 >= 6, 'all sections are there');
like($title, qr/"down":true/, 'a table sorts downwards');
like($title, qr/"up":true/, 'and upwards');
like($title, qr/"named":true/, 'charts and tables have accessible names');
like($title, qr/"wide":true/, 'the page is no wider than the window');
($dom, $console) = browse('phone', $probe, '--window-size=500,900');
like($dom, qr/"wide":true/, 'nor on a phone');
is($console, '', 'without an error there');
done_testing();
