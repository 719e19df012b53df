"""How soon alerts tell of incidents, and how often of none: weeks of labelled traffic, the rules, findings."""
