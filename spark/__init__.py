"""The streams: Kafka -> bronze -> silver ledger -> PostgreSQL."""
