# Suggestions that workers carry out and try: progress, what pays and what does not, failed, cancelled, timed-out and crashed builds.
use strict;
use warnings;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;
use FindBin;
use lib $FindBin::RealBin;
use PoCluster;

my $node = PostgreSQL::Test::Cluster->new('suggestion_jobs');
$node->init;
$node->append_conf(
	'postgresql.conf', q(
shared_preload_libraries = 'pg_stat_statements, perf_optimizer'
max_worker_processes = 20
restart_after_crash = on
timezone = 'UTC'
));
$node->start;

# Runs SQL as a superuser, and as a role.
sub sql { return $node->safe_psql('postgres', $_[0]); }
sub sql_as { my ($role, $text) = @_; return $node->safe_psql('postgres', $text, extra_params => [ '-U', $role ]); }

# Waits for a run without holding a snapshot; returns its status.
sub await { return sql("CALL perf_optimizer.await_run($_[0], '3 minutes')"); }
sub holds { my ($query, $name) = @_; return ok($node->poll_query_until('postgres', $query), $name); }
sub indexes { return sql(q(SELECT string_agg(indexrelid::regclass::text || CASE WHEN indisvalid THEN '' ELSE ' invalid' END, ',' ORDER BY indexrelid::regclass::text) FROM pg_index WHERE indrelid = 't'::regclass)); }

sql(q(CREATE EXTENSION perf_optimizer; CREATE EXTENSION pg_stat_statements;
CREATE ROLE po_test_owner LOGIN; CREATE ROLE po_test_other LOGIN;
GRANT CREATE ON SCHEMA public TO po_test_owner;));
sql_as('po_test_owner', q(CREATE TABLE t(id int PRIMARY KEY, a int, b int, c text);
INSERT INTO t SELECT g, g % 1000, g % 5000, repeat('c', 50) FROM generate_series(1, 100000) g;
GRANT SELECT ON t TO po_test_other;));
sql('VACUUM ANALYZE t');

# apply_suggestion, as the owner.
my $run = sql_as('po_test_owner', q(SELECT perf_optimizer.apply_suggestion('CREATE INDEX CONCURRENTLY ON public.t USING btree (a)')));
is(await($run), 'succeeded', 'an index is created');
is(indexes(), 't_a_idx,t_pkey', 'with the name that the server would choose');
is(sql("SELECT detail FROM perf_optimizer.job_runs WHERE run_id = $run"), 'CREATE INDEX CONCURRENTLY t_a_idx ON public.t USING btree (a)', 'the statement is in the detail');
is(sql('SELECT count(*) FROM perf_optimizer.jobs'), 0, 'a one-off job that is done is gone');
$run = sql_as('po_test_owner', q(SELECT perf_optimizer.apply_suggestion($$CREATE STATISTICS t_ab (dependencies) ON a, b FROM t; ANALYZE t; ALTER TABLE t ALTER a SET STATISTICS 500; CREATE MATERIALIZED VIEW s AS SELECT a, count(*) FROM t GROUP BY a; DROP INDEX CONCURRENTLY t_a_idx$$)));
is(await($run), 'succeeded', 'several statements of other sorts');
is(sql(q(SELECT (SELECT count(*) FROM pg_statistic_ext) || ',' || (SELECT count(*) FROM pg_matviews) || ',' || (SELECT attstattarget FROM pg_attribute WHERE attrelid = 't'::regclass AND attname = 'a'))), '1,1,500', 'all of them done');
is(sql_as('po_test_owner', q(BEGIN; SELECT perf_optimizer.apply_suggestion('ANALYZE t') > 0; ROLLBACK; SELECT count(*) FROM perf_optimizer.job_runs WHERE status = 'queued')), "t\n0", 'ROLLBACK undoes it');

# Errors.
my %errors = (
	q(apply_suggestion('DROP TABLE t')) => '22023', q(apply_suggestion('ALTER TABLE t DROP COLUMN a')) => '22023', q(apply_suggestion('DELETE FROM t')) => '22023',
	q(apply_suggestion('')) => '42601', q(apply_suggestion('CREATE INDEX ON')) => '42601', q(apply_suggestion(NULL)) => '22004',
	q(apply_suggestion('CREATE INDEX ON nowhere (a)')) => '42P01', q(apply_suggestion('CREATE INDEX ON t (nothing)')) => '42703', q(apply_suggestion('CREATE INDEX t_pkey ON t (a)')) => '42P07',
	q(verify_suggestion('ANALYZE t', ARRAY['SELECT 1'])) => '22023', q(verify_suggestion('CREATE INDEX ON t (a)', '{}')) => '22023', q(verify_suggestion(NULL)) => '22004',
	q(verify_suggestion('CREATE INDEX ON t (a)', ARRAY['SELECT 1'], NULL)) => '22004', q(schedule_index_tuning('@daily', 0)) => '22023', q(schedule_index_tuning('nonsense')) => '22023');
