/* ---- partitions and shards for one table ---- */

CREATE FUNCTION perf_optimizer.relation_statements(relation regclass, OUT query_id bigint, OUT calls float8, OUT command text, OUT equal_columns text[],
  OUT limited_columns text[], OUT local_columns text[], OUT joins int, OUT joined_columns text[])
RETURNS SETOF record
LANGUAGE c VOLATILE PARALLEL UNSAFE ROWS 100
AS 'MODULE_PATHNAME', 'perf_optimizer_relation_statements';
COMMENT ON FUNCTION perf_optimizer.relation_statements(regclass) IS
'The statements of pg_stat_statements, as far as the caller may see them, that touch a table, and by which columns, whatever views lie between. equal_columns: compared with one value wherever the statement reads the table; limited_columns: that, or a range or list; local_columns: were the rows spread by this column, the statement would stay on one shard; joins: other large tables that it reads (from a tenth of the table''s rows on; smaller ones can be on every shard); joined_columns: equated with a column of each of these. No rows without pg_stat_statements. Statements that cannot be planned are left out. Errors: 22004 for a NULL, 55000 when pg_stat_statements is not loaded.';

CREATE FUNCTION perf_optimizer.require_partitionable(relation regclass) RETURNS void
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  c pg_class;
  wrong text;
BEGIN
  IF relation IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '22004', MESSAGE = 'argument "relation" must not be null', HINT = 'Pass the table that may be worth partitioning.';
  END IF;
  SELECT * INTO c FROM pg_class WHERE oid = relation;
  IF c.oid IS NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42P01', MESSAGE = format('relation with OID %s does not exist', relation::oid);
  END IF;
  wrong := CASE WHEN c.relkind = 'p' THEN 'is partitioned already' WHEN c.relkind = 'f' THEN 'is a foreign table' WHEN c.relkind = 'v' THEN 'is a view'
                WHEN c.relkind = 'm' THEN 'is a materialized view' WHEN c.relkind <> 'r' THEN 'is not a table' WHEN c.relispartition THEN 'is a partition'
                WHEN c.relpersistence = 't' THEN 'is a temporary table'
                WHEN c.oid < 16384 OR c.relnamespace = 'perf_optimizer'::regnamespace THEN 'belongs to the system' END;
  IF wrong IS NOT NULL THEN
    RAISE EXCEPTION USING ERRCODE = '42809', MESSAGE = format('"%s" %s', c.relname, wrong), HINT = 'Pass an ordinary table in "relation".';
  ELSIF NOT has_table_privilege(relation, 'SELECT') THEN
    RAISE EXCEPTION USING ERRCODE = '42501', MESSAGE = format('permission denied for table %s', c.relname), HINT = 'Advice on partitions reads the first and the last value of a column: it needs SELECT.';
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.require_partitionable(regclass) IS 'Raises 22004, 42P01, 42809 or 42501 for what cannot become a partitioned table. Internal.';

