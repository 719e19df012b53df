"""Prometheus beside the stack: its configuration, and the rules by which it says that something is wrong."""
