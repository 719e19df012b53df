"""What starts the stack at boot and looks after it: systemd's units, lines for cron, and the notice of a failure."""
