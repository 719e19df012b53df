"""Log files that are followed while they are written: through rotations, restarts and the absence of Kafka."""
