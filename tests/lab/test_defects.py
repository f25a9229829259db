"""Verify is right in both directions: a defect, made for real, turns its own checks red and no other; healed, none."""

import os
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from ipaddress import IPv4Address
from pathlib import Path

import pytest
from rig.lab import VIP, Completed, Lab, copy_inventory, on_all
from rig.strangers import APISERVERS, STRANGER, beside_a_stranger, names_it, notice, speaking
from tests.support.defects import CLUSTER, DEFECTS, LB, Certificate, Defect, Expected, rounds

from nornir_kube_ha.checks import ALL, NEED_CREDENTIAL
from nornir_kube_ha.intent.names import WATCH
from nornir_kube_ha.lab.control_plane import pki
from nornir_kube_ha.lab.hosts import Host
from nornir_kube_ha.lab.state import LabFiles

PAUSE = 0.3  # seconds until the next look, which others do something useful in
PATIENCE = 30  # seconds until what was broken shows, and until what was healed is well again
# Of two holders, each ARP answer may lead a client to the other one, in the middle of a connection: red now and then.
TORN = {"vip.readyz", "vip.version", "vip.stats"}


@pytest.fixture(scope="module")
def lab(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Lab]:
    """Three load balancers, and an apiserver on a host of its own, which is also able to speak VRRP."""
    name = f"bad{os.environ.get('PYTEST_XDIST_WORKER', '')}"  # two go on beside each other
    lab = copy_inventory(name, tmp_path_factory.mktemp("defects") / "inventory")
    # A second holder that does not speak our VRID leaves clients on the wrong way until the next of these.
    lab.set("keepalived.garp_master_refresh", 10)
    with beside_a_stranger(lab):
        yield lab


@pytest.fixture(scope="module")
def unproven(lab: Lab) -> Iterator[list[Defect]]:
    """Defects that were healed, and that no look has shown to be gone yet.

    The look that shows the next one's red checks, and no others, shows that too, and saves a look.
    """
    defects: list[Defect] = []
    yield defects
    await_red(lab, {}, times=1)


@pytest.fixture
def well(lab: Lab, unproven: list[Defect]) -> Lab:
    """The hosts, after a look that has shown every check green."""
    if unproven:
        await_red(lab, {}, times=1)
        unproven.clear()
    return lab


def as_expected(expected: Expected) -> dict[str, list[str]]:
    return {place: sorted(ids) for place, ids in expected.items()}


def seen(completed: Completed) -> dict[str, list[str]]:
    return {place: sorted(ids) for place, ids in completed.red_checks().items()}


def await_red(lab: Lab, expected: Expected, *, times: int = 2) -> None:
    """Daemons take their time to notice; but then these checks are red, and only these, so many times in a row."""
    deadline = time.monotonic() + PATIENCE
    in_a_row = 0
    while in_a_row < times:
        completed = lab.runbook("verify", "--output", "json")
        red = without_torn(seen(completed)) if "vip.single_holder" in expected.get(CLUSTER, ()) else seen(completed)
        in_a_row = in_a_row + 1 if red == as_expected(expected) else 0
        if not in_a_row:
            time.sleep(PAUSE)
        assert time.monotonic() < deadline, (seen(completed), as_expected(expected), words(completed))


def without_torn(red: dict[str, list[str]]) -> dict[str, list[str]]:
    left = {place: [id_ for id_ in ids if id_ not in TORN] for place, ids in red.items()}
    return {place: ids for place, ids in left.items() if ids}


def words(completed: Completed) -> list[str]:
    parts = {**completed.report["hosts"], **completed.report["clusters"]}
    return [
        f"{place} {check['id']} {check['status']}: {check['seen']}"
        for place, part in parts.items()
        for check in part["checks"]
        if check["status"] != "pass"
    ]


@contextmanager
def made(defect: Defect, lab: Lab, folder: Path) -> Iterator[Path]:
    """A defect, from its making to its healing; what to verify it with."""
    other = lab.copy_to(folder)
    for key, value in defect.inventory.items():
        other.set_for_group(key, value)
    try:
        set_apiservers(lab, defect.apiserver)
        set_certificates(lab, defect.certificate, folder)
        if defect.make:
            lab.run(defect.host, defect.make)
        yield other.inventory
    finally:
        if defect.heal:
            lab.run(defect.host, defect.heal)
        set_apiservers(lab, "all ok" if defect.apiserver else "")
        if defect.certificate:
            set_certificates(lab, Certificate(everywhere=True), folder)


