-- A portfolio's positions
-- weight: 15
\set portfolio random(1, :users)
SELECT symbol, sum(CASE side WHEN 'BUY' THEN quantity ELSE -quantity END) AS position
FROM transactions WHERE portfolio_id = :portfolio GROUP BY symbol;
