"""Waiting for something to read: in time, at its end, and above the descriptors that `select` knows."""

import os
import resource
import time

import pytest

from nornir_kube_ha.ssh.poll import is_readable


def test_what_comes_is_seen_and_what_does_not_is_waited_for() -> None:
    reader, writer = os.pipe()
    begun = time.monotonic()
    assert not is_readable(reader, 0.05)
    assert time.monotonic() - begun >= 0.05
    os.write(writer, b"x")
    assert is_readable(reader, None)
    os.read(reader, 1)
    os.close(writer)
    assert is_readable(reader, 5)  # its end
    os.close(reader)


def test_what_is_closed_is_an_error() -> None:
    with pytest.raises(ValueError, match="closed"):
        is_readable(-1, 1)


def test_descriptors_beyond_the_limit_of_select_work() -> None:
    limits = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(4096, limits[1]), limits[1]))
    reader, writer = os.pipe()
    high = 2000
    os.dup2(reader, high)
    try:
        os.write(writer, b"x")
        assert is_readable(high, 5)
    finally:
        for each in (reader, writer, high):
            os.close(each)
        resource.setrlimit(resource.RLIMIT_NOFILE, limits)
