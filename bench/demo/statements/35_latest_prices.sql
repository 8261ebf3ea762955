-- The latest price of every symbol
-- weight: 5
SELECT DISTINCT ON (symbol) symbol, ts, close FROM market_data WHERE ts >= :week_ago ORDER BY symbol, ts DESC;
