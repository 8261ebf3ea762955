-- The examples of doc/alerts.md.
SET client_min_messages = warning;
SELECT perf_optimizer.set_alert('connections', 'perf_optimizer_connections_used_ratio', '>', 0.8, hold => '5 minutes', resolve_threshold => 0.7);
SELECT perf_optimizer.set_alert('nobody connected', 'perf_optimizer_connections{state="active"}', '<', 1, severity => 'critical');
SELECT perf_optimizer.check_alerts();
SELECT name, state, severity, threshold, hold FROM perf_optimizer.alerts ORDER BY name;
SELECT name, metric, comparison, hold, severity FROM perf_optimizer.default_alerts() ORDER BY name;
SELECT perf_optimizer.drop_alert('connections'), perf_optimizer.drop_alert('nobody connected');
SELECT perf_optimizer.unschedule('check alerts');
SELECT perf_optimizer.set_latency_target('checkout', 250, 99.5);
SELECT name, target_ms, objective_pct, period FROM perf_optimizer.latency_objectives;
SELECT perf_optimizer.burn_rate(1000, 980, 99) AS burn_rate;
SELECT perf_optimizer.drop_latency_target('checkout');