def set_apiservers(lab: Lab, mode: str) -> None:
    names = APISERVERS if mode.startswith("all ") else (STRANGER,)
    for name in names if mode else ():
        Host(lab.name, name).set_apiserver(mode.removeprefix("all "))


def set_certificates(lab: Lab, certificate: Certificate | None, folder: Path) -> None:
    if certificate is None:
        return
    ca = LabFiles(lab.name).pki
    if certificate.own_ca:
        ca = folder / "another-ca"
        ca.mkdir()
        pki.ensure_ca(ca)
    addresses = [*APISERVERS.values(), *([VIP] if certificate.names_vip else [])]
    for name in APISERVERS if certificate.everywhere else (STRANGER,):
        pki.issue_apiserver_certificate(
            ca,
            Host(lab.name, name).folder / "kube-apiserver",
            [IPv4Address(address) for address in addresses],
            timedelta(days=certificate.valid, hours=1),
        )


@pytest.mark.parametrize("defects", rounds(), ids=lambda defects: " & ".join(each.name for each in defects))
def test_a_defect_turns_its_own_checks_red_and_no_other(
    lab: Lab, unproven: list[Defect], defects: tuple[Defect, ...], tmp_path: Path
) -> None:
    red = {place: ids for defect in defects for place, ids in defect.red.items()}
    if any(_hides(red, earlier) for earlier in unproven):
        await_red(lab, {}, times=1)
        unproven.clear()
    try:
        with ExitStack() as stack:
            for defect in defects:
                inventory = stack.enter_context(made(defect, lab, tmp_path / defect.host))
            await_red(Lab(lab.name, inventory), red)
        unproven.clear()
    finally:
        unproven.extend(defects)
    if not lab.is_vip_home():
        await_red(lab, {}, times=1)
        lab.bring_vip_home()


def _hides(red: Expected, earlier: Defect) -> bool:
    """Whether what is left of an earlier defect may be red by right while these checks are."""
    return any(set(ids) & set(earlier.red.get(place, ())) for place, ids in red.items())


def test_router_that_adverts_every_three_seconds_is_seen_each_time_and_stops_a_deploy(
    well: Lab, tmp_path: Path
) -> None:
    other = well.copy_to(tmp_path)
    other.set("haproxy.balance", "source")
    with speaking(well):
        assert notice(other, 2).always
        completed = other.deploy("--output", "json")
        assert (
            "another router uses VRID 68 on eth0: 192.0.2.14" in completed.report["hosts"]["lb-1"]["error"]["message"]
        )
        on_all(well, "nft delete table inet kube_ha_watch")
        other.set("verify.listen", 3.6)
        assert names_it(other)
    on_all(well, f"nft -f {WATCH}")


def test_a_deploy_changes_nothing_where_another_machine_has_the_vip(well: Lab, tmp_path: Path) -> None:
    other = well.copy_to(tmp_path)
    other.set("haproxy.balance", "source")
    well.run(STRANGER, f"ip address add {VIP}/32 dev eth0")
    try:
        completed = other.deploy("--output", "json")
    finally:
        well.run(STRANGER, f"ip address delete {VIP}/32 dev eth0")
    assert completed.status == 1, completed.stdout + completed.stderr
    assert not completed.report["changed"]
    errors = [host["error"] for host in completed.report["hosts"].values() if host["error"]]
    assert {error["type"] for error in errors} == {"PreflightError"}
    assert f"another machine already has {VIP}" in errors[0]["message"]
    await_red(well, {}, times=1)


def test_there_are_enough_defects_and_each_check_is_turned_red_by_one() -> None:
    red = {id_ for defect in DEFECTS for ids in defect.red.values() for id_ in ids}
    assert len(DEFECTS) >= 60
    assert len({defect.name for defect in DEFECTS}) == len(DEFECTS)
    assert not {place for defect in DEFECTS for place in defect.red} - {*LB, "demo"}
    assert red == ALL - NEED_CREDENTIAL  # these: test_control_plane.py, on a real control plane
