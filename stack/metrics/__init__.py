"""Metrics for Prometheus: what the lookout saw last, what the programs write of themselves, and what the marts hold."""
