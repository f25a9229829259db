"""The report as text in each format, with a module for each."""
