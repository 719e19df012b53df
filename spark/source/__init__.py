"""Kafka: the topic, how far bronze has read it, and what was accepted of its past."""
