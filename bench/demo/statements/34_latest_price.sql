-- The latest price of a symbol
-- weight: 30
SELECT ts, close FROM market_data WHERE symbol = :symbol ORDER BY ts DESC LIMIT 1;