for my $call (sort keys %errors)
{
	my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT perf_optimizer.$call");
	like($err, qr/ERROR:  $errors{$call}:/, "$call raises $errors{$call}");
}
my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT perf_optimizer.apply_suggestion('CREATE INDEX ON t (a)')", extra_params => [ '-U', 'po_test_other' ]);
like($err, qr/ERROR:  42501:/, 'another role cannot have an index built');

# verify_suggestion: what pays, kept or not; what does not; what nothing uses.
my $queries = q(ARRAY['SELECT * FROM t WHERE b = 5', 'SELECT count(*) FROM t WHERE b = $1', 'UPDATE t SET c = c WHERE b = 7', 'SELECT random() FROM t WHERE b = 3', 'SELECT * FROM nowhere']);
$run = sql_as('po_test_owner', "SELECT perf_optimizer.verify_suggestion('CREATE INDEX CONCURRENTLY ON public.t USING btree (b)', $queries)");
is(await($run), 'succeeded', 'an index is verified');
is(sql("SELECT detail::jsonb ->> 'verdict' || ' ' || (detail::jsonb ->> 'kept') FROM perf_optimizer.job_runs WHERE run_id = $run"), 'pays false', 'it pays, and is not kept');
is(indexes(), 't_pkey', 'but dropped');
is(sql("SELECT string_agg(s ->> 'executed' || coalesce(': ' || (s ->> 'why_not_executed'), ''), '; ' ORDER BY s ->> 'executed', s ->> 'why_not_executed') FROM perf_optimizer.job_runs, jsonb_array_elements(detail::jsonb -> 'statements') s WHERE run_id = $run"),
	'false: it calls a volatile function; false: it changes data; false: the values of its parameters are not known; true', 'only what is safe is executed');
is(sql("SELECT (detail::jsonb -> 'skipped' -> 0 ->> 'reason') FROM perf_optimizer.job_runs WHERE run_id = $run"), 'relation "nowhere" does not exist', 'what cannot be planned is named');
is(sql("SELECT bool_and((s ->> 'cost_after')::float8 < (s ->> 'cost_before')::float8) AND bool_and((s ->> 'ms_after')::float8 < (s ->> 'ms_before')::float8) FROM perf_optimizer.job_runs, jsonb_array_elements(detail::jsonb -> 'statements') s WHERE run_id = $run"), 't', 'costs and times fell');
$run = sql_as('po_test_owner', "SELECT perf_optimizer.verify_suggestion('CREATE INDEX CONCURRENTLY ON public.t USING btree (b)', $queries, keep => true)");
await($run);
is(indexes(), 't_b_idx,t_pkey', 'what pays is kept on request');
$run = sql_as('po_test_owner', q(SELECT perf_optimizer.verify_suggestion('CREATE INDEX CONCURRENTLY ON public.t USING btree (c)', ARRAY['SELECT * FROM t WHERE id = 7'], keep => true)));
await($run);
is(sql("SELECT detail::jsonb ->> 'verdict' FROM perf_optimizer.job_runs WHERE run_id = $run"), 'unused', 'what no statement would use is not built');
$run = sql_as('po_test_owner', q(SELECT perf_optimizer.verify_suggestion('CREATE INDEX CONCURRENTLY ON public.t USING btree (a, b)', ARRAY['SELECT count(*) FROM t WHERE a = 5 AND b = 5'] || array_fill('INSERT INTO t SELECT g, g FROM generate_series(1, 1000000) g'::text, ARRAY[20]), keep => true)));
await($run);
is(sql("SELECT detail::jsonb ->> 'verdict' || ' ' || (detail::jsonb ->> 'kept') FROM perf_optimizer.job_runs WHERE run_id = $run"), 'does not pay false', 'what costs more than it saves is dropped');
is(indexes(), 't_b_idx,t_pkey', 'and gone');

