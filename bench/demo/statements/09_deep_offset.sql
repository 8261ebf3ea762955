-- A page far back in the list of calls
-- weight: 4
SELECT "id", "fundName", "amountDue", "createdAt" FROM "CapitalCall" ORDER BY "createdAt" DESC LIMIT 20 OFFSET 20000;
