"""What happens to rows: parsed, judged and counted. Pure: no session, no clock, no I/O."""
