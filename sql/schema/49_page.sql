CREATE FUNCTION perf_optimizer.report_template() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$ SELECT replace(replace($template$<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; style-src 'unsafe-inline'; script-src 'unsafe-inline'; img-src data:">
<title>Workload report</title>
<link rel="icon" href="data:,">
<style>@@STYLE@@</style>
</head>
<body>
<a class="hidden skip" href="#main">To the report</a>
<header>
<h1 id="title">Workload report</h1>
<p class="soft" id="about">Drawn by a script of this page.</p>
</header>
<noscript><p>Scripts are switched off here: this page draws itself with one of its own, and loads nothing.</p></noscript>
<nav id="sections" aria-label="Sections"></nav>
<main id="main" tabindex="-1"></main>
<script type="application/json" id="data">@@DATA@@</script>
<script>@@SCRIPT@@</script>
</body>
</html>
$template$, '@@STYLE@@', perf_optimizer.report_style()), '@@SCRIPT@@', perf_optimizer.report_script()) $function$;
COMMENT ON FUNCTION perf_optimizer.report_template() IS 'The page that report_html fills with its document in the place of a mark. Internal.';

CREATE FUNCTION perf_optimizer.fill_template(report jsonb) RETURNS text
LANGUAGE sql IMMUTABLE STRICT PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $$
  SELECT replace(perf_optimizer.report_template(), '@@DATA@@', replace(replace(replace(report::text, '<', '\u003c'), '>', '\u003e'), '&', '\u0026'))
$$;
COMMENT ON FUNCTION perf_optimizer.fill_template(jsonb) IS
'The page with a document in it. Of all characters only < > and & could end or begin anything in the page; inside JSON they stand in strings alone, where they are escaped. Internal.';

CREATE FUNCTION perf_optimizer.report_html(since timestamptz DEFAULT NULL, until timestamptz DEFAULT NULL) RETURNS text
LANGUAGE sql VOLATILE PARALLEL UNSAFE
RETURN perf_optimizer.fill_template(perf_optimizer.workload_report(since, until));
COMMENT ON FUNCTION perf_optimizer.report_html(timestamptz, timestamptz) IS
'workload_report(since, until) as one HTML page that needs nothing else, no network either: write it to a file, as with psql -XAtc, and open it. Texts of statements are shown as text, whatever they hold.
Encoded as your client_encoding, which should be UTF8. Errors: 22023 when since is not before until.';
