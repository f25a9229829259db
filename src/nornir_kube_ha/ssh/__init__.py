"""The one door to a host: login, transport, host keys, and scripts that a shell runs as root."""