CREATE FUNCTION perf_optimizer.partitioning_obstacles(relation regclass) RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT format('foreign key "%s" of %s refers to it, and the key that it refers to would change', c.conname, c.conrelid::regclass)
    FROM pg_constraint c WHERE c.contype = 'f' AND c.confrelid = relation
  UNION ALL SELECT format('constraint "%s" is not possible on a partitioned table', c.conname) FROM pg_constraint c WHERE c.contype = 'x' AND c.conrelid = relation
  UNION ALL SELECT format('constraint "%s" is not validated', c.conname) FROM pg_constraint c WHERE c.conrelid = relation AND NOT c.convalidated
  UNION ALL SELECT format('rule "%s" would have to be made again', r.rulename) FROM pg_rewrite r WHERE r.ev_class = relation
  UNION ALL SELECT format('trigger "%s" has transition tables, which partitions do not allow for each row', t.tgname)
    FROM pg_trigger t WHERE t.tgrelid = relation AND t.tgtype & 1 = 1 AND (t.tgoldtable IS NOT NULL OR t.tgnewtable IS NOT NULL)
  UNION ALL SELECT 'its row security would have to be made again' FROM pg_class c WHERE c.oid = relation AND c.relrowsecurity
  UNION ALL SELECT 'it is unlogged' FROM pg_class c WHERE c.oid = relation AND c.relpersistence = 'u'
  UNION ALL SELECT 'it has a type, an heir or a parent' FROM pg_class c WHERE c.oid = relation AND (c.reloftype <> 0 OR EXISTS (SELECT FROM pg_inherits i WHERE relation IN (i.inhrelid, i.inhparent)))
  UNION ALL SELECT format('its owner may not create tables in schema "%s"', n.nspname) FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace
     WHERE c.oid = relation AND NOT has_schema_privilege(c.relowner, n.oid, 'CREATE')
  UNION ALL SELECT DISTINCT format('%s depends on it', pg_describe_object(CASE WHEN d.classid = 'pg_rewrite'::regclass THEN 'pg_class'::regclass ELSE d.classid END, coalesce(r.ev_class, d.objid), 0))
    FROM pg_depend d LEFT JOIN pg_rewrite r ON d.classid = 'pg_rewrite'::regclass AND r.oid = d.objid
   WHERE (d.refclassid = 'pg_class'::regclass AND d.refobjid = relation OR d.refclassid = 'pg_type'::regclass AND d.refobjid = (SELECT c.reltype FROM pg_class c WHERE c.oid = relation))
     AND (d.classid IN ('pg_proc'::regclass, 'pg_policy'::regclass, 'pg_publication_rel'::regclass) OR d.classid = 'pg_rewrite'::regclass AND r.ev_class <> relation
          OR d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_type'::regclass)
$$;
COMMENT ON FUNCTION perf_optimizer.partitioning_obstacles(regclass) IS 'What stands against putting a partitioned table into the place of a table, a clause each: what refers to it and would go on referring to the old one, and what a partitioned table cannot have.';

CREATE FUNCTION perf_optimizer.name_with(name text, suffix text) RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT left(name, n) || suffix FROM generate_series(length(name), 0, -1) n WHERE octet_length(left(name, n) || suffix) <= 63 LIMIT 1
$$;
COMMENT ON FUNCTION perf_optimizer.name_with(text, text) IS 'A name with a suffix, shortened before it to the length of a name. Internal.';

CREATE FUNCTION perf_optimizer.table_script(relation regclass, keys text[], OUT before text, OUT made_like text, OUT column_list text, OUT after_rows text)
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
SET intervalstyle = 'postgres'
AS $$
WITH it AS (
  SELECT c.oid, format('%I.%I', n.nspname, c.relname) AS name, perf_optimizer.name_with(c.relname, '_unpartitioned') AS old, n.nspname, c.relowner, c.relacl, c.reltablespace
    FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
), index AS (
  SELECT i.indexrelid, i.indisunique, x.relname AS name, k.conname, k.contype, pg_get_constraintdef(k.oid) AS condef, pg_get_indexdef(i.indexrelid) AS def,
         (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.i) FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, i)
            JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = u.attnum WHERE u.i <= i.indnkeyatts) AS columns,
         (SELECT string_agg(quote_ident(key), ', ' ORDER BY key) FROM unnest(keys) key
           WHERE NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, i) JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = u.attnum AND u.i <= i.indnkeyatts AND a.attname = key)) AS missing
    FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid LEFT JOIN pg_constraint k ON k.conindid = i.indexrelid AND k.contype IN ('p', 'u')
   WHERE i.indrelid = relation AND i.indisvalid
), part(stage, place, text) AS (
  SELECT 1, i.name::text, format('ALTER INDEX %I.%I RENAME TO %I;', it.nspname, i.name, perf_optimizer.name_with(i.name, '_unpartitioned')) FROM index i, it
  -- After the rows: keys, indexes, foreign keys, triggers, sequences, rights, policies.
  UNION ALL SELECT 2, '1' || i.name, format('ALTER TABLE %s ADD CONSTRAINT %I %s;', it.name, i.conname, CASE WHEN i.missing IS NULL THEN i.condef
      ELSE overlay(i.condef PLACING '(' || i.columns || ', ' || i.missing || ')' FROM position('(' || i.columns || ')' IN i.condef) FOR length(i.columns) + 2) END)
    FROM index i, it WHERE i.conname IS NOT NULL
  UNION ALL SELECT 2, '2' || i.name, CASE WHEN i.missing IS NULL THEN i.def ELSE regexp_replace(i.def, '^CREATE UNIQUE INDEX', 'CREATE INDEX') END || ';' FROM index i WHERE i.conname IS NULL
  UNION ALL SELECT 2, '3' || k.conname, format('ALTER TABLE %s ADD CONSTRAINT %I %s;', it.name, k.conname, pg_get_constraintdef(k.oid)) FROM pg_constraint k, it WHERE k.conrelid = relation AND k.contype = 'f'
  UNION ALL SELECT 2, '4' || a.attname, CASE d.deptype WHEN 'a' THEN format('ALTER SEQUENCE %s OWNED BY %s.%I;', d.objid::regclass, it.name, a.attname)
      ELSE format('SELECT pg_catalog.setval(pg_catalog.pg_get_serial_sequence(%L, %L), last_value, is_called) FROM %s;', it.name, a.attname, d.objid::regclass) END
    FROM pg_depend d JOIN pg_class s ON s.oid = d.objid AND s.relkind = 'S' JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = d.refobjsubid, it
   WHERE d.classid = 'pg_class'::regclass AND d.refclassid = 'pg_class'::regclass AND d.refobjid = relation AND d.deptype IN ('a', 'i')
  UNION ALL SELECT 2, '5' || t.tgname, pg_get_triggerdef(t.oid) || ';' || CASE t.tgenabled WHEN 'O' THEN '' ELSE format(E'\nALTER TABLE %s %s TRIGGER %I;', it.name,
      CASE t.tgenabled WHEN 'D' THEN 'DISABLE' WHEN 'R' THEN 'ENABLE REPLICA' ELSE 'ENABLE ALWAYS' END, t.tgname) END FROM pg_trigger t, it WHERE t.tgrelid = relation AND NOT t.tgisinternal
  UNION ALL SELECT 2, '6' || g.grantee::regrole || g.privilege_type, format('GRANT %s ON %s TO %s%s;', g.privilege_type, it.name, CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END,
      CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END) FROM it, aclexplode(it.relacl) g WHERE g.grantee <> it.relowner
  UNION ALL SELECT 2, '7' || a.attname || g.grantee::regrole || g.privilege_type, format('GRANT %s (%I) ON %s TO %s%s;', g.privilege_type, a.attname, it.name,
      CASE g.grantee WHEN 0 THEN 'PUBLIC' ELSE g.grantee::regrole::text END, CASE WHEN g.is_grantable THEN ' WITH GRANT OPTION' ELSE '' END)
    FROM pg_attribute a, it, aclexplode(a.attacl) g WHERE a.attrelid = relation AND NOT a.attisdropped AND g.grantee <> it.relowner
  UNION ALL SELECT 2, '8', format('COMMENT ON TABLE %s IS %L;', it.name, obj_description(relation, 'pg_class')) FROM it WHERE obj_description(relation, 'pg_class') IS NOT NULL
  UNION ALL SELECT 2, '9' || p.policy, format(E'SELECT perf_optimizer.drop_archive_policy(%L);\nSELECT perf_optimizer.create_archive_policy(%L, %s);', p.policy, it.name,
      (SELECT string_agg(format('%s => %L', CASE o.key WHEN 'policy' THEN 'name' ELSE o.key END, o.value), ', ' ORDER BY o.key <> 'time_column', o.key <> 'older_than', o.key)
         FROM jsonb_each_text(to_jsonb(p) - '{relation,owner,created_at}'::text[]) o WHERE o.value IS NOT NULL))
    FROM perf_optimizer.archive_policies p, it WHERE p.relation = $1
)
SELECT concat_ws(E'\n', 'BEGIN;', CASE WHEN it.relowner <> session_user::regrole THEN format('SET LOCAL ROLE %s;', it.relowner::regrole) END, format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE;', it.name),
                 (SELECT string_agg(p.text, E'\n' ORDER BY p.place) FROM part p WHERE p.stage = 1), format('ALTER TABLE %s RENAME TO %I;', it.name, it.old)),
       format('(LIKE %I.%I INCLUDING ALL EXCLUDING INDEXES)', it.nspname, it.old),
       (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY a.attnum) FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''),
       (SELECT string_agg(p.text, E'\n' ORDER BY p.place) FROM part p WHERE p.stage = 2)
  FROM it
