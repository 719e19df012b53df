"""Apache Superset on the marts: a dashboard from files, and SQL Lab; with libraries of its own."""
