"""The command-line options, and the types of their values."""
