# RefreshFuzz.pm: random changes beside random refreshes; at each quiet point every view equals its query as a multiset and
# its indexes are complete. test/t/61_refresh_fuzz.pl runs it.
package RefreshFuzz;
use strict;
use warnings;
use Exporter 'import';
use PostgreSQL::Test::Utils;
use PoCluster;
use RandomViews qw(below pick maybe_null random_tables random_view random_indexes random_change);
use Test::More;
our @EXPORT = qw(run_rounds);

my $WRITERS = 3;

my $schema = <<'SQL';
CREATE EXTENSION IF NOT EXISTS perf_optimizer;
CREATE EXTENSION IF NOT EXISTS amcheck;
SET client_min_messages = warning;
DROP SCHEMA IF EXISTS fuzz CASCADE;
CREATE SCHEMA fuzz;
SET search_path = fuzz;
CREATE TABLE a (id serial PRIMARY KEY, k int, j int, t text, n numeric, ts timestamp, tz timestamptz, f boolean,
  doubled int GENERATED ALWAYS AS (k * 2) STORED);
CREATE TABLE b (id serial PRIMARY KEY, a_id int REFERENCES a ON DELETE CASCADE ON UPDATE CASCADE, k int, v numeric, t varchar(20));
CREATE TABLE c (id serial PRIMARY KEY, b_id int, w int, day date);
CREATE TABLE p (id int, k int, g int, v numeric) PARTITION BY LIST (k);
CREATE TABLE p1 PARTITION OF p FOR VALUES IN (0, 1, 2);
CREATE TABLE p2 (v numeric, junk int, g int, k int, id int);
ALTER TABLE p2 DROP COLUMN junk;
ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (3, 4);
CREATE TABLE p3 (LIKE p);
ALTER TABLE p ATTACH PARTITION p3 DEFAULT;
-- Refreshes a view; returns the mode, and in how many rows the view differs from its query.  A crash may have left a view
-- unregistered that was to be registered anew.
CREATE FUNCTION check_view(view regclass, mode text) RETURNS text LANGUAGE plpgsql AS $$
DECLARE
  used text;
  n bigint;
BEGIN
  BEGIN
    SELECT mode_used INTO used FROM perf_optimizer.refresh(view, mode);
  EXCEPTION WHEN object_not_in_prerequisite_state THEN
    PERFORM enable_if_possible(view);
    SELECT mode_used INTO used FROM perf_optimizer.refresh(view);
  END;
  EXECUTE format('SELECT count(*) FROM ((TABLE %1$s EXCEPT ALL (%2$s)) UNION ALL ((%2$s) EXCEPT ALL TABLE %1$s)) d',
                 view, rtrim(pg_get_viewdef(view), ';')) INTO n;
  PERFORM public.bt_index_check(indexrelid, true) FROM pg_index WHERE indrelid = view;
  RETURN used || ' ' || n;
END $$;
-- Registers a view unless its query does not allow it.
CREATE FUNCTION enable_if_possible(view regclass) RETURNS void LANGUAGE plpgsql AS $$
BEGIN
  IF (SELECT ok FROM perf_optimizer.can_refresh_incrementally(view)) THEN PERFORM perf_optimizer.enable_incremental(view); END IF;
END $$;
-- Makes the indexes in which refreshes look rows up; each must run, and be known then.  None on bump(), which will change.
CREATE FUNCTION make_lookups() RETURNS void LANGUAGE plpgsql AS $$
DECLARE
  l record;
BEGIN
  FOR l IN SELECT x.* FROM perf_optimizer.matview_tracking t CROSS JOIN jsonb_to_recordset(t.lookups) AS x (relation regclass, columns text[], rises text)
            WHERE x.columns::text !~ 'bump' LOOP
    CONTINUE WHEN perf_optimizer.matview_has_index(l.relation, l.columns, l.rises);
    EXECUTE format('CREATE INDEX ON %s (%s)', l.relation, concat_ws(', ', VARIADIC l.columns || l.rises));
    ASSERT perf_optimizer.matview_has_index(l.relation, l.columns, l.rises), format('%s (%s, %s) is not known', l.relation, l.columns, l.rises);
  END LOOP;
