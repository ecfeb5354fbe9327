"""PostgreSQL: tables, migrations, row-level security and units of work."""
