"""The simulated shop: people, bots and their records."""
