-- A list of calls, then the payments call by call (N+1)
-- weight: 3
\set user 1 + 4 * random(0, :investors - 1)
\set call random(1, :calls - 10)
SELECT "id", "fundName" FROM "CapitalCall" WHERE "userId" = :user ORDER BY "createdAt" DESC LIMIT 10;
SELECT * FROM "Payment" WHERE "capitalCallId" = :call;
\set call :call + 1
SELECT * FROM "Payment" WHERE "capitalCallId" = :call;
\set call :call + 1
SELECT * FROM "Payment" WHERE "capitalCallId" = :call;
\set call :call + 1
SELECT * FROM "Payment" WHERE "capitalCallId" = :call;
\set call :call + 1
SELECT * FROM "Payment" WHERE "capitalCallId" = :call;
\set call :call + 1
SELECT * FROM "Payment" WHERE "capitalCallId" = :call;
\set call :call + 1
SELECT * FROM "Payment" WHERE "capitalCallId" = :call;
\set call :call + 1
SELECT * FROM "Payment" WHERE "capitalCallId" = :call;
