"""Memory: what was said and done, found again by meaning and by word. A sink fed from PostgreSQL, no authority."""
