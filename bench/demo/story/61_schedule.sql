\echo 'SELECT perf_optimizer.schedule_refresh(''monthly_call_summary'', ''every 3 seconds'');'
\echo 'SELECT perf_optimizer.schedule_refresh(''fund_performance_summary'', ''every 3 seconds'');'
\echo
SELECT perf_optimizer.schedule_refresh('monthly_call_summary', 'every 3 seconds'),
       perf_optimizer.schedule_refresh('fund_performance_summary', 'every 3 seconds') \g /dev/null
SELECT job_id, name, kind, schedule, owner, enabled FROM perf_optimizer.jobs ORDER BY job_id;
