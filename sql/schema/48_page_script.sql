CREATE FUNCTION perf_optimizer.report_script() RETURNS text
LANGUAGE sql IMMUTABLE PARALLEL SAFE
SET search_path = pg_catalog, pg_temp
AS $function$ SELECT $script$
"use strict";
(function () {
  const data = JSON.parse(document.getElementById("data").textContent);
  const main = document.getElementById("main");
  const SVG = "http://www.w3.org/2000/svg";
  const CLASSES = [["cpu", "c-cpu"], ["io", "c-io"], ["wal", "c-wal"], ["lock", "c-lock"], ["lwlock", "c-lwlock"], ["ipc", "c-ipc"], ["replication", "c-replication"], ["client", "c-client"], ["other", "c-other"], ["idle in transaction", "c-idle"]];

  const FEW = 15;

  /* ---- elements: every text goes through append or textContent, none through markup ---- */
  function fill(node, attributes, children) {
    for (const [name, value] of Object.entries(attributes || {})) if (value !== null && value !== undefined) node.setAttribute(name, value);
    for (const child of children) if (child !== null && child !== undefined && child !== "") node.append(child);
    return node;
  }
  function el(tag, attributes, ...children) { return fill(document.createElement(tag), attributes, children); }
  function svg(tag, attributes, ...children) { return fill(document.createElementNS(SVG, tag), attributes, children); }

  /* ---- numbers and moments as people read them ---- */
  const absent = value => value === null || value === undefined;
  function number(value, digits) {
    if (absent(value)) return "";
    const size = Math.abs(value);
    return Number(value).toLocaleString("en", { maximumFractionDigits: digits === undefined ? (size < 0.01 ? 4 : size < 1 ? 3 : size < 100 ? 2 : 0) : digits });
  }
  function bytes(value) {
    if (absent(value)) return "";
    const units = ["B", "kB", "MB", "GB", "TB", "PB"];
    let i = 0;
    while (Math.abs(value) >= 1024 && i < units.length - 1) { value /= 1024; i++; }
    return number(value, i && Math.abs(value) < 100 ? 1 : 0) + " " + units[i];
  }
  function milliseconds(value) {
    if (absent(value)) return "";
    const size = Math.abs(value);
    if (size >= 3600000) return number(value / 3600000, 1) + " h";
    if (size >= 60000) return number(value / 60000, 1) + " min";
    if (size >= 1000) return number(value / 1000, 2) + " s";
    return number(value) + " ms";
  }
  function percent(value) { return absent(value) ? "" : number(100 * value, Math.abs(value) < 0.1 ? 2 : 1) + " %"; }
  function moment(value) { return absent(value) ? "" : new Date(value).toISOString().replace("T", " ").slice(0, 16) + " UTC"; }
  function plural(n, one) { return number(n, 0) + " " + one + (n === 1 ? "" : "s"); }
  const FORMATS = { n: number, ms: milliseconds, bytes: bytes, ratio: percent, time: moment };
  function change(now, before) {
    if (!before || absent(now)) return "";
    const factor = now / before, more = Math.round(100 * (factor - 1));
    return factor >= 2 ? "\u00d7\u00a0" + number(factor, 1) : more === 0 ? "" : (more > 0 ? "+" : "\u2212") + Math.abs(more) + "\u00a0%";
  }

  /* ---- parts of the page ---- */
  function section(title, text, ...nodes) {
    const id = title.toLowerCase().replace(/[^a-z0-9]+/g, "-");
    document.getElementById("sections").append(el("a", { href: "#" + id }, title));
    main.append(el("section", { "aria-labelledby": id }, el("h2", { id: id }, title), text ? el("p", { class: "soft" }, text) : null, ...nodes));
  }
  function codeBlock(text) {
    const button = el("button", { type: "button", class: "copy", "aria-label": "Copy: " + text.slice(0, 80) }, "Copy");
    button.addEventListener("click", () => {
      if (!navigator.clipboard) return;
      navigator.clipboard.writeText(text).then(() => { button.textContent = "Copied"; }, () => { button.textContent = "Not allowed"; });
    });
    return el("div", { class: "code" }, el("code", {}, text), button);
  }
  const isNumber = kind => ["n", "ms", "bytes", "ratio"].includes(kind);
  function cell(row, [, key, kind]) {
    const value = typeof key === "function" ? key(row) : row[key];
    const td = el("td", { class: isNumber(kind) ? "n" : null });
    if (kind === "code") td.append(value ? el("code", {}, String(value)) : "");
    else if (value instanceof Node) td.append(value);
    else td.textContent = FORMATS[kind] ? FORMATS[kind](value) : absent(value) ? "" : String(value);
    return td;
  }
  function compare(x, y) {
    if (absent(x) || absent(y)) return absent(x) - absent(y);
    return typeof x === "number" && typeof y === "number" ? x - y : String(x).localeCompare(String(y));
  }
  /* columns: [title, key or function, kind, value to sort by]; kinds: text, code, n, ms, bytes, ratio, time, node.  detail(row) makes what a row opens to. */
  function table(caption, columns, rows, detail) {
    const body = el("tbody");
    const heads = columns.map(([title, , kind], index) => {
      const button = el("button", { type: "button" }, title);
      const th = el("th", { scope: "col", class: isNumber(kind) ? "n" : null }, button);
      button.addEventListener("click", () => sort(index, th));
      return th;
    });
    const lines = rows.map(row => {
      const tr = el("tr", {}, ...columns.map(column => cell(row, column)));
      const keys = columns.map(([, key, , order]) => order ? order(row) : typeof key === "function" ? key(row) : row[key]);
      const below = detail ? openable(tr, row, columns.length, detail) : null;
      return { tr, below, keys, text: tr.textContent.toLowerCase() };
    });
    function show() { for (const { tr, below } of lines) body.append(...(below ? [tr, below] : [tr])); }
    function sort(index, th) {
      const down = th.getAttribute("aria-sort") !== "descending";
      for (const head of heads) head.removeAttribute("aria-sort");
      th.setAttribute("aria-sort", down ? "descending" : "ascending");
      lines.sort((a, b) => {
        const x = a.keys[index], y = b.keys[index];
        return absent(x) || absent(y) ? compare(x, y) : down ? compare(y, x) : compare(x, y);
      });
      show();
      if (lines.changed) lines.changed();
    }
    show();
    const tools = rows.length > FEW ? limited(caption, lines) : null;
    const box = el("div", { class: "scroll", tabindex: "0", role: "region", "aria-label": caption + ", scrolls sideways" },
      el("table", {}, el("caption", { class: "hidden" }, caption), el("thead", {}, el("tr", {}, ...heads)), body));
    return tools ? el("div", {}, tools.input, box, tools.button) : box;
  }
  /* Of a long table the first rows are shown, all at a click, and those with a text in them. */
  function limited(caption, lines) {
    const input = el("input", { type: "search", placeholder: "Filter", "aria-label": "Filter " + caption.toLowerCase() });
    const button = el("button", { type: "button", class: "all" }, "Show all " + lines.length);
    let all = false;
    function apply() {
      const wanted = input.value.toLowerCase(), whole = all || wanted !== "";
      [...lines].sort((a, b) => a.tr.sectionRowIndex - b.tr.sectionRowIndex).forEach((line, place) => {
        line.tr.hidden = !(whole || place < FEW) || !line.text.includes(wanted);
        if (line.below && line.tr.hidden) line.below.hidden = true;
      });
      button.hidden = whole;
    }
    input.addEventListener("input", apply);
    button.addEventListener("click", () => { all = true; apply(); });
    lines.changed = apply;
    apply();
    return { input, button };
  }
  function openable(tr, row, width, detail) {
    const inside = el("td", { colspan: width }), below = el("tr", { class: "detail" }, inside);
    const button = el("button", { type: "button", class: "open", "aria-expanded": "false" }, "Details");
    below.hidden = true;
    button.addEventListener("click", () => {
      if (!inside.firstChild) inside.append(detail(row));
      below.hidden = !below.hidden;
      button.setAttribute("aria-expanded", String(!below.hidden));
    });
    (tr.firstChild.querySelector(".sub") || tr.firstChild).append(" ", button);
    return below;
  }
  /* bars: [from, to, [[class, value], ...], title]; x runs from from to to, y up to top. */
  function stackedChart(label, from, to, top, bars, yFormat, xLabels, small) {
    const chart = svg("svg", { viewBox: "0 0 1000 100", preserveAspectRatio: "none", role: "img", "aria-label": label });
    const x = v => 1000 * (Math.max(v, from) - from) / Math.max(to - from, 1e-9);
    chart.append(svg("line", { x1: 0, x2: 1000, y1: 50, y2: 50, stroke: "var(--line)" }));
    for (const [start, end, parts, title] of bars) {
      let base = 0;
      const group = svg("g", {}, svg("title", {}, title));
      for (const [name, value] of parts) {
        if (!value) continue;
        group.append(svg("rect", { x: x(start).toFixed(2), width: Math.max(1, x(end) - x(start) - (small ? 1 : 0)).toFixed(2), y: (100 - 100 * (base + value) / top).toFixed(2), height: (100 * value / top).toFixed(2), class: name }));
        base += value;
      }
      chart.append(group);
    }
    return el("div", { class: small ? "chart small-chart" : "chart" }, el("div", { class: "y", "aria-hidden": "true" }, ...[top, top / 2, 0].map(v => el("span", {}, yFormat(v)))), chart,
      el("div", { class: "x", "aria-hidden": "true" }, ...xLabels.map(v => el("span", {}, v))));
  }

  /* ---- the sections ---- */
  function tiles() {
    main.append(el("div", { class: "tiles", role: "list", "aria-label": "Health" }, ...data.tiles.map(t => {
      const format = FORMATS[t.unit], delta = t.unit === "ratio" ? "" : change(t.value, t.before), words = { warn: "look at it: ", bad: "attend to it: " };
      return el("div", { class: "tile " + (t.state || ""), role: "listitem" }, el("span", { class: "soft" }, words[t.state] ? el("span", { class: "hidden" }, words[t.state]) : null, t.label), el("b", {}, format(t.value, t.unit === "n" ? 0 : undefined)),
        t.note ? el("span", { class: "note" }, t.note) : null, absent(t.before) ? null : el("span", { class: "soft" }, "before " + format(t.before, t.unit === "n" ? 0 : undefined) + (delta ? ", " + delta : "")));
    })));
  }
  const LABELS = { total_ms: "total", p95_ms: "95th percentile", size_bytes: "size", improvement_pct: "workload cheaper by", p_value: "by chance" };
  function evidence(f) {
    const shown = Object.entries(f.evidence || {}).filter(([key, v]) => !/^(query|parent|plan_before|plan_now)$/.test(key) && !absent(v));
    const text = shown.map(([key, v]) => (LABELS[key] || key.replace(/_/g, " ")) + " " +
      (/_bytes$/.test(key) ? bytes(v) : /_pct$/.test(key) ? number(v, 1) + " %" : /_ms$/.test(key) ? milliseconds(v) : /^last_(run|archive)$/.test(key) ? moment(v) : typeof v === "number" ? number(v) : v)).join(" \u00b7 ");
    return text ? el("p", { class: "soft small" }, text) : null;
  }
  function sentence(text) { return text.charAt(0).toUpperCase() + text.slice(1) + (/[.!?]$/.test(text) ? "" : "."); }
  /* Findings about one statement are one card; each keeps its own sentence. */
  function grouped(list) {
    const groups = new Map();
    for (const f of list) {
      const key = f.evidence && f.evidence.query && !f.suggested_sql && f.object ? f.object + " " + f.evidence.role : {};
      if (groups.has(key)) groups.get(key).push(f); else groups.set(key, [f]);
    }
    return [...groups.values()];
  }
  function finding(group) {
    const f = group[0], e = f.evidence || {};
    const plans = [["Plan before", e.plan_before], ["Plan now", e.plan_now]].filter(([, text]) => text);
    return el("li", { class: "card" }, el("h3", {}, el("span", { class: "badge " + f.severity }, f.severity), " ", group.map(g => g.rule).join(", "), e.query || !f.object ? "" : " \u00b7 " + f.object),
      ...group.map(g => el("p", {}, sentence(g.message) + (g.advice ? " " + g.advice : ""))), evidence(f),
      e.query ? el("pre", { class: "soft" }, e.query) : null, e.parent ? el("p", { class: "soft small" }, "Run by: ", el("code", {}, e.parent)) : null, f.suggested_sql ? codeBlock(f.suggested_sql) : null,
      plans.length ? el("details", {}, el("summary", {}, plans.length > 1 ? "Both plans" : plans[0][0]), ...plans.map(([title, text]) => el("div", {}, el("h3", {}, title), planTree(text)))) : null);
  }
  function findings() {
    const count = s => data.findings.filter(f => f.severity === s).length;
    const text = ["high", "medium", "low"].filter(count).map(s => count(s) + " " + s).join(", ");
    const cards = grouped(data.findings).map(finding);
    section("Findings", cards.length ? "Most severe first: " + text + "." : "Nothing was found.", cards.length ? el("ol", { class: "findings" }, ...cards.slice(0, 12)) : null,
      cards.length > 12 ? el("details", {}, el("summary", {}, plural(cards.length - 12, "more card")), el("ol", { class: "findings", start: "13" }, ...cards.slice(12))) : null);
  }
  function load() {
    const points = data.load;
    if (!points.length) return section("Load over time", "There is no snapshot in this interval: take_snapshot() or schedule_snapshot() makes them.");
    const from = data.source === "live" ? points[0].from : Math.max(points[0].from, Date.parse(data.since) / 1000), to = points[points.length - 1].to;
    const sum = p => CLASSES.reduce((all, [c]) => all + (p.sessions[c] || 0), 0);
    const peak = Math.max(...points.map(sum)), top = peak > 5 ? Math.ceil(peak) : Math.max(Math.ceil(peak * 10) / 10, 0.1);
    const bars = points.map(p => [p.from, p.to, CLASSES.map(([name, color]) => [color, p.sessions[name] || 0]),
      moment(p.to * 1000) + ": " + (CLASSES.filter(([c]) => p.sessions[c]).map(([c]) => c + " " + number(p.sessions[c], 2)).join(", ") || "idle")]);
    const seconds = p => p.to - Math.max(p.from, from), all = points.reduce((s, p) => s + sum(p) * seconds(p), 0);
    const shares = CLASSES.map(([name, color]) => [name, color, points.reduce((s, p) => s + (p.sessions[name] || 0) * seconds(p), 0)]).filter(([, , s]) => s > 0);
    const average = all / Math.max(points.reduce((s, p) => s + seconds(p), 0), 1);
    section("Load over time", "Average sessions that were running or waiting, by what they did: " + number(average, 2) + " over the time shown, at most " + number(peak, 2) + ".", el("div", { class: "card" },
      stackedChart("Average active sessions over time: " + (shares.map(([name, , s]) => name + " " + percent(s / all)).join(", ") || "none"), from, to, top, bars, v => number(v, 2), [moment(from * 1000), moment(to * 1000)]),
      el("ul", { class: "legend" }, ...shares.map(([name, color, s]) => el("li", {}, el("span", { class: color }), name + " " + percent(s / all))))));
  }
  function spark(s) {
    const points = s.points || [];
    if (points.length < 2) return "";
    const top = Math.max(...points.map(p => p[1])) || 1, first = points[0][0], last = points[points.length - 1][0];
    const path = points.map((p, i) => (i ? "L" : "M") + (120 * (p[0] - first) / Math.max(last - first, 1)).toFixed(1) + " " + (26 - 24 * p[1] / top).toFixed(1)).join("");
    return svg("svg", { viewBox: "0 0 120 28", preserveAspectRatio: "none", class: "spark", role: "img", "aria-label": "Mean time over the interval, at most " + milliseconds(top) }, svg("path", { d: path, fill: "none", stroke: "var(--accent)", "stroke-width": 1.5 }));
  }
  function waitBar(s) {
    const all = CLASSES.reduce((sum, [c]) => sum + ((s.waits || {})[c] || 0), 0);
    if (!all) return "";
    const parts = CLASSES.filter(([c]) => s.waits[c]).map(([name, color]) => [name, color, s.waits[name] / all]);
    return el("div", { class: "bar", role: "img", title: parts.map(([name, , share]) => name + " " + percent(share)).join(", "), "aria-label": parts.map(([name, , share]) => name + " " + percent(share)).join(", ") },
      ...parts.map(([, color, share]) => el("span", { class: color, style: "width:" + (100 * share).toFixed(1) + "%" })));
  }
  function histogram(s) {
    const pairs = (s.latency_ms || []).map((ms, i) => [ms, s.counts[i]]);
    if (!pairs.length) return el("p", { class: "soft" }, "Latencies of this statement are not tracked.");
    const bins = new Map();
    for (const [ms, n] of pairs) { const bin = Math.floor(Math.log2(ms) * 4); bins.set(bin, (bins.get(bin) || 0) + n); }
    const first = Math.min(...bins.keys()), last = Math.max(...bins.keys()) + 1, top = Math.max(...bins.values());
    return stackedChart("Histogram of latencies from " + milliseconds(pairs[0][0]) + " to " + milliseconds(pairs[pairs.length - 1][0]), first, last, top,
      [...bins].map(([bin, n]) => [bin, bin + 1, [["c-io", n]], milliseconds(Math.pow(2, bin / 4)) + " to " + milliseconds(Math.pow(2, (bin + 1) / 4)) + ": " + plural(n, "execution")]),
      v => number(v, 0), [milliseconds(Math.pow(2, first / 4)), milliseconds(Math.pow(2, (first + last) / 8)), milliseconds(Math.pow(2, last / 4))], true);
  }
  function course(s) {
    const points = s.points || [];
    if (points.length < 2) return el("p", { class: "soft" }, "One snapshot only: no course.");
    const top = Math.max(...points.map(p => p[1])) || 1, gap = Math.max(...points.slice(1).map((p, i) => p[0] - points[i][0]));
    return stackedChart("Mean time over the interval, at most " + milliseconds(top), points[0][0] - gap, points[points.length - 1][0], top,
      points.map((p, i) => [i ? points[i - 1][0] : p[0] - gap, p[0], [["c-cpu", p[1]]], moment(p[0] * 1000) + ": mean " + milliseconds(p[1]) + ", " + plural(p[2], "call")]),
      milliseconds, [moment((points[0][0] - gap) * 1000), moment(points[points.length - 1][0] * 1000)], true);
  }
  function statementDetail(s) {
    return el("div", { class: "grid" }, el("div", {}, el("h3", {}, "Statement " + s.query_id), s.query ? codeBlock(s.query) : null,
      el("p", { class: "soft small" }, ["role " + s.role, s.toplevel ? "" : "run inside a function", number(s.rows_per_call) + " rows a call", "deviation " + milliseconds(s.stddev_ms), absent(s.hit_ratio) ? "" : percent(s.hit_ratio) + " of blocks found in shared buffers", s.temp_bytes ? "temporary files " + bytes(s.temp_bytes) : "", s.wal_bytes ? "WAL " + bytes(s.wal_bytes) : ""].filter(Boolean).join(" \u00b7 "))),
      el("div", {}, el("h3", {}, "How long executions took"), histogram(s)), el("div", {}, el("h3", {}, "Mean time over the interval"), course(s)));
  }
  function statements() {
    if (!data.statements.length) return section("Statements", "No statement was seen in this interval.");
    section("Statements", data.source === "live" ? "Since tracking began: the interval has no snapshot." : "Those of the interval that took most time.", table("Statements", [
      ["Statement", s => el("div", {}, el("code", { class: "clamp" }, s.query || s.query_id), el("span", { class: "sub" }, s.role + (s.toplevel ? "" : ", nested") + (s.rules && s.rules.length ? " \u00b7 " + s.rules.join(", ") : ""))), "node", s => s.query],
      ["Calls", "calls", "n"], ["Total", "total_ms", "ms"], ["Share", s => absent(s.time_share_pct) ? null : s.time_share_pct / 100, "ratio"],
      ["Mean", s => el("span", {}, milliseconds(s.mean_ms), s.earlier_mean_ms ? el("span", { class: "sub" }, change(s.mean_ms, s.earlier_mean_ms)) : null), "ms", s => s.mean_ms],
      ["p50", "p50_ms", "ms"], ["p95", "p95_ms", "ms"], ["p99", "p99_ms", "ms"], ["Rows", "rows_per_call", "n"],
      ["Waits", waitBar, "node", s => s.waits ? Object.values(s.waits).reduce((a, b) => a + b, 0) : null], ["Course", spark, "node", s => s.points && s.points.length ? s.points[s.points.length - 1][1] : null]], data.statements, statementDetail));
  }
  function fromTo(before, now, format) { return el("span", {}, el("span", { class: "soft" }, (format(before) || "\u2013") + " \u2192 "), format(now) || "\u2013"); }
  function comparison() {
    const t = data.totals, e = data.earlier;
    if (!e.snapshots || !t.snapshots) return;
    const rows = [["Execution time", "total_ms", "ms"], ["Calls", "calls", "n"], ["Mean time", "mean_ms", "ms"], ["Distinct statements", "statements", "n"], ["Commits", "commits", "n"], ["Rollbacks", "rollbacks", "n"], ["Buffer hits", "hit_ratio", "ratio"],
      ["Temporary files", "temp_bytes", "bytes"], ["WAL of statements", "wal_bytes", "bytes"], ["Deadlocks", "deadlocks", "n"], ["Database size", "database_bytes", "bytes"]]
      .map(([what, key, kind]) => ({ what, before: FORMATS[kind](e[key]), now: FORMATS[kind](t[key]), change: change(t[key], e[key]) }));
    section("Comparison", moment(t.since) + " to " + moment(t.until) + " beside the interval before, from " + moment(e.since) + ".",
      table("Sums of both intervals", [["What", "what", "text"], ["Before", "before", "text"], ["Now", "now", "text"], ["Change", "change", "text"]], rows),
      ...(data.changes.length ? [el("h3", { class: "next" }, "Statements that changed most"), table("Statements that changed most", [["Statement", c => el("code", { class: "clamp" }, c.query || c.query_id), "node", c => c.query],
        ["Change", c => el("span", { class: c.change === "new" || c.change === "more" ? "more" : "less" }, c.change), "node", c => c.change], ["Difference", "difference_ms", "ms"],
        ["Time", c => fromTo(c.total_before_ms, c.total_ms, milliseconds), "ms", c => c.total_ms], ["Calls", c => fromTo(c.calls_before, c.calls, number), "n", c => c.calls], ["Mean", c => fromTo(c.mean_before_ms, c.mean_ms, milliseconds), "ms", c => c.mean_ms]], data.changes)] : []));
  }
  function planShares(lines) {
    const costs = lines.map(line => { const m = /\(cost=[0-9.]+\.\.([0-9.]+) /.exec(line); return m ? Number(m[1]) : null; });
    const depth = lines.map(line => line.search(/\S/));
    const total = costs.find(c => c !== null) || 1;
    return costs.map((cost, i) => {
      if (cost === null) return null;
      let below = 0, level = null;
      for (let j = i + 1; j < lines.length && !(costs[j] !== null && depth[j] <= depth[i]); j++) {
        if (costs[j] === null || (level !== null && depth[j] > level)) continue;
        level = depth[j];
        below += costs[j];
      }
      return Math.max(0, Math.min(1, (cost - below) / total));
    });
  }
  function planTree(text) {
    const lines = text.replace(/\s+$/, "").split("\n"), shares = planShares(lines);
    return el("ol", { class: "plan scroll" }, ...lines.map((line, i) => el("li", shares[i] >= 0.01 ? { style: "background: rgba(var(--heat), " + (0.08 + 0.5 * shares[i]).toFixed(2) + ")" } : {},
      el("span", {}, line), shares[i] >= 0.01 ? el("b", {}, percent(shares[i])) : null)));
  }
  function plans() {
    if (!data.plans.length || !data.statements.length) return;
    section("Plans of the costliest statement", "Shares are those of the estimated cost of each node without the nodes below it.", codeBlock(data.statements[0].query || data.statements[0].query_id),
      ...data.plans.map(p => el("div", { class: "card", style: "margin-top: .6rem" }, el("h3", {}, "Plan " + p.plan_id), el("p", { class: "soft small" }, plural(p.calls, "call") + ", mean " + milliseconds(p.mean_ms) + ", seen from " + moment(p.first_seen) + " to " + moment(p.last_seen)),
        p.plan ? planTree(p.plan) : el("p", { class: "soft" }, "No text of this plan was captured."))));
  }
  /* A section that is one table, where there are rows; columns in which no row has a value are left out. */
  function list(title, text, rows, columns) {
    if (!rows || !rows.length) return;
    section(title, text, table(title, columns.filter(([, key]) => typeof key === "function" || rows.some(r => !absent(r[key]))), rows));
  }
  function lists() {
    list("N+1 and repeated statements", "One session runs these again and again, for each row of a list or with the same values.", data.n_plus_one, [["Statement", "query", "code"], ["Kind", "kind", "text"], ["Relation", "relation", "text"],
      ["Bursts", "bursts", "n"], ["Executions", "executions", "n"], ["Longest", "max_burst", "n"], ["Time", "total_time_ms", "ms"], ["Run by", "parent_query", "code"], ["Instead", "suggestion", "code"]]);
    list("Suggested indexes", "What the planner says they would save; each percentage counts the better ranks in.", data.suggested_indexes, [["Rank", "rank", "n"], ["Statement to run", "definition", "code"], ["Saves", i => i.improvement_pct / 100, "ratio"],
      ["Statements", "queries_improved", "n"], ["Size", "estimated_size_bytes", "bytes"], ["Why", "reason", "text"]]);
    list("Tables", "The busiest of the interval.", data.tables, [["Table", "relation", "text"], ["Size", "size_bytes", "bytes"], ["Sequential scans", "seq_scans", "n"], ["Rows they read", "rows_read_by_seq_scans", "n"], ["Index scans", "index_scans", "n"],
      ["Inserted", "inserted", "n"], ["Updated", "updated", "n"], ["Deleted", "deleted", "n"], ["Live rows", "live_rows", "n"], ["Dead rows", "dead_rows", "n"]]);
    list("Indexes", "The largest.", data.indexes, [["Index", "index_name", "text"], ["Table", "table_name", "text"], ["Size", "size_bytes", "bytes"], ["Scans", "scans_since_reset", "n"], ["Unique", i => i.is_unique ? "yes" : "", "text"], ["Note", "note", "text"]]);
    list("Materialized views", "", data.matviews, [["View", "matview", "text"], ["Size", "size_bytes", "bytes"], ["Refreshed", "last_refresh", "time"], ["Mode", "mode", "text"], ["Took", "duration_ms", "ms"],
      ["Stale", m => absent(m.stale) ? "" : m.stale ? "yes" : "no", "text"], ["Finding", "finding", "text"], ["Statement to run", "suggested_sql", "code"]]);
    list("Jobs", "", data.jobs, [["Job", "job", "text"], ["Kind", "kind", "text"], ["Target", "target", "code"], ["Schedule", "schedule", "text"], ["Enabled", j => j.enabled ? "yes" : "no", "text"], ["Last run", "last_run", "time"],
      ["Status", "last_status", "text"], ["Failures in a row", "failures_in_a_row", "n"], ["Next run", "next_run", "time"]]);
    list("Archive policies", "", data.archive_policies, [["Policy", "policy", "text"], ["Relation", "relation", "text"], ["Strategy", "strategy", "text"], ["Older than", "older_than", "text"], ["Schedule", "schedule", "text"], ["Last run ended", "last_archive", "time"],
      ["Status", "last_status", "text"], ["Rows", "rows", "n"], ["Stopped because", "why_stopped", "text"], ["Error", "message", "text"]]);
    list("Changed settings", "", data.settings, [["Setting", "name", "text"], ["Before", "before", "text"], ["Now", "now", "text"], ["Unit", "unit", "text"], ["Seen", "seen_at", "time"]]);
  }

  document.title = "Workload of " + data.database;
  document.getElementById("title").textContent = "Workload of " + data.database;
  document.getElementById("about").textContent = moment(data.since) + " to " + moment(data.until) + " \u00b7 " + plural(data.totals.snapshots || 0, "snapshot") + " \u00b7 " + data.server.split(" on ")[0] + " \u00b7 made " + moment(data.generated_at);
  tiles();
  load();
  findings();
  statements();
  comparison();
  plans();
  lists();
})();
$script$::text $function$;
COMMENT ON FUNCTION perf_optimizer.report_script() IS 'The script that draws the page of report_html from its document. Internal.';
