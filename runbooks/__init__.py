"""What an operator runs. Each is a script, a subcommand of `kube-ha`, and a function on a `Run`."""
