"""How a runbook runs: tasks over hosts, what each found, leases, logins, who is asked again."""
