"""Plan the change from a host's facts to the intended state, and find what stands in its way.

Nothing here contacts a host.
"""
