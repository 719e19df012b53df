"""What one record means, in plain Python over its raw bytes; shares no code with ``spark/``."""

from audit.oracle.clients import Client, Clients, clients
from audit.oracle.event import Event, Record
from audit.oracle.measures import MEASURES
from audit.oracle.reader import LOG, Cell, Oracle

__all__ = ["LOG", "MEASURES", "Cell", "Client", "Clients", "Event", "Oracle", "Record", "clients"]
