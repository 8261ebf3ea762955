-- Investors without an overdue call, with NOT IN
-- weight: 3
SELECT count(*) FROM "User"
WHERE "role" = 'INVESTOR'
  AND "id" NOT IN (SELECT "userId" FROM "CapitalCall" WHERE "status" = 'OVERDUE' AND "dueDate" > :month_ago);
