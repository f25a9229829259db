"""The probe client, which measures what a client of a cluster sees.

Its source is sent to the machine where it runs, which needs Python 3.9 or later with the standard library.
"""

MODULES = ("clock", "http", "settings", "tls", "connection", "journal", "kubernetes", "watch", "api", "measurement")
"""Its modules in the order in which they are sent: each after those that it imports."""
