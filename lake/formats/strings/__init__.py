"""Log strings as people have them, brought to our own names, and guessed where nobody has one."""
