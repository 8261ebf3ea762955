\pset border 1
\pset format wrapped
\pset columns 130
SET client_min_messages = warning;
