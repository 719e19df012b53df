"""Delta tables, their files, PostgreSQL and the lock: where data lies."""
