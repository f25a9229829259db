"""The command line: options, hosts, prompts, progress, exit codes."""
