-- Statistics and visibility maps, as autovacuum would leave them.
VACUUM (ANALYZE);
