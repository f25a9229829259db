"""How a runbook runs: tasks over hosts, their results, leases, logins and retries."""
