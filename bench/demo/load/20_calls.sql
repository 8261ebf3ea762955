-- Calls of the last three years in the order of their creation.  An investor
-- holds five funds; few investors receive many calls.  Old calls are mostly
-- paid, the last two months mostly open.
INSERT INTO "CapitalCall" ("id", "userId", "fundName", "amountDue", "dueDate", "status", "paidAt", "createdAt",
                           "updatedAt")
SELECT i, u, demo.fund((u * 7 + demo.below(i, 11, 5) * 13) % 60),
       round((500 + 49500 * demo.fraction(i, 12) ^ 3)::numeric, 2),
       due, s.status, p.paid, created, coalesce(p.paid, created)
FROM generate_series(1, :calls) AS i,
     LATERAL (SELECT 1 + 4 * floor(power(demo.fraction(i, 13), 1.5) * (greatest(:calls / 50, 40) / 4))::int,
                     :'today'::timestamp - interval '1096 days' * (1 - (i - demo.fraction(i, 14)) / :calls)) AS c(u, created),
     LATERAL (SELECT date_trunc('day', created) + (10 + demo.below(i, 15, 50)) * interval '1 day') AS d(due),
     LATERAL (SELECT demo.fraction(i, 16)) AS r(x),
     LATERAL (SELECT (CASE WHEN x < 0.04 THEN 'REJECTED'
                           WHEN due > :'today'::timestamp THEN CASE WHEN x < 0.45 THEN 'PENDING' WHEN x < 0.80 THEN 'APPROVED' ELSE 'PAID' END
                           WHEN x < 0.11 THEN 'OVERDUE' WHEN x < 0.13 THEN 'APPROVED' WHEN x < 0.14 THEN 'PENDING'
                           ELSE 'PAID' END)::"CallStatus") AS s(status),
     LATERAL (SELECT CASE WHEN s.status = 'PAID'
                          THEN least(created + (due + interval '5 days' - created) * demo.fraction(i, 17),
                                     :'today'::timestamp) END) AS p(paid);
