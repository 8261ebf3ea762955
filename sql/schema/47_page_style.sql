/* ---- workload: the report as a page ---- */

CREATE FUNCTION perf_optimizer.report_style() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$ SELECT $style$
:root { color-scheme: light dark; --bg: #f6f7f8; --fg: #1b2026; --soft: #55606c; --line: #d8dde3; --card: #ffffff; --code: #f1f3f5; --accent: #1f63ad; --good: #2e7d4f; --warn: #955800; --bad: #b3261e;
  --low: #3f6212; --heat: 200, 50, 30; --cpu: #2f9e5f; --io: #3477d6; --lock: #c8372d; --lwlock: #d97b29; --ipc: #8758c4; --wal: #4b3fb5; --replication: #b5418f; --client: #87919c; --other: #3fa3a3; --idle: #c29a12; }
@media (prefers-color-scheme: dark) { :root { --bg: #12161a; --fg: #e4e8ec; --soft: #9ca7b3; --line: #303840; --card: #1a2026; --code: #232a31; --accent: #79b1ee; --good: #6fcf97; --warn: #f0b34c; --bad: #ff8b7d;
  --low: #a5cf6d; --heat: 255, 105, 80; --cpu: #45b877; --io: #5b98ea; --lock: #e5584d; --lwlock: #e8954c; --ipc: #a680dd; --wal: #8b83f0; --replication: #dd77bd; --client: #9aa4ae; --other: #58bcbc; --idle: #d9b53a; } }
* { box-sizing: border-box; }
body { margin: 0 auto; padding: 1rem 1.25rem 3rem; max-width: 88rem; background: var(--bg); color: var(--fg); font: 15px/1.45 system-ui, sans-serif; }
h1 { font-size: 1.6rem; line-height: 1.2; margin: 0 0 .2rem; overflow-wrap: anywhere; }
h2 { font-size: 1.2rem; margin: 2.2rem 0 .3rem; }
h3 { font-size: .95rem; margin: 0 0 .3rem; } h3.next { margin-top: 1rem; }
p { margin: .2rem 0 .7rem; }
a { color: var(--accent); }
.soft { color: var(--soft); }
.small { font-size: .82rem; }
nav { position: sticky; top: 0; z-index: 1; display: flex; gap: .25rem 1rem; overflow-x: auto; margin: .6rem -1.25rem; padding: .5rem 1.25rem; background: var(--bg); border-bottom: 1px solid var(--line); white-space: nowrap; font-size: .88rem; }
nav a { text-decoration: none; }
section { scroll-margin-top: 3rem; }
h2 { scroll-margin-top: 3rem; }
.tiles { display: grid; grid-template-columns: repeat(auto-fill, minmax(9.5rem, 1fr)); gap: .6rem; margin: 1rem 0; }
.tile, .card { background: var(--card); border: 1px solid var(--line); border-radius: .5rem; padding: .55rem .75rem; min-width: 0; }
.tile { border-left: 4px solid var(--line); }
.tile.good { border-left-color: var(--good); } .tile.warn { border-left-color: var(--warn); } .tile.bad { border-left-color: var(--bad); }
.tile b { display: block; font-size: 1.3rem; line-height: 1.3; overflow-wrap: anywhere; font-variant-numeric: tabular-nums; }
.tile span { display: block; font-size: .82rem; }
.findings { list-style: none; margin: 0; padding: 0; display: grid; gap: .6rem; }
.findings p { margin: .15rem 0 .4rem; overflow-wrap: anywhere; }
.badge { display: inline-block; min-width: 4.2em; padding: 0 .5em; border: 1px solid currentColor; border-radius: 1em; font-size: .78rem; font-weight: 600; text-align: center; }
.high, .bad > .note { color: var(--bad); } .medium, .warn > .note { color: var(--warn); } .low { color: var(--low); } .info { color: var(--soft); }
.more { color: var(--bad); } .less { color: var(--good); }
code, pre { font: .82rem/1.45 ui-monospace, "SF Mono", Menlo, Consolas, monospace; overflow-wrap: anywhere; white-space: pre-wrap; margin: 0; }
.code { display: flex; gap: .5rem; align-items: flex-start; margin: .3rem 0; padding: .35rem .55rem; background: var(--code); border-radius: .35rem; }
.code code { flex: 1; min-width: 0; max-height: 16rem; overflow: auto; }
button { font: inherit; color: inherit; background: none; border: 0; padding: 0; cursor: pointer; text-align: inherit; }
.copy { padding: 0 .5rem; border: 1px solid var(--line); border-radius: .3rem; background: var(--card); font-size: .78rem; }
button:focus-visible, summary:focus-visible, a:focus-visible, input:focus-visible, .scroll:focus-visible { outline: 2px solid var(--accent); outline-offset: 2px; }
.scroll { overflow-x: auto; background: var(--card); border: 1px solid var(--line); border-radius: .5rem; }
input[type="search"] { width: min(24rem, 100%); margin: 0 0 .5rem; padding: .3rem .6rem; font: inherit; color: inherit; background: var(--card); border: 1px solid var(--line); border-radius: .4rem; }
table { border-collapse: collapse; width: 100%; font-size: .87rem; }
th, td { text-align: left; vertical-align: top; padding: .38rem .6rem; border-bottom: 1px solid var(--line); }
tbody tr:last-child > td { border-bottom: 0; }
th { vertical-align: bottom; font-weight: 600; white-space: nowrap; }
td.n, th.n { text-align: right; font-variant-numeric: tabular-nums; white-space: nowrap; }
th button { font-weight: 600; }
th button::after { content: "\2195"; display: inline-block; width: 1.1em; text-align: right; color: var(--soft); opacity: .55; }
th[aria-sort="ascending"] button::after { content: "\2191"; color: var(--accent); opacity: 1; }
th[aria-sort="descending"] button::after { content: "\2193"; color: var(--accent); opacity: 1; }
td code { display: block; min-width: 18rem; max-height: 6rem; overflow: auto; }
td .clamp { display: -webkit-box; -webkit-box-orient: vertical; -webkit-line-clamp: 3; overflow: hidden; max-height: none; }
td .sub { display: block; font-size: .78rem; color: var(--soft); } td.n .sub { white-space: nowrap; }
.open, .all { color: var(--accent); font-size: .8rem; } .all { padding: .4rem 0; }
tr.detail > td { background: var(--code); }
.detail .grid { display: grid; grid-template-columns: repeat(auto-fit, minmax(min(20rem, 100%), 1fr)); gap: .8rem; position: sticky; left: .6rem; max-width: min(84rem, calc(100vw - 4.5rem)); }
.chart { display: grid; grid-template-columns: auto 1fr; gap: 0 .5rem; font-size: .78rem; color: var(--soft); }
.chart .y { display: flex; flex-direction: column; justify-content: space-between; text-align: right; font-variant-numeric: tabular-nums; }
.chart .x { grid-column: 2; display: flex; justify-content: space-between; padding-top: .15rem; }
.chart svg { width: 100%; height: 14rem; border-bottom: 1px solid var(--line); border-top: 1px solid var(--line); }
.chart.small-chart svg { height: 6rem; }
svg { display: block; }
svg line, svg path { vector-effect: non-scaling-stroke; }
svg.spark { width: 7rem; height: 1.8rem; }
.bar { display: flex; width: 5.5rem; height: .7rem; margin-top: .3rem; overflow: hidden; border-radius: .2rem; background: var(--line); }
.bar span { display: block; height: 100%; }
.legend { display: flex; flex-wrap: wrap; gap: .2rem 1.1rem; margin: .6rem 0 0; padding: 0; list-style: none; font-size: .85rem; }
.legend span { display: inline-block; width: .8em; height: .8em; margin-right: .4em; border-radius: 2px; }
.c-cpu { background: var(--cpu); fill: var(--cpu); } .c-io { background: var(--io); fill: var(--io); } .c-lock { background: var(--lock); fill: var(--lock); } .c-lwlock { background: var(--lwlock); fill: var(--lwlock); }
.c-wal { background: var(--wal); fill: var(--wal); } .c-replication { background: var(--replication); fill: var(--replication); } .c-ipc { background: var(--ipc); fill: var(--ipc); } .c-client { background: var(--client); fill: var(--client); } .c-other { background: var(--other); fill: var(--other); } .c-idle { background: var(--idle); fill: var(--idle); }
.plan { list-style: none; margin: 0; padding: 0; }
.plan li { display: flex; gap: .8rem; padding: 0 .4rem; border-radius: 2px; font: .82rem/1.55 ui-monospace, "SF Mono", Menlo, Consolas, monospace; }
.plan span { flex: 1; min-width: 0; white-space: pre-wrap; overflow-wrap: anywhere; }
.plan b { font-weight: 600; white-space: nowrap; }
details { margin: .5rem 0; } summary { cursor: pointer; overflow-wrap: anywhere; }
.hidden { position: absolute; width: 1px; height: 1px; overflow: hidden; clip-path: inset(50%); white-space: nowrap; }
.skip:focus { position: static; width: auto; height: auto; clip-path: none; }
@media (max-width: 40rem) {
  body { padding: .75rem .75rem 2rem; font-size: 14px; }
  nav { margin: .5rem -.75rem; padding: .45rem .75rem; }
  .tiles { grid-template-columns: repeat(2, minmax(0, 1fr)); }
  .tile b { font-size: 1.1rem; }
  .chart svg { height: 10rem; }
  td code { min-width: 12rem; }
}
@media print {
  :root { color-scheme: light; --bg: #fff; --fg: #000; --soft: #444; --line: #bbb; --card: #fff; --code: #f4f4f4; --accent: #1f63ad; --good: #2e7d4f; --warn: #955800; --bad: #b3261e; --low: #3f6212; --heat: 200, 50, 30; }
  @page { margin: 12mm; }
  * { print-color-adjust: exact; -webkit-print-color-adjust: exact; }
  body { max-width: none; padding: 0; font-size: 10px; }
  nav, .copy, .open, .all, input[type="search"], th button::after { display: none !important; }
  .scroll { overflow: visible; border: 0; }
  table { font-size: 8px; } th, td { padding: 2px 4px; white-space: normal !important; }
  td code, .code code { min-width: 0; max-height: none; font-size: 7.5px; } td .clamp { -webkit-line-clamp: 6; }
  h2 { break-after: avoid; } tr, .tile, .card, .findings > li { break-inside: avoid; }
  .bar { width: 3rem; } svg.spark { width: 4rem; }
}
$style$::text $function$;
COMMENT ON FUNCTION perf_optimizer.report_style() IS 'The style sheet of the page of report_html. Internal.';
