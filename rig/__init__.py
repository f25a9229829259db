"""Labs for tests, campaigns and benchmarks: what they do to hosts and what they observe. Not shipped."""
