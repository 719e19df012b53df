"""The vocabulary that every part of Weblake shares: settings, contracts, rules and errors."""
