"""How the stack is: each look of its own kind, what is wrong in what they found, and the states over time."""
