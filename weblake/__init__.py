"""The command line of Weblake, which alone brings all rooms together."""

__version__ = "0.1.0"
