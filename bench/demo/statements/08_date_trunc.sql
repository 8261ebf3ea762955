-- Calls of one month, with date_trunc in WHERE
-- weight: 6
SELECT count(*), sum("amountDue") FROM "CapitalCall" WHERE date_trunc('month', "createdAt") = :this_month;
