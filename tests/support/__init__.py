"""What several test modules share, beside the fixtures of conftest.py: stand-ins, made-up reports, changes of facts."""
