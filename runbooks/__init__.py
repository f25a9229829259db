"""What an operator runs. Each is a script, a subcommand of `kube-ha`, and a function on a `Run`."""

from nornir_kube_ha.lazy import postpone

postpone("invoke")  # paramiko needs it for `Match exec` in an ssh_config file alone, and reading it takes 60 ms
