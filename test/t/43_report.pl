# The report's page in a browser: no error, charts drawn, tables sort, hostile texts harmless, nothing loaded.
# Needs Chromium, which test/setup installs where apt has it; without one this is skipped, and test/pgtap/44_report.sql still looks at the page's text.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

# Returns the first of some programs that is here.
sub program
{
	return (grep { -x } map { my $name = $_; map { "$_/$name" } split /:/, $ENV{PATH} } @_)[0];
}

my $browser = program(qw(chromium chromium-browser google-chrome));
my $tidy = program('tidy');
plan skip_all => 'no Chromium' unless $browser;

my $node = PostgreSQL::Test::Cluster->new('report');
$node->init;
$node->append_conf('postgresql.conf', "shared_preload_libraries = 'pg_stat_statements, perf_optimizer'\nperf_optimizer.sample_interval = 20ms\n");
$node->start;
$node->safe_psql('postgres', 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION perf_optimizer; CREATE MATERIALIZED VIEW po_view AS SELECT 1 AS one');
$node->command_ok([ 'pgbench', '-i', '-q', '-s', '1', 'postgres' ], 'data');
for my $round (1 .. 4)
{
	$node->command_ok([ 'pgbench', '-n', '-c', '2', '-t', '200', 'postgres' ], 'load');
	$node->safe_psql('postgres', q{
		SELECT count(*) AS "</script><script>window.hacked = 1</script>" FROM pgbench_tellers;
		SELECT count(*) AS "<img src=x onerror='window.hacked = 1'>" FROM pgbench_tellers;
		SELECT count(*) AS "'""`${alert(1)}\u2028&lt;" FROM pgbench_tellers;
		SELECT count(*) FROM pgbench_accounts WHERE filler = 'no such thing';
		-- Long enough for the sampler of waits, however quick the rest is: one that waits, one that computes.
		SELECT pg_sleep(0.3);
		SELECT count(*) FROM pgbench_accounts AS a, generate_series(1, 20) AS g WHERE a.filler <> 'no such thing' || g;
		SELECT perf_optimizer.take_snapshot()});
	# The first two rounds become the day before.
	$node->safe_psql('postgres', q{UPDATE perf_optimizer.snapshot SET from_at = from_at - interval '1 day', taken_at = taken_at - interval '1 day'}) if $round == 2;
}
my $page = $node->safe_psql('postgres', 'SELECT perf_optimizer.report_html()');

# A database that knows no encoding takes any bytes.
$node->safe_psql('postgres', q{CREATE DATABASE bytes TEMPLATE template0 ENCODING 'SQL_ASCII' LC_COLLATE 'C' LC_CTYPE 'C'});
$node->safe_psql('bytes', 'CREATE EXTENSION pg_stat_statements; CREATE EXTENSION perf_optimizer');
my $bytes = "$PostgreSQL::Test::Utils::tmp_check/bytes.sql";
append_to_file($bytes, qq{SELECT 'a' AS "\xff\xfe\xc3(\xed\xa0\x80 \x01\x1b\x7f </script>";\n} x 5 . "SELECT perf_optimizer.take_snapshot();\n");
$node->command_ok([ 'psql', '-X', '-q', '-v', 'ON_ERROR_STOP=1', '-d', $node->connstr('bytes'), '-o', '/dev/null', '-f', $bytes ], 'broken UTF-8 runs');
my $broken_page = $node->safe_psql('bytes', 'SELECT perf_optimizer.report_html()');
$node->stop;

my $dir = $PostgreSQL::Test::Utils::tmp_check;

# Runs a page, with a script of the test at its end, and returns the page as it is then, and what the browser logged.
sub browse
{
	my ($name, $html, $script, @options) = @_;
	$html =~ s{</body>}{<script>$script</script></body>};
	my $file = "$dir/$name.html";
	append_to_file($file, $html);
	my ($dom, $log);
	IPC::Run::run([ $browser, '--headless=new', '--no-sandbox', '--disable-gpu', '--disable-dev-shm-usage', "--user-data-dir=$dir/$name", '--enable-logging=stderr', '--v=0',
			'--virtual-time-budget=3000', '--window-size=1280,1600', @options, '--dump-dom', "file://$file" ], '>', \$dom, '2>', \$log, IPC::Run::timeout(180));
	return ($dom, join("\n", grep { /CONSOLE/ } split /\n/, $log));
}

# Says what an HTML checker has to complain of; nothing without one.
sub complaints
{
	my ($name, $html) = @_;
	return '' unless $tidy;
	my $file = "$dir/$name.html";
	append_to_file($file, $html);
	IPC::Run::run([ $tidy, '-q', '-e', '-utf8', '--drop-empty-elements', 'no', $file ], '>', \my $out, '2>', \my $complaints);
	return $complaints;
}

my $probe = q{
	const out = {};
	const all = selector => [...document.querySelectorAll(selector)];
	const tableOf = caption => all("table").find(t => t.caption.textContent === caption);
	const table = tableOf("Statements"), shown = () => [...table.tBodies[0].rows].filter(r => !r.hidden && r.className !== "detail");
	const calls = () => shown().map(tr => Number(tr.cells[1].textContent.replace(/,/g, "")));
	const head = table.tHead.rows[0].cells[1], ordered = (a, f) => a.every((v, i) => i === 0 || f(a[i - 1], v));
	out.hacked = window.hacked === undefined;
	out.images = document.images.length;
	out.loaded = performance.getEntriesByType("resource").length;
	out.charts = all("svg rect").length;
	out.sparks = all("svg.spark path").length;
	out.headings = all("h2").map(h => h.textContent).join("|");
	out.tiles = all(".tile").length;
	out.heat = all(".plan li[style]").length;
	head.firstChild.click(); out.down = ordered(calls(), (a, b) => a >= b) && head.getAttribute("aria-sort") === "descending";
	head.firstChild.click(); out.up = ordered(calls(), (a, b) => a <= b) && head.getAttribute("aria-sort") === "ascending";
	out.few = shown().length;
	all(".all").forEach(b => b.click());
	out.rows = shown().length;
	const filter = table.closest("section").querySelector("input[type=search]");
	if (filter) { filter.value = "pgbench_branches"; filter.dispatchEvent(new Event("input")); }
	out.filtered = shown().length > 0 && shown().every(r => !filter || r.textContent.includes("pgbench_branches"));
	const details = table.querySelector(".open");
	details.click();
	out.details = details.getAttribute("aria-expanded") === "true" && table.querySelectorAll(".detail svg rect").length > 0;
	out.named = all("svg, nav, input, [role=img], [role=region]").every(e => e.getAttribute("aria-label")) && all("table").every(t => t.caption) && all("button, a").every(b => b.textContent) && document.title !== "";
	out.ids = new Set(all("[id]").map(e => e.id)).size === all("[id]").length && all("nav a").every(a => document.getElementById(a.hash.slice(1)));
	out.wide = document.documentElement.scrollWidth <= window.innerWidth;
	out.dark = getComputedStyle(document.body).backgroundColor;
	document.title = JSON.stringify(out);
};

is(complaints('static', $page), '', 'the page is valid HTML');
my ($dom, $console) = browse('page', $page, $probe);
my ($title) = $dom =~ /<title>(.*?)<\/title>/;
like($title, qr/^\{/, 'the page ran to its end');
is($console, '', 'without an error or a warning');
(my $drawn = $dom) =~ s/<title>.*?<\/title>/<title>Report<\/title>/;
is(complaints('drawn', $drawn), '', 'and what it draws is valid, too');
like($title, qr/"hacked":true,"images":0,"loaded":0/, 'hostile texts stay texts, and nothing is loaded');
ok($title =~ /"charts":(\d+)/ && $1 > 4, 'charts are drawn');
ok($title =~ /"sparks":(\d+)/ && $1 > 3, 'and sparklines');
ok($title =~ /"tiles":(\d+)/ && $1 >= 8, 'and tiles');
like($title, qr/"heat":[1-9]/, 'and the heat of a plan');
like($title, qr/"headings":"Load over time\|Findings\|Statements\|Comparison\|Plans of the costliest statement\|.*Tables\|Indexes\|Materialized views/, 'all sections are there');
like($title, qr/"down":true/, 'a table sorts downwards');
like($title, qr/"up":true/, 'and upwards');
like($title, qr/"filtered":true/, 'and filters');
like($title, qr/"details":true/, 'a statement opens to its histogram');
like($title, qr/"named":true/, 'charts, tables and controls have accessible names');
like($title, qr/"ids":true/, 'links lead to sections');
like($title, qr/"wide":true/, 'the page is no wider than the window');
my ($light) = $title =~ /"dark":"([^"]*)"/;

($dom, $console) = browse('phone', $page, $probe, '--window-size=500,900', '--blink-settings=preferredColorScheme=0');
like($dom, qr/"wide":true/, 'nor on a phone');
is($console, '', 'without an error there');
my ($dark) = $dom =~ /"dark":"([^"]*)"/;
isnt($dark, $light, 'in the dark the page is dark');

($dom, $console) = browse('broken', $broken_page, $probe);
like($dom, qr/<title>\{"hacked":true,"images":0/, 'broken UTF-8 and control characters stay texts');
is($console, '', 'and break nothing');
like($broken_page, qr/\\u0001\\u001b/, 'control characters are escaped');
done_testing();
