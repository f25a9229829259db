"""What regular runs of verify keep and send: the history of each check, and notifications of its changes."""
