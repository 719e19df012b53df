"""The way into Weblake: the traffic generator, the log importer and the Kafka producer that both share."""