$$;
COMMENT ON FUNCTION perf_optimizer.table_script(regclass, text[]) IS
'Parts of a script that puts another table into the place of a table. before: begins the transaction, locks the table, gives it and its indexes other names; made_like: what follows CREATE TABLE name; column_list: of the INSERT that moves the rows; after_rows: makes constraints, indexes, triggers, rights and archive policies again, keys with the columns keys added. Internal.';

CREATE FUNCTION perf_optimizer.column_range(relation regclass, column_name name, zone text, OUT low timestamp, OUT high timestamp, OUT exact boolean)
LANGUAGE plpgsql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
AS $$
DECLARE
  zoned boolean := EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = column_name AND a.atttypid = 'timestamptz'::regtype);
BEGIN
  exact := EXISTS (SELECT FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid JOIN pg_am m ON m.oid = x.relam JOIN pg_attribute a ON a.attrelid = i.indrelid AND a.attnum = i.indkey[0]
                    WHERE i.indrelid = relation AND i.indisvalid AND i.indpred IS NULL AND m.amname = 'btree' AND a.attname = column_name);
  IF exact THEN
    EXECUTE format('SELECT (SELECT %1$s FROM %2$s WHERE %3$I > ''-infinity'' ORDER BY %3$I LIMIT 1), (SELECT %1$s FROM %2$s WHERE %3$I < ''infinity'' ORDER BY %3$I DESC LIMIT 1)',
                   CASE WHEN zoned THEN format('%I AT TIME ZONE %L', column_name, zone) ELSE quote_ident(column_name) END, relation, column_name)
      INTO low, high;
  ELSE
    SELECT min(v.value), max(v.value) INTO low, high
      FROM pg_stats s JOIN pg_class c ON c.oid = relation JOIN pg_namespace n ON n.oid = c.relnamespace AND n.nspname = s.schemaname,
           LATERAL (SELECT CASE WHEN zoned THEN t::timestamptz AT TIME ZONE zone ELSE t::timestamp END
                      FROM (SELECT unnest(s.histogram_bounds::text::text[]) UNION ALL SELECT unnest(s.most_common_vals::text::text[])) u(t)) v(value)
     WHERE s.tablename = c.relname AND s.attname = column_name AND isfinite(v.value);
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.column_range(regclass, name, text) IS
'The lowest and the highest finite value of a column of a time type, of timestamptz in a time zone: by an index (exact), or else as ANALYZE saw them; NULLs when nothing is known. The table is not read as a whole. Internal.';

