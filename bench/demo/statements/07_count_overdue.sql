-- How many calls are overdue
-- weight: 8
SELECT count(*) FROM "CapitalCall" WHERE "status" = 'OVERDUE' AND "dueDate" > :quarter_ago;
