"""What a command lists instead of working on hosts: checks, faults, generations."""
