"""What the lab takes from this machine: commands, control groups, inotify instances."""
