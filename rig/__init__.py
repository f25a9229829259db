"""Labs as tests, campaigns and benchmarks use them: what is done to hosts, and what is seen of it. Not shipped."""