CREATE FUNCTION perf_optimizer.time_columns(relation regclass, OUT column_name name, OUT type oid, OUT limited_pct float8, OUT reads float8, OUT policies text[], OUT older_than interval,
  OUT timezone text, OUT correlation float8, OUT nulls boolean)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
  WITH use AS MATERIALIZED (
    SELECT r.calls, r.limited_columns FROM perf_optimizer.relation_statements(relation) r WHERE r.command <> 'INSERT'
  ), policy AS (
    SELECT p.time_column, array_agg(p.policy ORDER BY p.policy) AS names, min(p.older_than) AS older_than, min(p.timezone) AS timezone FROM perf_optimizer.archive_policies p WHERE p.relation = $1 GROUP BY 1
  )
  SELECT a.attname, a.atttypid, (SELECT 100 * coalesce(sum(u.calls) FILTER (WHERE a.attname::text = ANY (u.limited_columns)), 0) / sum(u.calls) FROM use u),
         (SELECT sum(u.calls) FROM use u), p.names, p.older_than, p.timezone, s.correlation, NOT a.attnotnull AND coalesce(s.null_frac, 0) > 0
    FROM pg_attribute a JOIN pg_class c ON c.oid = a.attrelid JOIN pg_namespace n ON n.oid = c.relnamespace
    LEFT JOIN policy p ON p.time_column = a.attname
    LEFT JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
   WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
     AND a.atttypid IN ('timestamptz'::regtype, 'timestamp'::regtype, 'date'::regtype)
   ORDER BY p.names IS NULL, 3 DESC NULLS LAST, abs(s.correlation) DESC NULLS LAST, a.attnum
$$;
COMMENT ON FUNCTION perf_optimizer.time_columns(regclass) IS
'The columns of a table by which time could divide it, the best first: limited_pct, which share of the recorded reads (calls other than INSERT; reads is their number) looks at a part of the time only, NULL when none is recorded; policies: archive policies over it, with the shortest older_than; correlation: of the order of rows with it, -1 to 1; nulls: it has some. Internal.';

CREATE FUNCTION perf_optimizer.partition_step(span interval, bytes bigint, keep interval) RETURNS interval
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH step(size, seconds) AS (
    VALUES (interval '1 day', 86400), (interval '7 days', 604800), (interval '1 month', 2629800), (interval '3 months', 7889400), (interval '1 year', 31557600)
  ), fitting AS (
    SELECT s.size, s.seconds FROM step s WHERE extract(epoch FROM span) / s.seconds <= least(greatest(bytes / 1073741824, 12), 100)
    UNION ALL SELECT s.size, s.seconds FROM step s WHERE s.seconds = 31557600
  ), chosen AS (
    SELECT f.size, f.seconds FROM fitting f ORDER BY f.seconds LIMIT 1
  )
  -- What is kept ends with a step: a third of it at most is kept for longer than asked.
  SELECT coalesce((SELECT s.size FROM step s, chosen c WHERE c.seconds > extract(epoch FROM keep) / 3 AND s.seconds <= extract(epoch FROM keep) / 3 AND extract(epoch FROM span) / s.seconds <= 200
                    ORDER BY s.seconds DESC LIMIT 1), (SELECT c.size FROM chosen c))
$$;
COMMENT ON FUNCTION perf_optimizer.partition_step(interval, bigint, interval) IS
'How long a partition is to be, from a day to a year: about 1 GB, but not fewer than 12 nor more than 100 of them over the span at hand, and where rows are kept for some time (keep, else NULL) at most a third of that, with up to 200. Internal.';

CREATE FUNCTION perf_optimizer.partition_statements(relation regclass, column_name name, type oid, low timestamp, high timestamp, step interval, zone text)
RETURNS SETOF text
LANGUAGE sql STABLE PARALLEL SAFE ROWS 50
SET search_path = pg_catalog, pg_temp
SET datestyle = 'ISO, YMD'
AS $$
  WITH word(unit, pattern) AS (
    SELECT w.unit, w.pattern FROM (VALUES (interval '1 day', 'day', 'YYYYMMDD'), ('7 days', 'week', 'YYYYMMDD'), ('1 month', 'month', 'YYYYMM'), ('3 months', 'quarter', 'YYYY"q"Q'), ('1 year', 'year', 'YYYY')) w(step, unit, pattern)
     WHERE w.step = $6
  ), bound AS (
    SELECT b.at FROM (SELECT now() AT TIME ZONE zone) here(now), word w, generate_series(date_trunc(w.unit, low), greatest(high, CASE WHEN high > here.now - 12 * step THEN here.now END) + 3 * step, step) b(at)
  ), target AS (
    SELECT n.nspname, c.relname, 'WITH (' || array_to_string(c.reloptions, ', ') || ')' AS options, c.relam, (SELECT m.amname FROM pg_am m WHERE m.oid = c.relam) AS method
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
  )
  SELECT concat_ws(' ', format('CREATE TABLE %I.%I PARTITION OF %1$I.%3$I FOR VALUES FROM (%4$L) TO (%5$L)', t.nspname, perf_optimizer.name_with(t.relname, '_p' || to_char(b.at, w.pattern)), t.relname,
                   CASE WHEN type = 'timestamptz'::regtype THEN (b.at AT TIME ZONE zone)::text WHEN type = 'date'::regtype THEN b.at::date::text ELSE b.at::text END,
                   CASE WHEN type = 'timestamptz'::regtype THEN ((b.at + step) AT TIME ZONE zone)::text WHEN type = 'date'::regtype THEN (b.at + step)::date::text ELSE (b.at + step)::text END),
                   CASE WHEN t.relam <> 2 THEN 'USING ' || quote_ident(t.method) END, t.options) || ';'
    FROM bound b, word w, target t ORDER BY b.at
