"""The runbooks. Each is a script, a subcommand of `kube-ha`, and a function that takes a `Run`."""
