-- An investor's dashboard
-- weight: 30
\set user 1 + 4 * random(0, :investors - 1)
SELECT count(*) AS total,
       count(*) FILTER (WHERE "status" = 'PENDING') AS pending,
       count(*) FILTER (WHERE "status" = 'PAID') AS paid,
       count(*) FILTER (WHERE "status" = 'OVERDUE') AS overdue,
       coalesce(sum("amountDue") FILTER (WHERE "status" IN ('PENDING', 'APPROVED', 'OVERDUE')), 0) AS outstanding
FROM "CapitalCall" WHERE "userId" = :user;
