"""Families of package managers: a family of the test's own, whose command is a stand-in, and what real ones say."""

import subprocess
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pytest

from nornir_kube_ha.planning.package_managers import FAMILIES, UNKNOWN, Apt, Dnf, Family, family_of, functions
from nornir_kube_ha.planning.plan import PACKAGES
from nornir_kube_ha.ssh.script import load_script
from nornir_kube_ha.tasks import packages as tasks_packages
from nornir_kube_ha.tasks.packages import manager_script

PATH = "PATH=/usr/sbin:/usr/bin:/sbin:/bin"
# A package manager in files: there/NAME holds the version that is installed, sources/NAME those to be had, old ones
# first. Its words for what goes wrong are its own.
PKG = """#!/bin/sh
cd "$(dirname "$0")/.." && verb=$1 && shift && echo "$verb $*" >>log
[ ! -e busy ] || { echo 'zypper is running' && exit 7; }
[ "$verb" != read ] || { [ -d sources ] || { echo 'mirror is gone'; exit 4; }; exit 0; }
for word; do
    name=${word%%@*} version=${word#"${word%%@*}"}
    [ -n "$version" ] || version=@$(tail -n 1 "sources/$name" 2>/dev/null)
    grep -qxF -e "${version#@}" "sources/$name" 2>/dev/null || { echo "nothing called $word" && exit 5; }
    echo "${version#@}" >"there/$name"
done
"""
FUNCTIONS = """
toy_installed() { for name; do [ ! -e "$TOY/there/$name" ] || echo "$name $(cat "$TOY/there/$name")"; done; }
toy_candidates() {
    [ ! -e "$TOY/broken" ] || { echo "the sources are gone" && return 1; } >&2
    for name; do [ ! -e "$TOY/sources/$name" ] || echo "$name $(tail -n 1 "$TOY/sources/$name")"; done
}
toy_versions() { cat "$TOY/sources/$1"; }
toy_word() { echo "$1@$2"; }
toy_older() { [ "$1" -lt "$2" ]; }
toy_refresh() { toypkg read; }
toy_install() { toypkg install "$@"; }
toy_upgrade() { toypkg upgrade "$@"; }
toy_downgrade() { toypkg downgrade "$@"; }
toy_rehearse() { [ ! -e "$TOY/conflict" ] || { echo "a conflict" && return 1; }; }
toy_held() { [ -e "$TOY/held-$1" ] && cat "$TOY/held-$1"; }
toy_unhold() { echo "toypkg let go of $1"; }
toy_trouble() {
    case $1 in
    *running*) echo locked ;;
    *gone*) echo sources ;;
    *nothing*) echo missing ;;
    esac
}
"""


class Toy(Family):
    """A family that only this test has."""

    name = "toy"
    commands = ("toypkg",)
    names = MappingProxyType({"iputils-arping": "netkit", "iputils-ping": "netkit"})

    @property
    def functions(self) -> str:
        return FUNCTIONS


@dataclass
class Host:
    """A host of that family, in a folder."""

    folder: Path

    def has(self, **packages: str) -> None:
        for name, version in packages.items():
            (self.folder / "there" / name).write_text(f"{version}\n")

    def offers(self, **packages: str) -> None:
        for name, versions in packages.items():
            (self.folder / "sources" / name).write_text("".join(f"{version}\n" for version in versions.split()))

    def version(self, name: str) -> str:
        return (self.folder / "there" / name).read_text().strip()

    @property
    def asked(self) -> list[str]:
        return (self.folder / "log").read_text().splitlines()

    def sh(self, script: str) -> "subprocess.CompletedProcess[str]":
        assert PATH in script
        script = script.replace(PATH, f"TOY={self.folder} PATH={self.folder}/bin:/usr/bin:/bin")
        return subprocess.run(["sh", "-u", "-s"], input=script, capture_output=True, text=True, check=False, timeout=30)

    def run(self, call: str, **variables: str) -> "subprocess.CompletedProcess[str]":
        return self.sh(manager_script(call, nonce="n", **variables))


