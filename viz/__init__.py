"""Draws the charts from the marts."""
