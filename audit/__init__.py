"""The audit: what every stage holds against what the stage before it holds, down to the last record."""
