"""Kafka: the topic, how far bronze has read it, and which losses and new topics were accepted."""
