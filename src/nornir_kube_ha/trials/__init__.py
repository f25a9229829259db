"""Faults made and measured on hosts: who makes them, the client that sees what they cost, one trial after the other."""
