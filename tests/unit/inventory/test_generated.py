"""Inventories that were made up, some to do harm: each is taken, and renders, or it is refused in words.

Some of them here; `python -m campaigns generated-inventories` does ten thousand, and has a host's daemons judge what
was taken.
"""

import json
import os
import shutil
from pathlib import Path

import pytest
from hypothesis import HealthCheck, event, given, settings
from rig.inventories import SETTINGS, Tree, base, rendered, taken, unusual, write, wrong
from rig.samples import DATA, debian_12
from tests.support.inventories import TEXT_FIELDS

from nornir_kube_ha.inventory.files import FILES
from nornir_kube_ha.inventory.secret import STORE

EXAMPLES = int(os.environ.get("KUBE_HA_EXAMPLES", "200"))
TAKEN = os.environ.get("KUBE_HA_TAKEN")  # a file that gets those that were taken, in JSON, one a line


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = tmp_path_factory.mktemp("generated")
    shutil.copy(DATA / "ca.crt", found)
    return found


@pytest.fixture(autouse=True)
def _elsewhere(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(folder)
    monkeypatch.setenv(STORE, "false")


def test_generated_inventories_start_from_a_valid_one(folder: Path) -> None:
    write(folder, base())
    assert taken(folder)


def test_every_setting_is_generated() -> None:
    assert SETTINGS.keys() >= {
        path for path in TEXT_FIELDS if not path.startswith(("apiservers.", "virtual_routers.", "haproxy.listeners."))
    } - {"lab"}
    assert SETTINGS.keys() >= {
        "apiservers",
        "haproxy.listeners",
        "haproxy.fall",
        "haproxy.stats.admin",
        "keepalived.advert_int",
    }


@settings(
    max_examples=EXAMPLES,
    deadline=None,
    suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow, HealthCheck.data_too_large],
)
@given(unusual() | wrong())
def test_taken_and_rendered_or_refused_in_words(folder: Path, tree: Tree) -> None:
    write(folder, tree)
    found = taken(folder)
    event("taken" if found else "refused")
    if found:
        rendered(*found, found[1].nodes[0].name, debian_12())
        if TAKEN:
            with Path(TAKEN).open("a", encoding="utf-8") as file:
                file.write(f"{json.dumps(tree)}\n")
    assert sorted(path.name for path in folder.iterdir()) == sorted(["ca.crt", *FILES.values()])
