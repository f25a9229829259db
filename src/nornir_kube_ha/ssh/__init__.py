"""SSH access to hosts: login, transport, host keys, and scripts that a shell runs as root."""
