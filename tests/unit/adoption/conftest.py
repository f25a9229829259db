"""An adoption, written to a folder of the test."""

from collections.abc import Callable
from pathlib import Path

import pytest
from tests.support.adoption import Adopted, ways

from nornir_kube_ha.adoption import Running, adopt


@pytest.fixture
def adopted(tmp_path: Path) -> Callable[[list[Running]], Adopted]:
    """Adopts hosts."""
    return lambda hosts: Adopted(adopt(hosts, ways(hosts)), tmp_path / "adopted")
