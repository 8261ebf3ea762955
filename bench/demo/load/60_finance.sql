-- Portfolios with their transactions, and prices of 250 symbols.
INSERT INTO portfolios (id, owner_id, name, is_active, base_currency, created_at)
SELECT i, 1 + demo.below(i, 81, greatest(:calls / 50, 40)), 'Portfolio ' || i, demo.fraction(i, 82) < 0.6,
       demo.word(i, 83, '{USD,USD,EUR,GBP}'), :'today'::timestamptz - demo.fraction(i, 84) * interval '3 years'
FROM generate_series(1, greatest(:calls / 50, 40)) AS i;

INSERT INTO transactions (id, portfolio_id, symbol, side, quantity, price, executed_at)
SELECT i, 1 + floor(power(demo.fraction(i, 91), 2) * greatest(:calls / 50, 40))::int,
       'SYM' || lpad(demo.below(i, 92, 250)::text, 3, '0'), demo.word(i, 93, '{BUY,BUY,SELL}'),
       round((1 + 500 * demo.fraction(i, 94))::numeric, 2), round((5 + 300 * demo.fraction(i, 95))::numeric, 2),
       :'today'::timestamptz - interval '730 days' * (1 - (i - demo.fraction(i, 96)) / n)
FROM (SELECT greatest(:calls / 4, 100)) AS size(n), generate_series(1, n) AS i;

INSERT INTO market_data (id, symbol, ts, open, close, volume)
SELECT i, 'SYM' || lpad((i % 250)::text, 3, '0'), :'today'::timestamptz - interval '365 days' * (1 - i::float8 / n),
       round((50 + 40 * demo.fraction(i, 101))::numeric, 2), round((50 + 40 * demo.fraction(i, 102))::numeric, 2),
       demo.below(i, 103, 1000000)
FROM (SELECT greatest(:calls / 4, 100)) AS size(n), generate_series(1, n) AS i;
