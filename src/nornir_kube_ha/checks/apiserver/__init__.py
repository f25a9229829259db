"""Checks of the apiservers themselves."""
