"""What others' haproxy.cfg files say, in the words of the inventory."""
