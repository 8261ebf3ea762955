-- Events of the last 24 months in the order of their time, and the same again
-- partitioned by month with one month to come.
INSERT INTO "Event" ("id", "entityType", "entityId", "type", "source", "timestamp", "payload")
SELECT i, demo.word(i, 71, '{lead,lead,lead,call,call,agent,user}'),
       1 + floor(power(demo.fraction(i, 72), 2) * (:calls / 20))::int,
       demo.word(i, 73, '{created,viewed,viewed,viewed,updated,assigned,contacted,closed}'),
       demo.word(i, 74, '{api,api,web,web,web,worker,import}'),
       :'today'::timestamp - interval '730 days' * (1 - (i - demo.fraction(i, 75)) / n),
       jsonb_build_object('ip', '10.0.' || demo.below(i, 76, 256) || '.' || demo.below(i, 77, 256),
                          'ms', demo.below(i, 78, 900), 'ok', demo.fraction(i, 79) < 0.98)
FROM (SELECT greatest(:calls / 2, 100)) AS size(n), generate_series(1, n) AS i;

SELECT format('CREATE TABLE %I PARTITION OF "EventPartitioned" FOR VALUES FROM (%L) TO (%L)',
              'EventPartitioned_' || to_char(m, 'YYYY_MM'), m, m + interval '1 month')
FROM generate_series(date_trunc('month', :'today'::timestamp - interval '730 days'),
                     greatest(date_trunc('month', :'today'::timestamp), date_trunc('month', now()::timestamp)) + interval '1 month', '1 month') AS m
\gexec

INSERT INTO "EventPartitioned" SELECT * FROM "Event";
