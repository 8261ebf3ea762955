-- Calls of one fund that fall due in a quarter
-- weight: 10
SELECT "id", "userId", "amountDue", "dueDate", "status" FROM "CapitalCall"
WHERE "fundName" = :fund AND "dueDate" BETWEEN :today AND :quarter_ahead
ORDER BY "dueDate" DESC LIMIT 50;
