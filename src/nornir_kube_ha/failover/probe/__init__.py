"""The probe client: what a client of a cluster sees.

It is sent to where it runs, and needs Python 3.9 and its standard library there, nothing else.
"""

MODULES = ("clock", "http", "settings", "tls", "connection", "journal", "kubernetes", "watch", "api", "measurement")
"""Its modules, each after those that it imports: in this order they are sent."""