# What gets slower with a cheaper plan is named: the planner expects the rows of the last day anywhere in the order of k, and they come last.
sql_as('po_test_owner', q(CREATE TABLE trap AS SELECT k, timestamp '2024-01-01' + CASE WHEN k > 99000 THEN interval '1 year' ELSE k % 300 * interval '1 day' END AS made, repeat('x', 100) AS pad
FROM (SELECT g::bigint * 7919 % 100003 AS k FROM generate_series(1, 100000) g) s));
sql('VACUUM ANALYZE trap');
my $trapped = q(SELECT * FROM trap WHERE made::timestamptz > '2024-12-15' ORDER BY k LIMIT 1);
$run = sql_as('po_test_owner', "SELECT perf_optimizer.verify_suggestion('CREATE INDEX CONCURRENTLY ON trap (k)', ARRAY[\$\$$trapped\$\$], keep => true)");
is(await($run), 'succeeded', 'an index that hurts is verified');
is(sql("SELECT (s ->> 'cost_after')::float8 < (s ->> 'cost_before')::float8 AND (s ->> 'worse')::boolean FROM perf_optimizer.job_runs, jsonb_array_elements(detail::jsonb -> 'statements') s WHERE run_id = $run"), 't', 'its statement is cheaper by the plan and slower');
like(sql("SELECT detail::jsonb ->> 'verdict' || ', ' || (detail::jsonb ->> 'regressions') || ': ' || (detail::jsonb ->> 'summary') FROM perf_optimizer.job_runs WHERE run_id = $run"),
	qr/^does not pay, 1: .*1 became slower by more than 10 %, first "SELECT \* FROM trap/, 'the verdict says so');
is(sql(q(SELECT count(*) FROM pg_index WHERE indrelid = 'trap'::regclass)), 0, 'and the index is gone');

# A build that fails leaves nothing.
$run = sql_as('po_test_owner', q(SELECT perf_optimizer.apply_suggestion('CREATE UNIQUE INDEX CONCURRENTLY ON t (a)')));
is(await($run), 'failed', 'a unique index on what is not unique fails');
is(sql("SELECT sqlstate || ' ' || attempt FROM perf_optimizer.job_runs WHERE run_id = $run"), '23505 1', 'with its error, and is not tried again');
is(indexes(), 't_b_idx,t_pkey', 'no invalid index is left');
sql_as('po_test_owner', q(SELECT perf_optimizer.unschedule(job_id) FROM perf_optimizer.jobs));

# A build that waits for an old snapshot: progress, cancel.
my $old = $node->background_psql('postgres', on_error_stop => 0);
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$run = sql_as('po_test_owner', q(SELECT perf_optimizer.apply_suggestion('CREATE INDEX CONCURRENTLY waits ON t (c)')));
holds(q(SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'waits' AND NOT i.indisvalid)), 'a build under way');
holds("SELECT phase LIKE 'CREATE INDEX CONCURRENTLY: waiting%' FROM perf_optimizer.job_progress WHERE run_id = $run", 'job_progress says at what it is');
is(sql_as('po_test_other', 'SELECT count(*) FROM perf_optimizer.job_progress'), 0, 'to those who may see the run');
is(sql_as('po_test_owner', "SELECT perf_optimizer.cancel_run($run)"), 't', 'cancel_run');
holds("SELECT status = 'running' FROM perf_optimizer.job_runs WHERE run_id = $run", 'it takes back what it built');
$old->query_safe('COMMIT');
is(await($run), 'cancelled', 'and is cancelled');
is(indexes(), 't_b_idx,t_pkey', 'no invalid index is left then either');
sql_as('po_test_owner', q(SELECT perf_optimizer.unschedule(job_id) FROM perf_optimizer.jobs));

# A crash of the server in the middle: the next attempt takes the rest away and builds anew.
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
$run = sql_as('po_test_owner', q(SELECT perf_optimizer.apply_suggestion('CREATE INDEX CONCURRENTLY crashes ON t (c)')));
holds(q(SELECT EXISTS (SELECT FROM pg_index i JOIN pg_class c ON c.oid = i.indexrelid WHERE c.relname = 'crashes' AND NOT i.indisvalid)), 'a build under way');
ok(crash($node, sql("SELECT pid FROM perf_optimizer.job_runs WHERE run_id = $run")), 'the server restarts');
$old->{run}->finish if $old->{run};
holds("SELECT status = 'succeeded' AND attempt = 2 FROM perf_optimizer.job_runs WHERE run_id = $run", 'a second attempt after a crash succeeds');
is(indexes(), 'crashes,t_b_idx,t_pkey', 'and leaves a valid index');
sql('DROP INDEX crashes; DROP INDEX t_b_idx');

