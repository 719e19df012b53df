"""The commands, a module a panel of the help."""
