-- An investor's open calls
-- weight: 40
\set user 1 + 4 * random(0, :investors - 1)
SELECT * FROM "CapitalCall" WHERE "userId" = :user AND "status" = :pending ORDER BY "dueDate" DESC LIMIT 20;
