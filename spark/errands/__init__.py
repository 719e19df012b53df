"""What is asked of the ledger between two batches: replays, verdicts, maintenance, erasure."""
