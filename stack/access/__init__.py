"""Readers of the marts: how they come in, what they may make there, and what they may take."""