@pytest.fixture
def host(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Host:
    for folder in ("bin", "there", "sources"):
        (tmp_path / folder).mkdir()
    (tmp_path / "bin/toypkg").write_text(PKG)
    (tmp_path / "bin/toypkg").chmod(0o755)

    def with_ours(packages: tuple[str, ...] = (), families: Iterable[Family] = (Toy(),)) -> str:
        return functions(packages, families)

    monkeypatch.setattr(tasks_packages, "functions", with_ours)
    return Host(tmp_path)


def changes(completed: "subprocess.CompletedProcess[str]") -> list[str]:
    assert completed.returncode == 0, completed.stderr
    return [line.removeprefix("@n ") for line in completed.stdout.splitlines() if line.startswith("@n ")]


def test_facts_speak_the_familys_names(host: Host) -> None:
    host.has(haproxy="1", netkit="3")
    host.offers(keepalived="1 2")
    facts, probes = load_script("facts.sh"), load_script("probes.sh")
    script = f"""export {PATH}
NEWLINE='
'
section() {{ printf '@%s\\n' "$*"; }}
{functions(("haproxy", "keepalived", "curl", "iputils-arping", "iputils-ping"), [Toy()])}choose_family
{probes[probes.index("find_packages() {") : probes.index("# Set HAPROXY_SHOWN")]}find_packages
{facts[facts.index("packages() {") : facts.index("# All contents")]}
packages"""
    said = host.sh(script).stdout.split()
    assert " ".join(said) == "@package_manager toy @packages haproxy 1 netkit 3 @candidates keepalived 2"


def test_what_is_missing_is_installed_in_the_version_that_is_pinned(host: Host) -> None:
    host.offers(haproxy="1 2 3", curl="1")
    assert host.run("install_wanted", wanted="haproxy 2\ncurl").returncode == 0
    assert (host.version("haproxy"), host.version("curl")) == ("2", "1")
    assert host.asked == ["install haproxy@2 curl"]


def test_sources_are_read_again_only_where_they_were_too_old(host: Host) -> None:
    completed = host.run("install_wanted", wanted="haproxy")
    assert host.asked == ["install haproxy", "read ", "install haproxy"]
    assert completed.returncode == 1
    assert completed.stderr == "toypkg: no package source has what was asked for:\nnothing called haproxy\n"


def test_lock_held_by_another_program_is_reported_and_nothing_is_read_again(host: Host) -> None:
    (host.folder / "busy").touch()
    completed = host.run("install_wanted", wanted="haproxy")
    assert completed.stderr == "toypkg: another program has held its lock for 120 s:\nzypper is running\n"
    assert host.asked == ["install haproxy"]


def test_source_that_cannot_be_read_is_reported(host: Host) -> None:
    (host.folder / "sources").rmdir()
    for call in ("install_wanted", "refresh\nlist_changes"):
        completed = host.run(call, wanted="haproxy")
        assert completed.returncode == 1
        assert completed.stderr.startswith("toypkg: a package source cannot be read:\nmirror is gone")


def test_newest_is_wanted_where_nothing_is_pinned(host: Host) -> None:
    host.has(haproxy="1", keepalived="2")
    host.offers(haproxy="1 2 3", keepalived="1 2")
    assert changes(host.run("refresh\nlist_changes", wanted="haproxy \nkeepalived ")) == ["haproxy 1 3 newer", "end"]


def test_what_is_newer_than_all_sources_stays_and_what_is_not_there_is_left_to_deploy(host: Host) -> None:
    host.has(haproxy="9")
    host.offers(haproxy="1", keepalived="1")
    assert changes(host.run("list_changes", wanted="haproxy\nkeepalived 1")) == ["end"]


@pytest.mark.parametrize(
    ("pin", "found"), [("2", ["end"]), ("3", ["haproxy 2 3 newer", "end"]), ("1", ["haproxy 2 1 older", "end"])]
)
def test_pinned_version_is_wanted_however_new_others_are(host: Host, pin: str, found: list[str]) -> None:
    host.has(haproxy="2")
    host.offers(haproxy="1 2 3 4")
    assert changes(host.run("list_changes", wanted=f"haproxy {pin}")) == found


def test_pinned_version_that_no_source_has_is_an_error(host: Host) -> None:
    host.has(haproxy="2")
    host.offers(haproxy="1 2")
    completed = host.run("list_changes", wanted="haproxy 7")
    assert completed.returncode == 1
    assert completed.stderr == "toypkg: no package source has haproxy 7; they have: 1, 2\n"


def test_each_goes_its_way(host: Host) -> None:
    host.has(haproxy="2", keepalived="2")
    host.offers(haproxy="1 2 3", keepalived="1 2 3")
    (host.folder / "bin/systemctl").write_text("#!/bin/sh\necho 0\n")
    (host.folder / "bin/systemctl").chmod(0o755)
    completed = host.run("change", upgrades="haproxy 3", downgrades="keepalived 1")
    assert completed.returncode == 0, completed.stderr
    assert (host.version("haproxy"), host.version("keepalived")) == ("3", "1")
    assert host.asked == ["upgrade haproxy@3", "downgrade keepalived@1"]


def test_host_without_a_package_manager_gets_the_list_of_known_ones(host: Host) -> None:
    (host.folder / "bin/toypkg").unlink()
    completed = host.run("install_wanted", wanted="haproxy")
    assert (completed.returncode, completed.stderr) == (
        1,
        "no package manager that is known here: apt-get, dnf, yum\n",
    )


@pytest.mark.parametrize("family", FAMILIES, ids=lambda family: family.name)
def test_each_family_has_every_function(family: Family) -> None:
    verbs = [line.split("_")[1].split("(")[0] for line in FUNCTIONS.splitlines() if line.startswith("toy_")]
    asked = " && ".join(f"command -v {family.name}_{verb}" for verb in verbs)
    done = subprocess.run(
        ["sh", "-u", "-s"], input=family.functions + asked, capture_output=True, text=True, check=False
    )
    assert done.stdout.split() == [f"{family.name}_{verb}" for verb in verbs]


TROUBLES = [
    (Apt(), "E: Could not get lock /var/lib/dpkg/lock-frontend. It is held by process 7 (apt-get)", "locked"),
    (Apt(), "E: Failed to fetch http://mirror.invalid/x.deb  Could not resolve 'mirror.invalid'", "sources"),
    (Apt(), "E: Unable to locate package haproxy", "missing"),
    (Apt(), "E: Version '9' for 'haproxy' was not found", "missing"),
    (Apt(), "E: Sub-process /usr/bin/dpkg returned an error code (1)", ""),
    (Dnf(), "metadata already locked by 28760\n  The application with PID 28760 is: sleep", "locked"),
    (Dnf(), "Error: Failed to download metadata for repo 'base': Cannot download repomd.xml", "sources"),
    (Dnf(), "No match for argument: haproxy-9\nError: Unable to find a match: haproxy-9", "missing"),
    (Dnf(), "Error: Transaction test error:", ""),
]


@pytest.mark.parametrize(("family", "words", "trouble"), TROUBLES)
def test_kinds_of_trouble_are_distinguished(family: Family, words: str, trouble: str) -> None:
    script = f'{family.functions}\n{family.name}_trouble "$WORDS"\n'
    done = subprocess.run(["sh", "-c", script], env={"WORDS": words}, capture_output=True, text=True, check=True)
    assert done.stdout.strip() == trouble


def test_first_whose_command_is_there_is_the_hosts_and_yum_is_dnfs_other_name(tmp_path: Path) -> None:
    (tmp_path / "yum").write_text("")
    (tmp_path / "yum").chmod(0o755)
    script = f'{functions(PACKAGES)}PATH={tmp_path}\nchoose_family\necho "$FAMILY $MANAGER $NAMES"'
    done = subprocess.run(["/bin/sh", "-s"], input=script, capture_output=True, text=True, check=True)
    names = "haproxy keepalived curl iputils nftables openssl python3 socat tcpdump"
    assert done.stdout.split(maxsplit=2) == ["dnf", "yum", f"{names}\n"]


def test_names_are_each_familys_own() -> None:
    assert family_of("apt").names_of(PACKAGES) == PACKAGES
    assert family_of("dnf").names_of(("iputils-arping", "iputils-ping", "curl")) == ("iputils", "curl")
    assert family_of("toy") is UNKNOWN
    assert family_of("toy", [*FAMILIES, toy := Toy()]) is toy
    assert UNKNOWN.names_of(PACKAGES) == PACKAGES


def test_unreadable_sources_do_not_mean_that_all_is_new(host: Host) -> None:
    host.has(haproxy="1")
    host.offers(haproxy="1 2")
    (host.folder / "broken").touch()
    completed = host.run("list_changes", wanted="haproxy")
    assert completed.returncode == 1
    assert completed.stderr == "toypkg: a package source cannot be read:\nthe sources are gone\n"


def test_package_manager_that_leaves_one_out_is_not_believed(host: Host) -> None:
    host.has(haproxy="1")
    host.offers(haproxy="1 2")
    (host.folder / "bin/toypkg").write_text("#!/bin/sh\necho skipped\n")
    completed = host.run("change", upgrades="haproxy 2")
    assert completed.returncode == 1
    assert "haproxy is 1, not 2; skipped" in completed.stderr


@pytest.mark.field_report(
    "J4",
    "ansible#51218",
    "the package manager refuses half-way",
    "an upgrade names packages that are held before it moves anything",
)
def test_held_package_is_reported_with_the_remedy(host: Host) -> None:
    host.has(haproxy="1", keepalived="2")
    host.offers(haproxy="1 2", keepalived="2")
    for name in ("haproxy", "keepalived"):
        (host.folder / f"held-{name}").touch()
    said = changes(host.run("list_changes", wanted="haproxy\nkeepalived"))
    assert said == ["held haproxy 1 2 toypkg let go of haproxy", "end"]
    assert changes(host.run("list_changes", wanted="haproxy 1")) == ["end"]  # held where it should be


@pytest.mark.field_report("J4")
def test_version_hidden_by_a_hold_is_reported_too(host: Host) -> None:
    host.has(haproxy="1")
    host.offers(haproxy="1")
    (host.folder / "held-haproxy").write_text("3\n")
    for wanted in ("haproxy", "haproxy 3"):
        said = changes(host.run("list_changes", wanted=wanted))
        assert said == ["held haproxy 1 3 toypkg let go of haproxy", "end"]


@pytest.mark.field_report("J4")
def test_change_that_would_be_refused_is_reported_before_it_is_tried(host: Host) -> None:
    host.has(haproxy="1")
    host.offers(haproxy="1 2")
    (host.folder / "conflict").touch()
    completed = host.run("list_changes", wanted="haproxy")
    assert (completed.returncode, completed.stderr) == (1, "toypkg: it failed:\na conflict\n")
    assert host.version("haproxy") == "1"


@pytest.mark.field_report("J4")
def test_dnf_tells_what_versionlock_hides(tmp_path: Path) -> None:
    dnf = tmp_path / "dnf"
    dnf.write_text("""#!/bin/sh
case "$*" in
*"--disableplugin=versionlock --disableexcludes=all"*) echo haproxy 0:2.8.14-1.el9 ;;
*) [ -e "$LOCKED" ] || echo haproxy 0:2.8.14-1.el9 ;;
esac
""")
    dnf.chmod(0o755)

    def held(locked: Path) -> tuple[int, str]:
        script = f"{Dnf().functions}\nMANAGER={dnf}\ndnf_held haproxy\n"
        environment = {"LOCKED": str(locked), "PATH": "/usr/bin:/bin"}
        done = subprocess.run(["sh", "-u"], input=script, env=environment, capture_output=True, text=True, check=False)
        return done.returncode, done.stdout

    assert held(dnf) == (0, "2.8.14-1.el9\n")
    assert held(tmp_path / "none")[0] != 0
