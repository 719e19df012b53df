"""Kafka and PostgreSQL as processes of ours."""
