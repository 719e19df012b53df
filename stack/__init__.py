"""What `make up` runs: embedded Kafka and PostgreSQL, supervision, status. Imports lake only."""
