"""Labs of the tests' own, of other names in each process: several go on beside each other."""

import shutil
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
from rig.lab import EVERYTHING, RULES, UNITS, Lab, copy_inventory, on_all
from rig.users import ADD, REMOVE
from tests.support.labs import PROCESS

STATE = f"""
{EVERYTHING}
{UNITS}
systemctl show --property UnitFileState,ActiveState,NeedDaemonReload haproxy keepalived
find /run -path '*kube-ha*'
ip -oneline address
{RULES}
"""
"""All that a deploy could have to put right."""
UP: list[Lab] = []
SEEN: list[dict[str, str]] = []
"""What the shared lab was last seen to be, as long as nobody has it: what a test leaves, the next one finds."""
SHARED = ExitStack()
SHARING = pytest.StashKey[set[Path]]()
"""Files with tests that use the shared lab."""


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Those that use the shared lab come first: a lab that nobody uses costs an eighth of two processors."""
    folder = Path(__file__).parent
    sharing = {item.path for item in items if "shared_lab" in getattr(item, "fixturenames", ())}
    config.stash[SHARING] = sharing
    items.sort(key=lambda item: (item.path.parent == folder) + (item.path in sharing), reverse=True)


def pytest_runtest_setup(item: pytest.Item) -> None:
    """Nobody in this process uses the shared lab any more."""
    if item.path not in item.config.stash[SHARING]:
        SHARED.close()


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
def _shared() -> Iterator[None]:
    with SHARED:
        yield


@pytest.fixture(scope="module")
def shared_lab(_shared: None, tmp_path_factory: pytest.TempPathFactory) -> Lab:
    """One lab for several files; booted anew if it was taken down since."""
    if not UP:
        UP.append(SHARED.enter_context(contextmanager(_deployed)(f"our{PROCESS}", tmp_path_factory.mktemp("our"))))
        SHARED.callback(UP.clear)
        SHARED.callback(SEEN.clear)
    return UP[0]


@pytest.fixture(scope="module")
def real(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three hosts, each with etcd and kube-apiserver, and the VIP in front of them."""
    yield from _deployed(f"real{PROCESS}", tmp_path_factory.mktemp("real"), "--control-plane", "real")


def _deployed(name: str, folder: Path, *options: str) -> Iterator[Lab]:
    lab = copy_inventory(name, folder / "inventory")
    lab.up("--installed", *options)  # how that is done is others' subject: `fresh`
    completed = lab.deploy("--output", "json")
    assert completed.status == 0, completed.stdout + completed.stderr
    yield lab
    lab.down()


@pytest.fixture
def deployed(shared_lab: Lab, tmp_path: Path) -> Iterator[Lab]:
    """Three hosts that are as the repository's inventory says; whatever the test changes is put right again."""
    lab = Lab(shared_lab.name, tmp_path / "inventory")
    shutil.copytree(shared_lab.inventory, lab.inventory)
    before = SEEN.pop() if SEEN else on_all(shared_lab, STATE)
    yield lab
    after = on_all(shared_lab, STATE)
    if after == before:
        SEEN.append(after)
        return
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