$$;
COMMENT ON FUNCTION perf_optimizer.partition_statements(regclass, name, oid, timestamp, timestamp, interval, text) IS
'The statements that create partitions from low to high, and, unless that is long ago, to now, with three more behind. Partitions of timestamptz begin at midnight of zone. Internal.';

CREATE FUNCTION perf_optimizer.write_pattern(relation regclass, column_name name, correlation float8) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE WHEN s.n_tup_ins = 0 THEN NULL
              WHEN s.n_tup_upd + s.n_tup_del <= 0.1 * s.n_tup_ins AND correlation >= 0.9 THEN format('Rows are appended in its order (%s inserted, %s updated or deleted): old partitions need no more vacuum.', s.n_tup_ins, s.n_tup_upd + s.n_tup_del)
              WHEN s.n_tup_upd > s.n_tup_ins THEN format('Rows are updated more often than inserted (%s and %s): an update of "%s" can move a row to another partition.', s.n_tup_upd, s.n_tup_ins, column_name) END
    FROM pg_stat_all_tables s WHERE s.relid = relation
$$;
COMMENT ON FUNCTION perf_optimizer.write_pattern(regclass, name, float8) IS 'A sentence about how a table is written, with its counts since the statistics were reset; NULL where nothing is remarkable. Internal.';

