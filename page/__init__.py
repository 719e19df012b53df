"""The live page: what the marts show now, in a browser. It only reads."""
