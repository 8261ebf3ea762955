-- What holds of every object of the extension, whatever area it belongs to.
\set QUIET 1
\pset format unaligned
\pset tuples_only true
\pset pager off
SELECT plan(4);

CREATE TEMP VIEW members AS
SELECT d.classid, d.objid, pg_describe_object(d.classid, d.objid, 0) AS what
  FROM pg_depend d JOIN pg_extension e ON d.refclassid = 'pg_extension'::regclass AND d.refobjid = e.oid
 WHERE e.extname = 'perf_optimizer' AND d.deptype = 'e';

SELECT is_empty($$
  SELECT what FROM members
   WHERE classid IN ('pg_proc'::regclass, 'pg_class'::regclass, 'pg_type'::regclass, 'pg_namespace'::regclass)
     AND obj_description(objid, classid::regclass::name) IS NULL
     AND NOT EXISTS (SELECT 1 FROM pg_type t WHERE classid = 'pg_type'::regclass AND t.oid = objid
                      AND (t.typcategory = 'A' OR t.typrelid <> 0 AND EXISTS (SELECT 1 FROM members m WHERE m.objid = t.typrelid)))
     AND NOT EXISTS (SELECT 1 FROM pg_class c WHERE classid = 'pg_class'::regclass AND c.oid = objid
                      AND (c.relkind = 'i' OR c.relkind = 'S' AND EXISTS (SELECT 1 FROM pg_depend s
                           WHERE s.classid = 'pg_class'::regclass AND s.objid = c.oid AND s.deptype = 'i')))
  $$, 'every object has a comment');

SELECT is_empty($$
  SELECT what FROM members JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
   WHERE p.prosecdef
  $$, 'no function is SECURITY DEFINER');

SELECT is_empty($$
  SELECT what FROM members JOIN pg_proc p ON classid = 'pg_proc'::regclass AND p.oid = objid
                           JOIN pg_language l ON l.oid = p.prolang
   WHERE p.prokind = 'f' AND l.lanname IN ('sql', 'plpgsql') AND p.prosqlbody IS NULL
     -- the statements that they plan or run mean what they mean under the caller's path; their own names are qualified
     AND p.proname NOT IN ('report_suggestions', 'refresh_in_order', 'suggest_matviews')
     AND NOT coalesce(p.proconfig @> ARRAY['search_path=pg_catalog, pg_temp'], false)
  $$, 'every function in SQL or plpgsql pins the search path');

SELECT is_empty($$
  SELECT what FROM members JOIN pg_class c ON classid = 'pg_class'::regclass AND c.oid = objid,
         aclexplode(coalesce(c.relacl, acldefault('r', c.relowner))) a
   WHERE c.relkind = 'r' AND a.grantee = 0 AND a.privilege_type <> 'SELECT'
  $$, 'no table can be written by PUBLIC');

SELECT * FROM finish();
