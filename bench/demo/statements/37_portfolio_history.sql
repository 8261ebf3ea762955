-- A portfolio's latest transactions
-- weight: 20
\set portfolio random(1, :users)
SELECT symbol, side, quantity, price, executed_at FROM transactions
WHERE portfolio_id = :portfolio ORDER BY executed_at DESC LIMIT 25;