END $$;
CREATE FUNCTION bump(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN i + 1; END $$;
CREATE VIEW va AS SELECT id, k AS kk, j, n, coalesce(t, '-') AS label FROM a WHERE j <> 3;
CREATE VIEW vab AS SELECT a.id, a.k, b.id AS b_id, b.v FROM a LEFT JOIN b ON b.a_id = a.id;
INSERT INTO a (k, j, t, n, ts, tz, f) SELECT i % 12, i % 5, 'T' || i % 4, i, '2024-01-01'::timestamp + i * interval '9 days',
  '2024-01-01'::timestamp + i * interval '7 hours', i % 2 = 0 FROM generate_series(1, 120) i;
INSERT INTO b (a_id, k, v, t) SELECT 1 + i % 120, i % 10, i, 'x' || i % 3 FROM generate_series(1, 160) i;
INSERT INTO c (b_id, w, day) SELECT 1 + i % 160, i % 6, '2024-01-01'::date + i FROM generate_series(1, 120) i;
INSERT INTO p SELECT i, i % 6, i % 7, i FROM generate_series(1, 120) i;
-- A table that is written through its parent, and one whose rows a trigger changes or leaves out.
CREATE TABLE h (id int, k int, v numeric);
CREATE TABLE h1 (PRIMARY KEY (id)) INHERITS (h);
INSERT INTO h SELECT i, i % 7, i FROM generate_series(1, 40) i;
INSERT INTO h1 SELECT i, i % 7, i FROM generate_series(41, 120) i;
CREATE FUNCTION meddle() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  IF TG_OP = 'DELETE' THEN RETURN CASE WHEN OLD.id % 9 > 0 THEN OLD END; END IF;
  IF NEW.id % 8 = 0 THEN RETURN NULL; END IF;
  NEW.k := CASE WHEN NEW.id % 6 = 0 THEN NULL ELSE NEW.k END;
  RETURN NEW;
END $$;
CREATE TRIGGER meddle BEFORE INSERT OR UPDATE OR DELETE ON h1 FOR EACH ROW EXECUTE FUNCTION meddle();
-- Changes of one table that change others.
CREATE FUNCTION pass_on() RETURNS trigger LANGUAGE plpgsql AS $$
BEGIN
  UPDATE fuzz.c SET w = (coalesce(w, 0) + 1) % 6 WHERE b_id = NEW.id;
  IF NEW.k = 5 THEN DELETE FROM fuzz.h WHERE id = NEW.id % 120; END IF;
  RETURN NULL;
END $$;
CREATE TRIGGER pass_on AFTER INSERT OR UPDATE OF k ON b FOR EACH ROW EXECUTE FUNCTION pass_on();
ANALYZE;
SQL

# Each view: its query; what it covers is in the query itself.
my @pool = (
	'SELECT k, count(*) AS c, sum(n) AS s, max(t) AS m FROM a GROUP BY k',
	'SELECT k, j, count(*) AS c, sum(n) FILTER (WHERE f) AS s FROM a WHERE j < 4 GROUP BY k, j HAVING count(*) > 1',
	"SELECT date_trunc('month', ts) AS month, count(*) AS c, sum(n) AS s FROM a GROUP BY 1",
	"SELECT k, date_trunc('day', tz) AS day, count(*) AS c FROM a GROUP BY 1, 2",
	'SELECT tz::date AS day, k, min(n) AS m FROM a GROUP BY tz::date, k',
	'SELECT ts::date AS day, f, count(DISTINCT k) AS c FROM a GROUP BY 1, 2',
	"SELECT date_trunc('week', day) AS week, sum(w) AS w FROM c GROUP BY 1",
	'SELECT lower(t) AS l, f, count(*) AS c FROM a GROUP BY lower(t), f',
	'SELECT n, count(*) AS c FROM a GROUP BY n',
	'SELECT doubled, bump(k) AS bumped, count(*) AS c FROM a GROUP BY doubled, bump(k)',
	'SELECT k / 2 AS half FROM a GROUP BY k / 2, j',
	'SELECT DISTINCT k, lower(t) AS l FROM a',
	'SELECT DISTINCT j FROM a WHERE f',
	'SELECT id, k, t, n FROM a WHERE k > 3',
	'SELECT k, f FROM a WHERE n < 80',
	'SELECT a.k, b.k AS bk, count(*) AS c, sum(b.v) AS v FROM a JOIN b ON b.a_id = a.id GROUP BY a.k, b.k',
	'SELECT b.k, sum(a.n) AS n FROM a, b WHERE b.a_id = a.id AND a.j <> 2 GROUP BY b.k',
	'SELECT k, count(*) AS c FROM a JOIN b USING (k) GROUP BY k',
	'SELECT a.id, b.id AS b_id, a.t, b.v FROM a JOIN b ON b.a_id = a.id WHERE b.v > 20',
	'SELECT a.k, count(*) AS c, max(c.w) AS w FROM a JOIN b ON b.a_id = a.id JOIN c ON c.b_id = b.id GROUP BY a.k',
	'SELECT x.k, y.j, count(*) AS c FROM a x JOIN a y ON y.j = x.k GROUP BY x.k, y.j',
	'SELECT a.k, count(b.id) AS c, sum(b.v) AS v FROM a LEFT JOIN b ON b.a_id = a.id GROUP BY a.k',
	'SELECT a.k, count(*) AS c FROM a LEFT JOIN b ON b.a_id = a.id WHERE b.id IS NULL GROUP BY a.k',
	'SELECT a.id, a.j, b.v, c.w FROM a LEFT JOIN b ON b.a_id = a.id LEFT JOIN c ON c.b_id = b.id AND c.w > 2',
	'SELECT a.k, count(c.w) AS c, count(b.id) AS n FROM a LEFT JOIN (b LEFT JOIN c ON c.b_id = b.id) ON b.a_id = a.id AND coalesce(c.w, 0) < 4 GROUP BY a.k',
	'SELECT a.j, count(b.id) AS c FROM b RIGHT JOIN a ON b.a_id = a.id AND b.k > 2 GROUP BY a.j',
	'SELECT k, count(b_id) AS c, sum(v) AS v FROM vab GROUP BY k',
	'SELECT vab.k, c.w, count(*) AS c FROM vab JOIN c ON c.w = vab.k WHERE vab.v IS NULL OR vab.v > 50 GROUP BY vab.k, c.w',
	'SELECT id, k, row_number() OVER (PARTITION BY k ORDER BY id) AS r, sum(n) OVER (PARTITION BY k) AS s FROM a',
	'SELECT k, j, sum(n) AS s, rank() OVER (PARTITION BY k ORDER BY sum(n), j) AS r FROM a GROUP BY k, j',
	"SELECT 'a' AS src, k, n FROM a UNION ALL SELECT 'b', k, v FROM b",
	'SELECT k, count(*) AS c FROM a GROUP BY k UNION ALL SELECT k, sum(v) FROM b GROUP BY k',
	'SELECT k, j FROM a UNION SELECT k, k FROM b',
	'SELECT k FROM a EXCEPT ALL SELECT k FROM b WHERE v > 40',
	'SELECT k FROM a INTERSECT SELECT k FROM b',
	'(SELECT k FROM a UNION ALL SELECT k FROM b) EXCEPT SELECT k FROM p',
	'SELECT k, g, count(*) AS c, sum(v) AS v FROM p GROUP BY k, g',
	'SELECT g, count(*) AS c FROM p GROUP BY g',
	'SELECT g, count(*) AS c FROM p1 GROUP BY g',
	'SELECT p.g, sum(a.n) AS n, count(*) AS c FROM p JOIN a ON a.k = p.k GROUP BY p.g',
	'SELECT id, k, g FROM p WHERE v > 20',
	'SELECT kk, label, count(*) AS c FROM va GROUP BY kk, label',
	'WITH x AS (SELECT k, n + 1 AS n1 FROM a WHERE j > 0), y AS (SELECT k, n1 FROM x) SELECT y.k, sum(y.n1) AS s FROM y JOIN x ON x.k = y.k GROUP BY y.k',
	'SELECT s.k, s.m, count(*) AS c FROM (SELECT k, n % 7 AS m FROM a WHERE n > 5) s GROUP BY s.k, s.m',
	'SELECT v.x, count(*) AS c FROM a JOIN (VALUES (1), (2), (3)) v (x) ON v.x = a.j GROUP BY v.x',
	"SELECT k || '/' || j AS label, to_char(tz, 'YYYY-MM') AS month, count(*) AS c FROM a GROUP BY 1, 2",
	'SELECT k, count(*) AS c, sum(v) AS v FROM h1 GROUP BY k',
	'SELECT k, count(*) AS c, min(v) AS v FROM ONLY h GROUP BY k',
	'SELECT h1.k, count(*) AS c FROM h1 JOIN a ON a.id = h1.id GROUP BY h1.k',
	'SELECT k % 3 AS third, sum(c) AS c FROM mv0 GROUP BY 1',
	'SELECT a.j, sum(mv0.c) AS c FROM mv0 JOIN a ON a.k = mv0.k GROUP BY a.j',
);

# Views of a table that logical replication writes.
my @replicated = (
	'SELECT k, count(*) AS c, sum(n) AS s, max(t) AS m FROM public.l GROUP BY k',
	'SELECT l.k, count(*) AS c, sum(a.n) AS n FROM public.l JOIN a ON a.k = l.k GROUP BY l.k',
	'SELECT l.t, count(b.id) AS c FROM public.l LEFT JOIN b ON b.id = l.id GROUP BY l.t',
);

# Indexes by which rows of keys can be found, or seemingly can.
my @indexes = ('a (k)', 'a (k, ts)', 'a (tz)', 'a (ts DESC, f)', 'a (lower(t), f)', 'a (n)', 'a (j) INCLUDE (k)', 'a (k, j) WHERE j > 1',
	'a ((k / 2), j DESC NULLS LAST)', 'a (doubled)', 'b (k)', 'b (k) WHERE v > 20', 'c (day)', 'c (w DESC)', 'h1 (k)', 'p (g)', 'p1 (g, v)');

# A row's condition that hits few rows, and now and then many.
sub condition
{
	my ($column) = @_;
	return pick("$column = " . below(200), "$column BETWEEN " . below(150) . ' AND ' . below(200), "$column % 37 = " . below(37),
		"$column IN (" . join(', ', map { below(200) } 1 .. 4) . ')', below(6) ? 'false' : 'true');
}

# A random statement that changes data.
sub change
{
	my $k = maybe_null(8, below(14));
	my $month = sprintf("'2024-%02d-%02d %02d:30'", 1 + below(12), 1 + below(28), below(24));
	return pick(
		sub { "INSERT INTO a (k, j, t, n, ts, tz, f) VALUES ($k, " . maybe_null(9, below(5)) . ", '" . pick('T1', 't1', 'T2', 'zz') . "', " . below(90) . ", $month, " . maybe_null(5, $month) . ', ' . pick('true', 'false', 'NULL') . ')' },
		sub { 'INSERT INTO a (id, k, j, n) SELECT i, i % 13, i % 5, i FROM generate_series(' . below(180) . ', ' . below(220) . ') i ON CONFLICT (id) DO ' . pick('NOTHING', 'UPDATE SET k = excluded.k, n = a.n + 1') },
		sub { "UPDATE a SET k = $k WHERE " . condition('id') },
		sub { 'UPDATE a SET n = n + 1, f = NOT f WHERE ' . condition('id') },
		sub { "UPDATE a SET ts = $month, tz = " . maybe_null(6, $month) . ' WHERE ' . condition('id') },
		sub { "UPDATE a SET t = '" . pick('T1', 't1', 'q') . "', j = " . maybe_null(9, below(5)) . ' WHERE ' . condition('id') },
		sub { 'UPDATE a SET n = n WHERE ' . condition('id') },
		sub { 'DELETE FROM a WHERE ' . condition('id') },
		sub { 'UPDATE a SET id = id + 1000 WHERE id = ' . below(200) },
		sub { 'INSERT INTO b (a_id, k, v, t) SELECT id, ' . maybe_null(8, below(10)) . ', ' . below(90) . ", 'x1' FROM a WHERE " . condition('id') . ' LIMIT 5' },
		sub { 'UPDATE b SET v = v + 1 WHERE ' . condition('id') },
		sub { "UPDATE b SET k = $k WHERE " . condition('id') },
		sub { 'UPDATE b SET a_id = (SELECT max(id) FROM a) WHERE ' . condition('id') },
		sub { 'DELETE FROM b WHERE ' . condition('id') },
		sub { 'INSERT INTO c (b_id, w, day) VALUES (' . below(200) . ', ' . maybe_null(6, below(6)) . ", DATE '2024-02-01' + " . below(60) . ')' },
		sub { 'UPDATE c SET w = ' . below(6) . ', b_id = ' . below(200) . ' WHERE ' . condition('id') },
		sub { 'DELETE FROM c WHERE ' . condition('id') },
		sub { 'INSERT INTO p VALUES (' . below(300) . ", $k, " . maybe_null(7, below(7)) . ', ' . below(90) . ')' },
		sub { "UPDATE p SET k = $k WHERE " . condition('id') },
		sub { 'UPDATE p SET g = g + 1, v = v + 1 WHERE ' . condition('id') },
		sub { 'UPDATE p1 SET g = ' . below(7) . ' WHERE ' . condition('id') },
		sub { 'DELETE FROM p WHERE ' . condition('id') },
		sub { 'INSERT INTO h1 SELECT i, ' . maybe_null(8, below(9)) . ', i FROM generate_series(' . below(180) . ', ' . below(220) . ') i ON CONFLICT DO NOTHING' },
		sub { "UPDATE h SET k = $k WHERE " . condition('id') },
		sub { 'UPDATE ' . pick('h', 'ONLY h', 'h1') . ' SET v = v + 1 WHERE ' . condition('id') },
		sub { 'DELETE FROM h WHERE ' . condition('id') },
		sub { "INSERT INTO h VALUES (" . below(300) . ", $k, 3)" },
		sub { 'MERGE INTO b USING (SELECT ' . below(200) . ' AS id) s ON b.id = s.id WHEN MATCHED THEN UPDATE SET v = b.v + 1 WHEN NOT MATCHED THEN INSERT (a_id, k, v) VALUES (NULL, 1, 2)' },
		sub { "COPY c (b_id, w, day) FROM PROGRAM 'printf \"1\\t2\\t2024-03-03\\n" . below(200) . "\\t3\\t2024-04-04\\n\"'" },
		sub { below(6) ? 'SELECT 1' : 'TRUNCATE ' . pick('c', 'p', 'p1', 'p3', 'b', 'a, b') },
		sub { "SET LOCAL session_replication_role = replica; UPDATE a SET k = $k WHERE " . condition('id') . '; SET LOCAL session_replication_role = origin' },
	)->();
}

# A random change of a table that is replicated, where rows of two sides do not meet: $low is the first id.
sub replicated_change
{
	my ($low) = @_;
	my $id = $low + below(80);
	my $k = maybe_null(7, below(12));
	return pick(
		"INSERT INTO public.l VALUES ($id, $k, " . below(50) . ", '" . pick('v', 'w', 'V') . "')",
		"INSERT INTO public.l SELECT i, i % 12, i, 'x' FROM generate_series($id, $id + 5) i",
		"UPDATE public.l SET k = $k WHERE id BETWEEN $id AND $id + 9",
		"UPDATE public.l SET n = n + 1, t = 'y' WHERE id = $id",
		"DELETE FROM public.l WHERE id BETWEEN $id AND $id + 3",
		$low == 0 && below(8) == 0 ? 'TRUNCATE public.l' : "UPDATE public.l SET n = n WHERE id = $id",
	);
}

# A random statement that changes data, of the tables above or of the random ones.
sub any_change { return below(12) == 0 ? replicated_change(-80) : below(5) < 2 ? random_change() : change(); }

# A random statement that changes what a refresh must notice by other means.
sub upheaval
{
	return pick(
		'ALTER TABLE a ADD COLUMN extra' . below(100000) . ' int DEFAULT 1',
		'ALTER TABLE a DISABLE TRIGGER ALL; UPDATE a SET k = 3 WHERE id % 11 = 1; ALTER TABLE a ENABLE TRIGGER ALL',
		'ALTER TABLE p DETACH PARTITION p2; INSERT INTO p2 (id, k, g, v) VALUES (900, 3, 1, 1); ALTER TABLE p ATTACH PARTITION p2 FOR VALUES IN (3, 4)',
		'VACUUM FULL ' . pick('a', 'b', 'p1'),
		'CREATE OR REPLACE VIEW va AS SELECT id, k AS kk, j, n, coalesce(t, \'-\') AS label FROM a WHERE j <> ' . below(5),
		'CREATE OR REPLACE FUNCTION bump(i int) RETURNS int LANGUAGE plpgsql IMMUTABLE AS $$ BEGIN RETURN i + ' . below(5) . '; END $$',
		'ALTER TABLE a RENAME COLUMN k TO tmp; ALTER TABLE a RENAME COLUMN j TO k; ALTER TABLE a RENAME COLUMN tmp TO j',
		'DROP TRIGGER IF EXISTS perf_optimizer_capture_0 ON a; VACUUM ANALYZE a',
		'DO $d$ DECLARE n name; BEGIN SELECT tgname INTO n FROM pg_trigger WHERE tgrelid = \'b\'::regclass AND tgname LIKE \'perf_optimizer_capture%\'; IF FOUND THEN EXECUTE format(\'DROP TRIGGER %I ON b\', n); END IF; END $d$',
	);
}

# A refresh of a random view in a random way.
sub refresh
{
	my ($views) = @_;
	my $view = pick(@$views);
	return pick(("SELECT perf_optimizer.refresh('$view')") x 6, "SELECT perf_optimizer.refresh('$view', 'incremental')",
		"SELECT perf_optimizer.refresh('$view', 'concurrent')", "SELECT perf_optimizer.refresh('$view', 'full')",
		'REFRESH MATERIALIZED VIEW ' . pick('', '', 'CONCURRENTLY ') . $view,
		"SELECT perf_optimizer.disable_incremental('$view'); SELECT fuzz.enable_if_possible('$view')");
}

# A transaction of random statements.
sub transaction
{
	my ($views, $name) = @_;
	my @lines = ('BEGIN ISOLATION LEVEL ' . pick(('READ COMMITTED') x 3, 'REPEATABLE READ', 'SERIALIZABLE'));
	my $savepoints = 0;
	for (1 .. 1 + below(6))
	{
		my $what = below(12);
		if ($what == 0) { push @lines, 'SAVEPOINT s'; $savepoints++; }
		elsif ($what == 1 && $savepoints) { push @lines, 'ROLLBACK TO s'; }
		elsif ($what == 2 && $savepoints) { push @lines, 'RELEASE s'; $savepoints--; }
		elsif ($what == 3) { push @lines, refresh($views); }
		else { push @lines, any_change(); }
	}
	# A prepared transaction that refreshed or truncated keeps refreshes waiting, and is ended before the quiet point.
	my $kind = grep({ /refresh|REFRESH|incremental|TRUNCATE|public\.l/ } @lines) ? 'locked' : 'wrote';
	push @lines, pick(('COMMIT') x 8, 'ROLLBACK', "PREPARE TRANSACTION '$kind $name'");
	return map { "$_;" } @lines;
}

# What one session does in one round.
sub script
{
	my ($views, $name) = @_;
	my @lines = ('SET search_path = fuzz; SET statement_timeout = \'20s\'; SET lock_timeout = \'2s\';');
	for my $i (1 .. 1 + below(4))
	{
		my $what = below(10);
		if ($what < 5) { push @lines, transaction($views, "$name.$i"); }
		elsif ($what < 8) { push @lines, any_change() . ';'; }
		else { push @lines, refresh($views) . ';'; }
	}
	return join("\n", @lines) . "\n";
}

# What the session does that writes where changes are replicated from.
sub source_script
{
	my @lines;
	for (1 .. 1 + below(4))
	{
		push @lines, 'BEGIN', replicated_change(0);
		push @lines, 'SAVEPOINT s', replicated_change(0), pick('ROLLBACK TO s', 'RELEASE s') if below(2);
		push @lines, pick('COMMIT', 'COMMIT', 'COMMIT', 'ROLLBACK');
	}
	return join('', map { "$_;\n" } @lines);
}

# Starts a psql with a script; returns its process id.
sub start
{
	my ($node, $script, $file, $database) = @_;
	append_to_file($file, $script);
	my $pid = fork();
	die "fork: $!" unless defined $pid;
	return $pid if $pid;
	open(STDOUT, '>', "$file.out");
	open(STDERR, '>&', \*STDOUT);
	exec('psql', '-XAtq', '-d', $node->connstr($database), '-f', $file) or POSIX::_exit(127);
}

# Makes the views of a set and registers them; returns their names in order of dependency.
sub make_views
{
	my ($node, $count) = @_;
	my @queries = ($pool[0], pick(@replicated), map { below(2) ? random_view() : pick(@pool) } 3 .. $count);
	my $sql = "SET search_path = fuzz;\n";
	for my $i (0 .. $#queries)
	{
		$sql .= "CREATE MATERIALIZED VIEW mv$i AS $queries[$i];\n";
		$sql .= "SELECT enable_if_possible('mv$i');\n";
	}
	$sql .= 'CREATE UNIQUE INDEX ON mv0 (k);' if below(2);
	$sql .= join('', map { below(2) ? "CREATE INDEX ON $_;" : '' } @indexes) . random_indexes();
	$sql .= "SELECT make_lookups();\n" if below(2);
	$sql .= 'ANALYZE;' if below(2);
	$node->safe_psql('postgres', $sql);
	return \@queries;
}

# Refreshes every view and returns a line for each that differs from its query; counts the modes.
sub faults
{
	my ($node, $queries, $modes) = @_;
	my @faults;
	my $sql = "SET search_path = fuzz; SET statement_timeout = '60s';\n";
	$sql .= "SELECT check_view('mv$_', '" . (below(12) ? 'auto' : 'incremental') . "');\n" for 0 .. $#$queries;
	my @answers = split /\n/, $node->safe_psql('postgres', $sql);
	for my $i (0 .. $#$queries)
	{
		my ($mode, $differences) = split / /, $answers[$i];
		$modes->{$mode}++;
		push @faults, "mv$i ($mode) differs in $differences rows: $queries->[$i]" if $differences != 0;
	}
	return @faults;
}

# Ends the transactions that were prepared.
sub end_prepared
{
	my ($node, $keep) = @_;
	for my $gid (split /\n/, $node->safe_psql('postgres', 'SELECT gid FROM pg_prepared_xacts'))
	{
		next if $keep && $gid =~ /^wrote/ && below(2);
		$node->safe_psql('postgres', pick('COMMIT', 'COMMIT', 'ROLLBACK') . " PREPARED '$gid'");
	}
}

# One round: sessions side by side, something else perhaps, then a quiet point.
sub round
{
	my ($node, $round, $queries, $modes) = @_;
	my @views = map { "mv$_" } 0 .. $#$queries;
	my $file = $node->basedir . "/round$round";
	my @pids = map { start($node, script(\@views, "r$round.$_"), "$file.$_", 'postgres') } 1 .. $WRITERS;
	push @pids, start($node, source_script(), "$file.source", 'source');
	my $crash = below(12) == 0;
	if ($crash) { select undef, undef, undef, rand(0.15); kill_server($node); }
	waitpid($_, 0) for @pids;
	if ($crash) { $node->start; takes_connections($node) or die 'no server after a crash'; }
	$node->psql('postgres', 'SET search_path = fuzz; SET lock_timeout = \'2s\'; ' . upheaval()) if below(6) == 0;
	end_prepared($node, 1);
	$node->wait_for_catchup('fuzz');
	my @faults = faults($node, $queries, $modes);
	diag("round $round: $_") for @faults;
	end_prepared($node, 0);
	unlink glob("$file.*") unless @faults;
	return scalar @faults;
}

# Makes a table here that logical replication writes from another database.
sub replicate
{
	my ($node) = @_;
	my $table = 'CREATE TABLE l (id int, k int, n numeric, t text); ALTER TABLE l REPLICA IDENTITY FULL;';
	my $source = $node->connstr('source');
	$source =~ s/'/''/g;
	$node->safe_psql('postgres', 'CREATE DATABASE source');
	$node->safe_psql('source', "$table CREATE PUBLICATION l FOR TABLE l");
	$node->safe_psql('source', "SELECT pg_create_logical_replication_slot('fuzz', 'pgoutput')");
	$node->safe_psql('postgres', "$table CREATE SUBSCRIPTION fuzz CONNECTION '$source' PUBLICATION l WITH (create_slot = false, copy_data = false)");
}

# Runs rounds with a seed, a new set of views every so many; returns the number of faults and the counts of modes.
sub run_rounds
{
	my ($node, $rounds, $seed) = @_;
	my ($faults, %modes, $queries) = (0);
	srand($seed);
	replicate($node);
	for my $round (1 .. $rounds)
	{
		if ($round % 15 == 1)
		{
			$node->safe_psql('postgres', $schema . random_tables() . 'ANALYZE;');
			$queries = make_views($node, 8);
		}
		$faults += round($node, $round, $queries, \%modes);
		diag("round $round of $rounds: " . join(', ', map { "$_ $modes{$_}" } sort keys %modes)) if $round % 100 == 0;
		last if $faults > 3;
	}
	return ($faults, \%modes);
}

1;