# Tuning: opt-in, the best suggestion of the recorded workload within a budget, on the owner's tables.
sql('SELECT pg_stat_statements_reset()');
sql_as('po_test_owner', 'SELECT count(*) FROM t WHERE b = ' . $_) for 1 .. 30;
my $job = sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_index_tuning('@yearly', 100000000, max_attempts => 1)));
$run = sql_as('po_test_owner', "SELECT perf_optimizer.run_job($job)");
is(await($run), 'succeeded', 'a run of index tuning');
is(sql("SELECT detail::jsonb ->> 'verdict' || ' ' || (detail::jsonb ->> 'kept') FROM perf_optimizer.job_runs WHERE run_id = $run"), 'pays true', 'the best index pays and is kept');
is(indexes(), 't_b_idx,t_pkey', 'under its own name');
is(sql(q(SELECT obj_description('t_b_idx'::regclass))), "perf_optimizer index tuning, job $job", 'with a comment that says where it comes from');
$run = sql_as('po_test_owner', "SELECT perf_optimizer.run_job($job)");
await($run);
is(sql("SELECT detail FROM perf_optimizer.job_runs WHERE run_id = $run"), 'no index within the budget helps the recorded statements', 'there is nothing more to do');
sql('DROP INDEX t_b_idx');
is(sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_index_tuning('@yearly', 8192, max_attempts => 1))), $job, 'a smaller budget');
$run = sql_as('po_test_owner', "SELECT perf_optimizer.run_job($job)");
await($run);
is(indexes(), 't_pkey', 'nothing fits');

# What the planner thinks well of and the trial shows to hurt is taken back.
sql('SELECT pg_stat_statements_reset()');
sql_as('po_test_owner', $trapped) for 1 .. 5;
is(sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_index_tuning('@yearly', 100000000, max_attempts => 1))), $job, 'a budget that leaves room');
$run = sql_as('po_test_owner', "SELECT perf_optimizer.run_job($job)");
await($run);
is(sql("SELECT detail::jsonb ->> 'verdict' || ' ' || (detail::jsonb ->> 'kept') FROM perf_optimizer.job_runs WHERE run_id = $run"), 'does not pay false', 'the best index by the planner hurts');
is(sql(q(SELECT count(*) FROM pg_index WHERE indrelid = 'trap'::regclass)), 0, 'and is taken back');
sql('DROP TABLE trap; SELECT pg_stat_statements_reset()');
sql_as('po_test_owner', 'SELECT count(*) FROM t WHERE b = ' . $_) for 1 .. 30;

# A timeout takes the index on trial away as well.
$old = $node->background_psql('postgres', on_error_stop => 0);
$old->query_safe('BEGIN ISOLATION LEVEL REPEATABLE READ; SELECT count(*) FROM t');
sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_index_tuning('@yearly', timeout => '12 seconds', max_attempts => 1)));
$run = sql_as('po_test_owner', "SELECT perf_optimizer.run_job($job)");
holds(q(SELECT EXISTS (SELECT FROM pg_class WHERE relname LIKE 'perf_optimizer_trial_%')), 'a trial under way');
holds("SELECT phase = 'dropping the index' FROM perf_optimizer.job_progress WHERE run_id = $run", 'its time is up');
$old->query_safe('COMMIT');
is(await($run), 'timed_out', 'and it ends so');
is(indexes(), 't_pkey', 'no index is left');
$old->quit;
$node->stop;

# Without preloading a worker starts at commit.
$node = PostgreSQL::Test::Cluster->new('suggestion_lone');
$node->init;
$node->start;
sql(q(CREATE EXTENSION perf_optimizer; CREATE TABLE t(id int PRIMARY KEY, a int); INSERT INTO t SELECT g, g FROM generate_series(1, 20000) g; ANALYZE t));
$run = sql(q(SELECT perf_optimizer.apply_suggestion('CREATE INDEX CONCURRENTLY ON t (a)')));
holds("SELECT status = 'succeeded' FROM perf_optimizer.job_runs WHERE run_id = $run", 'without preloading a worker of its own does it');
is(indexes(), 't_a_idx,t_pkey', 'the index is there');
sql('DROP INDEX t_a_idx');
$run = sql(q(SELECT perf_optimizer.verify_suggestion('CREATE INDEX CONCURRENTLY ON t (a)', ARRAY['SELECT * FROM t WHERE a = 5'])));
holds("SELECT status = 'succeeded' FROM perf_optimizer.job_runs WHERE run_id = $run", 'and verifies');
is(sql("SELECT detail::jsonb ->> 'verdict' FROM perf_optimizer.job_runs WHERE run_id = $run"), 'pays', 'with the verdict');
is(sql('SELECT count(*) FROM perf_optimizer.job_progress'), 0, 'job_progress can be read');
sql(q(BEGIN; SELECT perf_optimizer.apply_suggestion('ANALYZE t'); ROLLBACK));
is(sql(q(SELECT count(*) FROM perf_optimizer.job_runs WHERE status <> 'succeeded')), 0, 'nothing starts after a rollback');
$node->stop;
done_testing();
