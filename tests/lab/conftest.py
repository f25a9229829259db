"""Labs of the tests' own, of other names in each process: several go on beside each other."""

import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
from tests.lab.rig import Lab, copy_inventory, on_all
from tests.lab.users import ADD, REMOVE

PROCESS = os.environ.get("PYTEST_XDIST_WORKER", "")


@pytest.fixture
def fresh(tmp_path: Path) -> Iterator[Lab]:
    """Three hosts that nothing was ever deployed to."""
    lab = copy_inventory(f"new{PROCESS}", tmp_path / "inventory")
    lab.up()
    yield lab
    lab.down()


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three hosts that are as the repository's inventory says, for tests of one file that mend what they break."""
    yield from _deployed(f"fault{PROCESS}", tmp_path_factory.mktemp("fault"))


@pytest.fixture(scope="session")
def shared_lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    yield from _deployed(f"our{PROCESS}", tmp_path_factory.mktemp("our"))


def _deployed(name: str, folder: Path) -> Iterator[Lab]:
    lab = copy_inventory(name, folder / "inventory")
    lab.up("--installed")  # how that is done is others' subject: `fresh`
    completed = lab.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    yield lab
    lab.down()


@pytest.fixture
def deployed(shared_lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """Three hosts that are as the repository's inventory says; whatever the test changes is put right again."""
    lab = Lab(shared_lab.name, tmp_path / "inventory")
    shutil.copytree(shared_lab.inventory, lab.inventory)
    yield lab
    restored = shared_lab.deploy("--output", "json", "--accept-outage")
    assert restored.status == 0, restored.stdout + restored.stderr
    shared_lab.bring_vip_home()


@pytest.fixture
def ops(deployed: Lab) -> Iterator[Lab]:
    """The hosts, where a user logs in who is not root."""
    on_all(deployed, ADD)
    groups = deployed.inventory / "groups.yaml"
    groups.write_text(groups.read_text().replace("username: root", "username: ops"))
    yield deployed
    on_all(deployed, REMOVE)
