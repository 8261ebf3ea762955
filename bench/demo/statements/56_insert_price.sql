-- A price
-- weight: 30
\set volume random(1, 1000000)
INSERT INTO market_data (symbol, open, close, volume) VALUES (:symbol, 71.5, 72.25, :volume);
