# Jobs give nobody rights that he does not have, and survive what is done to their processes and their history.
use strict;
use warnings;
use PoCluster;
use PostgreSQL::Test::Cluster;
use PostgreSQL::Test::Utils;
use Test::More;

my $node = PostgreSQL::Test::Cluster->new('jobs_rights');
$node->init;
$node->append_conf(
	'postgresql.conf', q(
shared_preload_libraries = 'perf_optimizer'
max_worker_processes = 20
restart_after_crash = on
timezone = 'UTC'
));
$node->start;

sub sql { return $node->safe_psql('postgres', $_[0]); }
sub sql_as { my ($role, $text) = @_; return $node->safe_psql('postgres', $text, extra_params => [ '-U', $role ]); }
sub holds { my ($query, $name) = @_; return ok($node->poll_query_until('postgres', $query), $name); }

# Runs a job to its end; returns status and SQLSTATE.
sub outcome
{
	my $run = sql("SELECT perf_optimizer.run_job($_[0])");
	sql("CALL perf_optimizer.await_run($run, '3 min')");
	return sql("SELECT concat_ws(' ', status, sqlstate) FROM perf_optimizer.job_runs WHERE run_id = $run");
}

sql(q(CREATE EXTENSION perf_optimizer;
CREATE ROLE po_test_owner LOGIN; CREATE ROLE po_test_other LOGIN;
GRANT CREATE ON SCHEMA public TO po_test_owner, po_test_other; GRANT CREATE ON DATABASE postgres TO po_test_owner;
CREATE TABLE log(who text DEFAULT current_user, what text);
GRANT INSERT, SELECT ON log TO PUBLIC;));

# A superuser refreshes somebody's view: the view's code stays the owner's, whatever it tries.
sql_as('po_test_owner', q(
CREATE FUNCTION try_reset() RETURNS int LANGUAGE plpgsql AS $$ BEGIN RESET ROLE; RETURN 1; END $$;
CREATE FUNCTION try_session() RETURNS int LANGUAGE plpgsql AS $$ BEGIN SET SESSION AUTHORIZATION postgres; RETURN 1; END $$;
CREATE TABLE queue(a int);
CREATE FUNCTION note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log(what) VALUES ('deferred'); RETURN NULL; END $$;
CREATE CONSTRAINT TRIGGER later AFTER INSERT ON queue DEFERRABLE INITIALLY DEFERRED FOR EACH ROW EXECUTE FUNCTION note();
CREATE FUNCTION try_deferred() RETURNS int LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.queue VALUES (1); RETURN 1; END $$;
CREATE FUNCTION who() RETURNS text LANGUAGE sql AS $$ SELECT current_user::text $$;
CREATE MATERIALIZED VIEW v_reset AS SELECT try_reset() WITH NO DATA; CREATE MATERIALIZED VIEW v_session AS SELECT try_session() WITH NO DATA;
CREATE MATERIALIZED VIEW v_deferred AS SELECT try_deferred() WITH NO DATA; CREATE MATERIALIZED VIEW v_who AS SELECT who() AS who WITH NO DATA;));
for my $view ('reset', 'session', 'deferred')
{
	my $job = sql("SELECT perf_optimizer.schedule_refresh('v_$view', '\@yearly', 'full', max_attempts => 1)");
	like(outcome($job), qr/^failed (42501|0A000)$/, "a superuser's refresh of a view whose code tries $view fails");
}
is(outcome(sql(q(SELECT perf_optimizer.schedule_refresh('v_who', '@yearly', 'full')))), 'succeeded', 'another is refreshed');
is(sql('SELECT who FROM v_who'), 'po_test_owner', 'as its owner');
is(sql('SELECT count(*) FROM log'), 0, 'and no deferred trigger has run');

# A deferred trigger of somebody's table runs as whoever commits: here the job's owner, in his own session.
is(outcome(sql_as('po_test_other', q(SELECT perf_optimizer.schedule_command('none', '@yearly', 'SET ROLE postgres', max_attempts => 1)))), 'failed 42501', 'SET ROLE to what one is no member of');
is(outcome(sql_as('po_test_other', q(SELECT perf_optimizer.schedule_command('none2', '@yearly', 'SET SESSION AUTHORIZATION postgres', max_attempts => 1)))), 'failed 42501', 'nor SET SESSION AUTHORIZATION');

