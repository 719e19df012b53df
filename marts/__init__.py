"""Builds the marts with dbt, and acts on what they say: proposed verdicts, the blocklist."""
