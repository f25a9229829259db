"""What is to be done about the difference between intent and facts, and what speaks against it. Pure."""
