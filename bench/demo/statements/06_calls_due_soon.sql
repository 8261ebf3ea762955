-- Approved calls that fall due within a week
-- weight: 10
SELECT "id", "userId", "amountDue", "dueDate" FROM "CapitalCall"
WHERE "status" = :approved AND "dueDate" BETWEEN :today AND :week_ahead
ORDER BY "dueDate" LIMIT 50;
