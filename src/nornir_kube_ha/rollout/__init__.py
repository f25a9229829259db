"""Roll a change out: stage and validate it on all hosts, then put it live host by host, each behind a gate."""
