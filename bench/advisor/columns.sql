-- The plain baseline: of all columns of the tables, one B-tree at a time, the one that saves most, until none saves 1 %.
SET client_min_messages = warning;
DO $$
DECLARE
  chosen text[] := '{}';
  total float8 := (SELECT sum(bench.cost(query)) FROM bench.workload);
  best float8;
  candidate text;
  better text;
  cost float8;
BEGIN
  LOOP
    best := total * 0.99;
    better := NULL;
    FOR candidate IN
      SELECT format('CREATE INDEX ON %s (%I)', attrelid::regclass, attname) FROM pg_attribute JOIN pg_class ON pg_class.oid = attrelid
      WHERE relnamespace = 'public'::regnamespace AND relkind = 'r' AND attnum > 0 AND NOT attisdropped ORDER BY 1
    LOOP
      PERFORM hypopg_reset();
      PERFORM hypopg_create_index(d) FROM unnest(chosen || candidate) d;
      cost := (SELECT sum(bench.cost(query)) FROM bench.workload);
      IF cost < best THEN
        best := cost;
        better := candidate;
      END IF;
    END LOOP;
    EXIT WHEN better IS NULL;
    chosen := chosen || better;
    total := best;
  END LOOP;
  PERFORM hypopg_reset();
  PERFORM set_config('bench.chosen', array_to_string(chosen, E'\n'), false);
END $$;
SELECT current_setting('bench.chosen');
