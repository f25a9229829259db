"""Inject faults and measure them: the injectors, the client that measures the cost, and one trial after the other."""
