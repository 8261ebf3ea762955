# Without preloading jobs are stored, and what needs workers says so.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('jobs_not_preloaded');
$node->init;
$node->append_conf('postgresql.conf', "timezone = 'UTC'\n");
$node->start;

my ($rc, $out, $err) = $node->psql('postgres', q(CREATE EXTENSION perf_optimizer;
CREATE TABLE log(what text);
SELECT perf_optimizer.schedule_command('tick', '* * * * * *', $$INSERT INTO log VALUES ('tick')$$)));
is($rc, 0, 'a job can be scheduled');
like($err, qr/NOTICE:  the job is stored, but no job runs on this server yet\nHINT:  Set shared_preload_libraries/, 'the notice says what is missing');
is($node->safe_psql('postgres', q(SELECT name || ' ' || (next_run > now() - interval '1 minute') FROM perf_optimizer.jobs)), 'tick true', 'it is listed with its next slot');
for my $call ('run_job(1)', 'retry_job(1)', 'wait_for_run(1)')
{
	($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT perf_optimizer.$call");
	like($err, qr/ERROR:  55000: .* needs perf_optimizer in shared_preload_libraries/, "$call raises 55000");
}
is($node->safe_psql('postgres', q(SELECT perf_optimizer.pause_job(1)::text || perf_optimizer.resume_job(1)::text)), 'truetrue', 'pausing works');

$node->append_conf('postgresql.conf', "shared_preload_libraries = 'perf_optimizer'\n");
$node->restart;
ok($node->poll_query_until('postgres', q(SELECT EXISTS (SELECT FROM log))), 'with preloading the job runs');
is($node->safe_psql('postgres', q(SELECT count(*) FROM perf_optimizer.job_runs WHERE cause = 'catch-up')), 0, 'from then on: slots before were never promised');
$node->stop;
done_testing();
