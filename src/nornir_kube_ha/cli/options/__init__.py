"""What each command understands, and the types of its values."""