# Names that shadow the server's in a role's search_path are not used by our own work.
sql_as('po_test_owner', q(CREATE SCHEMA evil;
CREATE FUNCTION evil.shadow(text, text) RETURNS boolean LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log(what) VALUES ('captured'); RETURN pg_catalog.texteq($1, $2); END $$;
CREATE OPERATOR evil.= (LEFTARG = text, RIGHTARG = text, FUNCTION = evil.shadow);
CREATE FUNCTION evil.now() RETURNS timestamptz LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log(what) VALUES ('captured'); RETURN pg_catalog.now(); END $$;
CREATE FUNCTION evil.lower(text) RETURNS text LANGUAGE plpgsql AS $$ BEGIN INSERT INTO public.log(what) VALUES ('captured'); RETURN pg_catalog.lower($1); END $$;
ALTER ROLE po_test_owner SET search_path = evil, pg_catalog, public;));
my $captured = sql_as('po_test_owner', q(SELECT perf_optimizer.schedule_command('captured', '@yearly', 'SET search_path = evil, pg_catalog; SELECT 1')));
is(outcome($captured), 'succeeded', 'a job of a role with a search_path of its own');
is(sql_as('po_test_owner', "SELECT perf_optimizer.alter_job($captured, priority => 3)"), 't', 'alter_job with it');
is(sql(q(SELECT count(*) FROM log WHERE what = 'captured')), 0, 'no name was captured');

# Others may not touch it; rows written behind our back are checked when they are used.
for my $call ("alter_job($captured, command => 'SELECT 2')", "alter_job($captured, enabled => false)", "run_job($captured)")
{
	my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT perf_optimizer.$call", extra_params => [ '-U', 'po_test_other' ]);
	like($err, qr/42501/, "$call by another role");
}
my $root = sql(q(SELECT perf_optimizer.schedule_command('root', '@yearly', 'SELECT 1')));
my ($rc, $out, $err) = $node->psql('postgres', "\\set VERBOSITY verbose\nSELECT perf_optimizer.alter_job($root, command => 'ALTER ROLE po_test_other SUPERUSER')", extra_params => [ '-U', 'po_test_other' ]);
like($err, qr/42501/, "nor a superuser's job");
is(sql(q(SELECT command FROM perf_optimizer.job WHERE name = 'root')), 'SELECT 1', 'which stays as it was');
sql(q(INSERT INTO perf_optimizer.job SELECT (jsonb_populate_record(j, jsonb_build_object('job_id', 1000, 'name', 'written', 'owner', 'po_test_other'::regrole::oid::int8, 'kind', 'refresh',
	'relid', 'v_who'::regclass::oid::int8, 'target', 'public.v_who', 'action', 'full', 'max_attempts', 1))).* FROM perf_optimizer.job j WHERE name = 'root';
INSERT INTO perf_optimizer.job SELECT (jsonb_populate_record(j, jsonb_build_object('job_id', 1001, 'name', 'nonsense', 'schedule', 'nonsense', 'timezone', 'Nowhere', 'next_run', now(), 'rebase', false))).* FROM perf_optimizer.job j WHERE name = 'root';));
is(outcome(1000), 'failed 42501', 'a refresh that was written into the table needs the rights all the same');
holds(q(SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'nonsense' AND status = 'skipped' AND message LIKE '%not understood%')), 'a schedule that is none is skipped, and says so');

