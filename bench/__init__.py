"""Benchmarks of the whole: a backlog drained, live freshness, idle cost. May import every part."""
