"""Alerts: rules over the marts, what is wrong now, and who is told."""
