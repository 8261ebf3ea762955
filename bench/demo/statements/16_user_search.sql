-- Users whose e-mail contains something
-- weight: 30
SELECT "id", "name", "email" FROM "User" WHERE "email" ILIKE :email_part LIMIT 20;
