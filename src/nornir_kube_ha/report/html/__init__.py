"""The report as one HTML page: its parts, its pictures and its templates."""
