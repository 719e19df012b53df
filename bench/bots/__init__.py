"""How well bots are told apart: labelled traffic, the detector, lists of agents."""