# SQL in names.
my $name = q(x'; DROP TABLE log; -- "$$ %s \\);
is(outcome(sql("SELECT perf_optimizer.schedule_command(\$n\$$name\$n\$, '\@yearly', 'SELECT 1')")), 'succeeded', 'a name that looks like SQL');
is(sql("SELECT perf_optimizer.unschedule(\$n\$$name\$n\$)"), 't', 'is a name');
sql(q(CREATE MATERIALIZED VIEW "v""; DROP TABLE log; --" AS SELECT 1 AS one));
is(outcome(sql(q(SELECT perf_optimizer.schedule_refresh('"v""; DROP TABLE log; --"', '@yearly', 'full')))), 'succeeded', 'so is that of a view');
is(sql(q(SELECT count(*) FROM pg_class WHERE relname = 'log')), 1, 'nothing was dropped');

# The history takes no row for a while: the outcome is kept, and stored when it does.
sql(q(SELECT perf_optimizer.schedule_command('full', '@yearly', 'INSERT INTO log(what) VALUES ($$full$$)');
ALTER TABLE perf_optimizer.job_run ADD CONSTRAINT disk_is_full CHECK (status <> 'succeeded') NOT VALID;));
my $run = sql(q(SELECT perf_optimizer.run_job(job_id) FROM perf_optimizer.jobs WHERE name = 'full'));
holds(q(SELECT EXISTS (SELECT FROM log WHERE what = 'full')), 'a run does its work while its outcome cannot be stored');
holds("SELECT NOT EXISTS (SELECT FROM pg_stat_activity a JOIN perf_optimizer.job_runs r USING (pid) WHERE r.run_id = $run)", 'its process ends');
is(sql("SELECT status FROM perf_optimizer.job_runs WHERE run_id = $run"), 'running', 'the run is not over');
sql('ALTER TABLE perf_optimizer.job_run DROP CONSTRAINT disk_is_full');
holds("SELECT status = 'succeeded' FROM perf_optimizer.job_runs WHERE run_id = $run", 'and is stored as it ended once that is possible');
is(sql(q(SELECT count(*) FROM log WHERE what = 'full')), 1, 'it has run once');

# Three databases with jobs among others without: a scheduler for each, and for no other.
sql("CREATE DATABASE plain$_") for 1 .. 5;
for my $db ('with1', 'with2')
{
	sql("CREATE DATABASE $db");
	$node->safe_psql($db, q(CREATE EXTENSION perf_optimizer; SELECT perf_optimizer.schedule_command('tick', '* * * * * *', 'SELECT 1')));
}
sql(q(SELECT perf_optimizer.schedule_command('tick', '* * * * * *', 'SELECT 1')));
$node->restart;
for my $db ('postgres', 'with1', 'with2')
{
	ok($node->poll_query_until($db, q(SELECT max(started_at) > pg_postmaster_start_time() FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded')), "jobs run in $db after a restart");
}
holds(q(SELECT string_agg(datname, ' ' ORDER BY datname) = 'postgres with1 with2' FROM pg_stat_activity WHERE backend_type = 'perf_optimizer scheduler'), 'and a scheduler is nowhere else');

# The clock is set forward and back again: jobs do not wait until it is once more where it was.
$node->append_conf('postgresql.conf', 'perf_optimizer.test_clock_offset = 36000');
$node->reload;
sql(q(SELECT perf_optimizer.schedule_command('hourly', '0 * * * *', 'SELECT 1')));
holds(q(SELECT next_run > clock_timestamp() + interval '9 hours' FROM perf_optimizer.jobs WHERE name = 'hourly'), 'the clock is ten hours ahead');
sql(q(INSERT INTO perf_optimizer.job_run (job_id, owner, name, cause, scheduled_for, queued_at, not_before)
  SELECT job_id, owner, name, 'slot', t, t, t FROM perf_optimizer.job, (SELECT clock_timestamp() + interval '11 hours') AS c(t) WHERE name = 'hourly'));
$node->append_conf('postgresql.conf', 'perf_optimizer.test_clock_offset = 0');
$node->reload;
holds(q(SELECT next_run <= clock_timestamp() + interval '61 minutes' FROM perf_optimizer.jobs WHERE name = 'hourly'), 'set back, the next slot is that of the present hour');
holds(q(SELECT count(*) = 1 FROM perf_optimizer.job_runs WHERE name = 'hourly' AND status = 'succeeded'), 'a run that waited for a moment of the other clock goes now');
my $back = sql('SELECT clock_timestamp()');
holds("SELECT EXISTS (SELECT FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded' AND scheduled_for BETWEEN '$back' AND clock_timestamp())", 'and jobs of every second go on');

# The scheduler and the postmaster are killed.
for my $who ('scheduler', 'postmaster')
{
	my $killed = sql('SELECT clock_timestamp()');
	if ($who eq 'scheduler')
	{
		ok(crash($node, sql(q(SELECT pid FROM pg_stat_activity WHERE backend_type = 'perf_optimizer scheduler' AND datname = 'postgres'))), 'the server restarts');
	}
	else
	{
		$node->kill9;
		# Its children need a moment to notice.
		my $started = 0;
		for (1 .. 600)
		{
			last if $started = $node->start(fail_ok => 1);
			$node->stop('fast', fail_ok => 1);
			select undef, undef, undef, 0.1;
		}
		ok($started, 'the server is started again');
	}
	holds("SELECT max(started_at) > '$killed' FROM perf_optimizer.job_runs WHERE name = 'tick' AND status = 'succeeded'", "jobs go on after kill -9 of the $who");
}
is(sql(q(SELECT count(*) FROM (SELECT scheduled_for FROM perf_optimizer.job_runs WHERE name = 'tick' AND cause <> 'request' AND status <> 'skipped' GROUP BY 1 HAVING count(*) > 1) s)), 0, 'and no slot was taken twice');
$node->stop;
done_testing();
