-- An owner's active portfolios with the number of transactions
-- weight: 15
\set owner random(1, :users)
SELECT p.id, p.name, count(t.id) AS transactions
FROM portfolios p LEFT JOIN transactions t ON t.portfolio_id = p.id
WHERE p.owner_id = :owner AND p.is_active GROUP BY p.id, p.name;