CREATE FUNCTION perf_optimizer.partition_script(relation regclass, column_name name, partitions text[], rest boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT concat_ws(E'\n', script.before, format('CREATE TABLE %s %s PARTITION BY RANGE (%I)%s;', it.name, script.made_like, column_name, ' TABLESPACE ' || quote_ident(t.spcname)), array_to_string(partitions, E'\n'),
                   CASE WHEN rest THEN format('CREATE TABLE %I.%I PARTITION OF %s DEFAULT;', it.nspname, perf_optimizer.name_with(it.relname, '_rest'), it.name) END,
                   format('INSERT INTO %s (%s) OVERRIDING SYSTEM VALUE SELECT %2$s FROM %3$s;', it.name, script.column_list, it.old), script.after_rows, format('ANALYZE %s;', it.name), 'COMMIT;',
                   format('-- When all is well: DROP TABLE %s;', it.old))
    FROM (SELECT n.nspname, c.relname, c.reltablespace, format('%I.%I', n.nspname, c.relname) AS name, format('%I.%I', n.nspname, perf_optimizer.name_with(c.relname, '_unpartitioned')) AS old
            FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation) it
    LEFT JOIN pg_tablespace t ON t.oid = it.reltablespace, perf_optimizer.table_script(relation, ARRAY[column_name::text]) script
$$;
COMMENT ON FUNCTION perf_optimizer.partition_script(regclass, name, text[], boolean) IS
'The script that puts a table partitioned by range of a column into the place of a table and moves the rows: one transaction. partitions: statements that create them; rest: with one for all else. Internal.';

CREATE FUNCTION perf_optimizer.keys_without(relation regclass, column_name name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT string_agg(format('"%s"', x.relname), ', ' ORDER BY x.relname) FROM pg_index i JOIN pg_class x ON x.oid = i.indexrelid
   WHERE i.indrelid = relation AND i.indisunique AND i.indisvalid
     AND NOT EXISTS (SELECT FROM unnest(i.indkey::int2[]) WITH ORDINALITY u(attnum, i) JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = u.attnum WHERE u.i <= i.indnkeyatts AND a.attname = column_name)
$$;
COMMENT ON FUNCTION perf_optimizer.keys_without(regclass, name) IS 'The names of a table''s unique indexes whose key lacks a column, NULL when there are none. Internal.';

CREATE FUNCTION perf_optimizer.why_not_partitioned(relation regclass, bytes bigint, min_bytes bigint, column_name name, policies text[], limited_pct float8, nulls boolean) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT CASE
    WHEN bytes < min_bytes / CASE WHEN policies IS NULL THEN 1 ELSE 4 END THEN
      format('It has %s: partitions cost planning and open files, and pay from about %s on, or a quarter of that where an archive policy takes rows away.', pg_size_pretty(bytes), pg_size_pretty(min_bytes))
    WHEN column_name IS NULL THEN 'It has no column of a time type to divide it by.'
    WHEN policies IS NULL AND limited_pct IS NULL THEN 'No archive policy takes rows of it away, and no recorded statement reads it (pg_stat_statements): nothing is known that partitions would help.'
    WHEN policies IS NULL AND limited_pct < 50 THEN
      format('No archive policy takes rows of it away, and %s %% of the calls that read it limit "%s", the best of its columns: the others would look into every partition.', round(limited_pct), column_name)
    WHEN nulls AND EXISTS (SELECT FROM pg_constraint c WHERE c.conrelid = relation AND c.contype = 'p') THEN
      format('Partitions by "%s" would pay, but the primary key would have to contain that column, and it has NULLs.', column_name)
    ELSE (SELECT format('Partitions by "%s" would pay, but something stands against putting a partitioned table into its place: %s.', column_name, string_agg(o, '; ' ORDER BY o))
            FROM perf_optimizer.partitioning_obstacles(relation) o HAVING count(*) > 0) END
$$;
COMMENT ON FUNCTION perf_optimizer.why_not_partitioned(regclass, bigint, bigint, name, text[], float8, boolean) IS 'Why a table is not to be partitioned by its best column, in a sentence; NULL when it is. Internal.';

CREATE FUNCTION perf_optimizer.partitioning_advice(relation regclass, min_bytes bigint, OUT definition text, OUT reason text, OUT strategy text, OUT key_column name, OUT share_pct float8)
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  bytes bigint := pg_total_relation_size(relation);
  best record;
  range record;
  step interval;
  parts text[];
  rest boolean;
BEGIN
  strategy := 'range';
  SELECT t.*, coalesce(t.timezone, current_setting('TimeZone')) AS zone INTO best FROM perf_optimizer.time_columns(relation) t LIMIT 1;
  key_column := best.column_name;
  share_pct := best.limited_pct;
  reason := perf_optimizer.why_not_partitioned(relation, bytes, min_bytes, best.column_name, best.policies, best.limited_pct, best.nulls);
  IF reason IS NOT NULL THEN
    RETURN;
  END IF;
  SELECT * INTO range FROM perf_optimizer.column_range(relation, best.column_name, best.zone);
  IF range.low IS NULL THEN
    reason := format('Partitions by "%s" would pay, but its lowest and highest value are not known: ANALYZE %s;', best.column_name, relation);
    RETURN;
  END IF;
  step := perf_optimizer.partition_step(range.high - range.low, bytes, best.older_than);
  parts := ARRAY(SELECT * FROM perf_optimizer.partition_statements(relation, best.column_name, best.type, range.low, range.high, step, best.zone));
  rest := NOT range.exact OR NOT EXISTS (SELECT FROM pg_attribute a WHERE a.attrelid = relation AND a.attname = best.column_name AND a.attnotnull);
  definition := perf_optimizer.partition_script(relation, best.column_name, parts, rest);
  reason := concat_ws(' ',
    format('%s in %s partitions of %s by "%s".', pg_size_pretty(bytes), cardinality(parts), step, best.column_name),
    CASE WHEN best.policies IS NOT NULL THEN format('Archive policies (%s) take rows away by it: whole partitions leave at once.', array_to_string(best.policies, ', ')) END,
    CASE WHEN best.limited_pct IS NULL THEN 'No recorded statement reads it.' ELSE format('%s %% of the calls that read it limit this column and look into few partitions, the others into all.', round(best.limited_pct)) END,
    perf_optimizer.write_pattern(relation, best.column_name, best.correlation),
    format('What changes: %s can no longer be unique by itself; "%s" is added to the keys, and a unique index that is no constraint becomes a plain one.', perf_optimizer.keys_without(relation, best.column_name), best.column_name),
    CASE WHEN EXISTS (SELECT FROM perf_optimizer.archive_policies p WHERE p.relation = $1 AND p.destination IS NOT NULL) THEN 'Whole partitions go to an archive that is partitioned too; into the present one rows go one by one.' END,
    'All runs in one transaction, during which others wait, and needs the space of the table once more.',
    CASE WHEN rest THEN 'Rows outside of the partitions go to the one for the rest: create later partitions in time.' ELSE 'Rows outside of the partitions are refused: create later ones in time.' END);
END
$$;
COMMENT ON FUNCTION perf_optimizer.partitioning_advice(regclass, bigint) IS 'suggest_partitioning''s row about partitions, with another size in bytes from which on they pay. Internal.';

CREATE FUNCTION perf_optimizer.shard_columns(relation regclass, OUT column_name name, OUT local_pct float8, OUT joined_pct float8, OUT statements bigint, OUT distinct_values float8)
RETURNS SETOF record
LANGUAGE sql VOLATILE PARALLEL UNSAFE ROWS 4
SET search_path = pg_catalog, pg_temp
AS $$
  WITH use AS MATERIALIZED (
    SELECT * FROM perf_optimizer.relation_statements(relation)
  ), spread AS (
    SELECT a.attname, CASE WHEN s.n_distinct < 0 THEN -s.n_distinct * greatest(c.reltuples, 0) ELSE s.n_distinct END AS n
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = ''
      JOIN pg_stats s ON s.schemaname = n.nspname AND s.tablename = c.relname AND s.attname = a.attname AND NOT s.inherited
     WHERE c.oid = relation AND s.null_frac = 0 AND coalesce(s.most_common_freqs[1], 0) <= 0.1
  ), found AS (
    SELECT s.attname, s.n, 100 * coalesce(sum(u.calls) FILTER (WHERE s.attname::text = ANY (u.local_columns)), 0) / sum(u.calls) AS local_pct,
           100 * coalesce(sum(u.calls) FILTER (WHERE u.joins > 0 AND s.attname::text = ANY (u.joined_columns)), 0) / nullif(sum(u.calls) FILTER (WHERE u.joins > 0), 0) AS joined_pct,
           count(*) FILTER (WHERE s.attname::text = ANY (u.local_columns)) AS statements
      FROM spread s CROSS JOIN use u WHERE s.n >= 64 GROUP BY 1, 2
  )
  -- Single inserts are local whichever column it is.
  SELECT f.attname, f.local_pct, f.joined_pct, f.statements, f.n FROM found f
   WHERE EXISTS (SELECT FROM use u WHERE u.command <> 'INSERT' AND f.attname::text = ANY (u.local_columns))
   ORDER BY f.local_pct DESC, f.joined_pct DESC NULLS LAST, f.n DESC, f.attname
$$;
COMMENT ON FUNCTION perf_optimizer.shard_columns(regclass) IS
'The columns by which a table could be spread over shards, the best first: local_pct, which share of the recorded calls would stay on one shard (statements: how many do); joined_pct, which share of the calls that join other large tables pairs rows by it with all of them (NULL: there are none). Only columns without NULLs, with 64 distinct values or more, none of them in more than a tenth of the rows. Internal.';

CREATE FUNCTION perf_optimizer.citus_script(relation regclass, column_name name) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT concat_ws(E'\n', string_agg(format('ALTER TABLE %1$s DROP CONSTRAINT %2$I, ADD CONSTRAINT %2$I %3$s;', relation, k.conname,
                     overlay(pg_get_constraintdef(k.oid) PLACING '(' || y.columns || ', ' || quote_ident(column_name) || ')' FROM position('(' || y.columns || ')' IN pg_get_constraintdef(k.oid)) FOR length(y.columns) + 2)),
                     E'\n' ORDER BY k.conname),
                   format('SELECT create_distributed_table(%L, %L);', relation, column_name))
    FROM pg_constraint k, LATERAL (SELECT string_agg(quote_ident(a.attname), ', ' ORDER BY u.i) AS columns, bool_or(a.attname = column_name) AS has
                                     FROM unnest(k.conkey) WITH ORDINALITY u(attnum, i) JOIN pg_attribute a ON a.attrelid = relation AND a.attnum = u.attnum) y
   WHERE k.conrelid = relation AND k.contype IN ('p', 'u') AND NOT y.has
$$;
COMMENT ON FUNCTION perf_optimizer.citus_script(regclass, name) IS 'The statements that distribute a table with Citus: its keys get the column, then create_distributed_table. Internal.';

CREATE FUNCTION perf_optimizer.foreign_script(relation regclass, column_name name, servers text[]) RETURNS text
LANGUAGE sql STABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  WITH it AS (
    SELECT n.nspname, c.relname, format('%I.%I', n.nspname, c.relname) AS name, format('%I.%I', n.nspname, perf_optimizer.name_with(c.relname, '_unpartitioned')) AS old,
           (SELECT string_agg(format('%I %s', a.attname, format_type(a.atttypid, a.atttypmod)) || CASE WHEN a.attnotnull THEN ' NOT NULL' ELSE '' END, ', ' ORDER BY a.attnum)
              FROM pg_attribute a WHERE a.attrelid = relation AND a.attnum > 0 AND NOT a.attisdropped AND a.attgenerated = '') ||
           coalesce((SELECT string_agg(', ' || pg_get_constraintdef(k.oid), '' ORDER BY k.contype, k.conname) FROM pg_constraint k WHERE k.conrelid = relation AND k.contype IN ('p', 'u')), '') AS columns
      FROM pg_class c JOIN pg_namespace n ON n.oid = c.relnamespace WHERE c.oid = relation
  ), shard AS (
    SELECT u.i - 1 AS number, u.server, perf_optimizer.name_with(it.relname, '_shard' || u.i - 1) AS name FROM unnest(servers) WITH ORDINALITY u(server, i), it
  )
  SELECT concat_ws(E'\n', (SELECT string_agg(format('-- On %s first: CREATE TABLE %I.%I (%s);', s.server, it.nspname, s.name, replace(it.columns, E'\n', ' ')), E'\n' ORDER BY s.number) FROM shard s),
                   'BEGIN;', format('LOCK TABLE %s IN ACCESS EXCLUSIVE MODE;', it.name), format('ALTER TABLE %s RENAME TO %I;', it.name, perf_optimizer.name_with(it.relname, '_unpartitioned')),
                   format('CREATE TABLE %s (LIKE %s INCLUDING DEFAULTS INCLUDING GENERATED INCLUDING COMMENTS) PARTITION BY HASH (%I);', it.name, it.old, column_name),
                   (SELECT string_agg(format('CREATE FOREIGN TABLE %I.%I PARTITION OF %s FOR VALUES WITH (MODULUS %s, REMAINDER %s) SERVER %I;', it.nspname, s.name, it.name, cardinality(servers), s.number, s.server), E'\n' ORDER BY s.number) FROM shard s),
                   format('INSERT INTO %s (%s) SELECT %2$s FROM %3$s;', it.name, script.column_list, it.old), 'COMMIT;', format('-- When all is well: DROP TABLE %s;', it.old))
    FROM it, perf_optimizer.table_script(relation, '{}') script
$$;
COMMENT ON FUNCTION perf_optimizer.foreign_script(regclass, name, text[]) IS 'The script that spreads a table over foreign servers as a table partitioned by hash; what must be there on each server is in comments. Internal.';

CREATE FUNCTION perf_optimizer.distribution_advice(relation regclass, min_bytes bigint, OUT definition text, OUT reason text, OUT strategy text, OUT key_column name, OUT share_pct float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
DECLARE
  best record;
  servers text[] := ARRAY(SELECT s.srvname FROM pg_foreign_server s JOIN pg_foreign_data_wrapper w ON w.oid = s.srvfdw
                           WHERE w.fdwname = 'postgres_fdw' AND has_server_privilege(s.oid, 'USAGE') ORDER BY 1);
  citus boolean := EXISTS (SELECT FROM pg_extension e WHERE e.extname = 'citus');
  obstacles text;
BEGIN
  SELECT * INTO best FROM perf_optimizer.shard_columns(relation) WHERE local_pct >= 50 LIMIT 1;
  IF best.column_name IS NULL OR pg_total_relation_size(relation) < min_bytes THEN
    RETURN;
  END IF;
  key_column := best.column_name;
  share_pct := best.local_pct;
  reason := concat_ws(' ',
    format('Spread over several servers by "%s" (%s values), %s %% of the calls, %s statements, stay on one shard.', best.column_name, round(best.distinct_values), round(best.local_pct), best.statements),
    format('%s %% of the calls that join other large tables pair their rows by it, if those are spread alike.', round(best.joined_pct)),
    format('Keys must contain it: %s would be unique only together with it.', perf_optimizer.keys_without(relation, best.column_name)));
  IF citus OR cardinality(servers) < 2 THEN
    strategy := 'citus';
    definition := CASE WHEN citus THEN perf_optimizer.citus_script(relation, best.column_name) END;
    reason := reason || CASE WHEN citus THEN '' ELSE format(' With Citus, which is not installed here: %s', perf_optimizer.citus_script(relation, best.column_name)) END;
    RETURN NEXT;
  ELSE
    strategy := 'postgres_fdw';
    SELECT string_agg(o, '; ' ORDER BY o) INTO obstacles FROM perf_optimizer.partitioning_obstacles(relation) o;
    definition := CASE WHEN obstacles IS NULL THEN perf_optimizer.foreign_script(relation, best.column_name, servers) END;
    reason := reason || coalesce(format(' Something stands against it: %s.', obstacles), ' Each server checks the keys of its part; foreign keys, triggers and rights are not carried over, and what two servers commit is not one transaction.');
    RETURN NEXT;
  END IF;
END
$$;
COMMENT ON FUNCTION perf_optimizer.distribution_advice(regclass, bigint) IS 'suggest_partitioning''s row about several servers, if a column keeps half of the calls on one of them, with another size in bytes from which on that pays. Internal.';

CREATE FUNCTION perf_optimizer.suggest_partitioning(relation regclass, OUT definition text, OUT reason text, OUT strategy text, OUT key_column name, OUT share_pct float8)
RETURNS SETOF record
LANGUAGE plpgsql VOLATILE PARALLEL UNSAFE ROWS 2
SET search_path = pg_catalog, pg_temp
AS $$
BEGIN
  PERFORM perf_optimizer.require_partitionable(relation);
  RETURN QUERY SELECT a.* FROM perf_optimizer.partitioning_advice(relation, 1073741824) a;
  RETURN QUERY SELECT d.* FROM perf_optimizer.distribution_advice(relation, 10737418240) d;
END
$$;
COMMENT ON FUNCTION perf_optimizer.suggest_partitioning(regclass) IS
'Whether to divide a table by time, and, from 10 GB on, by which column to spread it over servers. definition: a script that runs as printed, in one transaction: the new table with its partitions in the place of the old one, which is renamed and kept, the rows, keys (the partition key is added), indexes, foreign keys, triggers, sequences, rights and archive policies; NULL where the reason says why not. strategy: range, citus or postgres_fdw; key_column; share_pct: the calls of pg_stat_statements that read few partitions, or that stay on one shard (NULL: none is recorded). Weighed are size, archive policies, what statements compare, and how the table is written. Nothing is changed. Errors: 22004 for a NULL, 42P01, 42809 for what is not an ordinary table (partitioned already, a partition, foreign, a view, temporary, of the system), 42501 without SELECT, 55000 when pg_stat_statements is created but not loaded.';
