-- A new call
-- weight: 30
\set user 1 + 4 * random(0, :investors - 1)
\set amount random(500, 50000)
INSERT INTO "CapitalCall" ("userId", "fundName", "amountDue", "dueDate", "updatedAt")
VALUES (:user, :fund, :amount, :month_ahead, CURRENT_TIMESTAMP);
