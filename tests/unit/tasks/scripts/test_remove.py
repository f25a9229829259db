"""What a host keeps of the time before our first change, and how remove puts it back: the scripts themselves."""

import subprocess
from pathlib import Path

import pytest

from nornir_kube_ha.sections import sections_of
from nornir_kube_ha.ssh.script import assignments, load_script

# A systemd in files: running/UNIT and boot/UNIT are there where the unit runs, or starts at boot.
SYSTEMCTL = """
systemctl() {
    verb=$1
    shift
    for unit; do :; done
    case $verb in
    show) echo loaded ;;
    disable) rm -f "$STATE/boot/$unit" "$STATE/running/$unit" ;;
    enable) : >"$STATE/boot/$unit" ;;
    start) [ ! -e "$STATE/broken" ] && : >"$STATE/running/$unit" ;;
    is-active) if [ -e "$STATE/running/$unit" ]; then echo active; else echo inactive && return 3; fi ;;
    is-enabled) if [ -e "$STATE/boot/$unit" ]; then echo enabled; else echo disabled && return 1; fi ;;
    --quiet) [ -e "$STATE/running/$unit" ] ;;
    esac
}
forget_selinux() { :; }
unwatch() { :; }
close_all() { : >"$STATE/closed"; }
"""


class Host:
    """A host with two daemons whose files are in a folder of the test's."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.kept = folder, folder / "var/kube-ha"
        self.files = [folder / "etc/haproxy/haproxy.cfg", folder / "etc/keepalived/keepalived.conf"]
        for name in ("running", "boot", "etc/haproxy", "etc/keepalived"):
            (folder / name).mkdir(parents=True)

    def run(self, *scripts: str, replaced: str = "", dry: str = "") -> subprocess.CompletedProcess[str]:
        variables = assignments(
            nonce="0", vips="192.0.2.10", managed=" ".join(map(str, self.files)), kept=str(self.kept),
            state=str(self.folder), keep="5", about="aaaa root@noc-1", replaced=replaced, cluster="demo", family="",
            dry=dry,
        )  # fmt: skip
        text = "".join(scripts).replace("=/var/lib/kube-ha", f"={self.kept}").replace(" /etc/", f" {self.folder}/etc/")
        text = text.replace('" /etc/', f'" {self.folder}/etc/').replace("/files/etc/", f"/files{self.folder}/etc/")
        return subprocess.run(
            ["sh", "-u", "-s"],
            input=f"umask 077\n{variables}{load_script('section.sh')}{load_script('draft.sh')}{SYSTEMCTL}{text}",
            capture_output=True, text=True, check=False,
        )  # fmt: skip

    def keep(self, replaced: str = "") -> None:
        scripts = (*map(load_script, ("generations.sh", "keep.sh", "units.sh")), "keep_generation\n")
        done = self.run(*scripts, replaced=replaced)
        assert done.returncode == 0, done.stderr

    def deploy(self, replaced: str = "") -> None:
        self.keep(replaced)
        for file in self.files:
            file.write_text("# Written by nornir-kube-ha for cluster demo. Changes made here\n")
        for unit in ("haproxy", "keepalived"):
            (self.folder / "running" / unit).touch()
            (self.folder / "boot" / unit).touch()

    def remove(self, dry: str = "") -> subprocess.CompletedProcess[str]:
        return self.run(*map(load_script, ("generations.sh", "origins.sh", "remove.sh")), dry=dry)

    @property
    def units(self) -> list[str]:
        return sorted(str(each.relative_to(self.folder)) for each in self.folder.glob("[rb]*/*"))


@pytest.fixture
def host(tmp_path: Path) -> Host:
    """Nothing was deployed to it, and nothing runs there."""
    return Host(tmp_path)


@pytest.mark.field_report(
    "C3",
    "ansible-keepalived#67",
    "An uninstall leaves the other service's files in place and its daemons stopped.",
    "remove puts files and units back as they were before the first deploy.",
)
def test_units_run_again_that_ran_before_the_first_deploy(host: Host) -> None:
    host.files[0].write_text("frontend web\n")
    (host.folder / "running/haproxy").touch()
    (host.folder / "boot/haproxy").touch()
    host.deploy()
    host.keep()  # of the second deploy
    done = host.remove()
    assert (done.returncode, [*sections_of(done.stdout, "0")][:1]) == (0, ["unit haproxy"]), done.stderr
    assert host.units == ["boot/haproxy", "running/haproxy"]
    assert host.files[0].read_text() == "frontend web\n"
    assert not host.files[1].exists()
    assert not host.kept.exists()


@pytest.mark.field_report("C3")
def test_unit_that_does_not_start_again_is_reported_last(host: Host) -> None:
    host.files[0].write_text("frontend web\n")
    (host.folder / "running/haproxy").touch()
    host.deploy()
    (host.folder / "broken").touch()
    done = host.remove()
    assert done.returncode == 1
    assert "removed, but systemctl failed: start haproxy;" in done.stderr
    assert (host.folder / "closed").exists()
    assert not host.kept.exists()


@pytest.mark.field_report("C3")
def test_old_file_with_a_vip_of_the_cluster_waits_until_all_nodes_are_removed(host: Host) -> None:
    host.files[1].write_text("vrrp_instance x { virtual_ipaddress { 192.0.2.10 } }\n")
    for place in ("running", "boot"):
        (host.folder / place / "keepalived").touch()
    host.deploy()
    done = host.remove()
    assert (done.returncode, next(iter(sections_of(done.stdout, "0")))) == (0, "waits keepalived"), done.stderr
    assert host.units == []
    assert "192.0.2.10" in host.files[1].read_text()


def test_units_of_a_host_that_an_older_release_deployed_to_stay_stopped(host: Host) -> None:
    host.deploy()
    (host.kept / "units").unlink(missing_ok=True)
    host.keep()
    assert not (host.kept / "units").exists()
    assert host.remove().returncode == 0
    assert host.units == []


@pytest.mark.field_report("C3")
def test_file_that_replaced_kube_ha_s_later_comes_back(host: Host) -> None:
    host.deploy()
    host.files[1].write_text("vrrp_instance x\n")
    host.deploy(replaced=str(host.files[1]))
    assert host.remove().returncode == 0
    assert not host.files[0].exists()
    assert host.files[1].read_text() == "vrrp_instance x\n"
    assert host.units == ["boot/keepalived", "running/keepalived"]


@pytest.mark.field_report("B1")
def test_link_that_stood_in_the_place_of_our_file_comes_back_as_a_link(host: Host) -> None:
    elsewhere, file = host.folder / "etc/elsewhere.cfg", host.files[0]
    elsewhere.write_text("theirs\n")
    file.symlink_to("../elsewhere.cfg")  # leads nowhere from where it is kept
    host.keep()
    file.unlink()
    file.write_text("# Written by nornir-kube-ha for cluster demo. Changes made here\n")
    assert host.remove().returncode == 0
    assert (file.readlink(), file.read_text()) == (Path("../elsewhere.cfg"), "theirs\n")


@pytest.mark.field_report("C3")
def test_host_that_was_never_deployed_to_is_left_alone(host: Host) -> None:
    host.files[0].write_text("frontend web\n")
    (host.folder / "running/haproxy").touch()
    done = host.remove()
    assert (done.returncode, sections_of(done.stdout, "0")) == (0, {"nothing": ""}), done.stderr
    assert host.units == ["running/haproxy"]
    assert host.files[0].read_text() == "frontend web\n"


def test_dry_run_says_what_stays_and_changes_nothing(host: Host) -> None:
    host.deploy()
    host.files[0].write_text("frontend web\n")
    done = host.remove(dry="yes")
    told = sections_of(done.stdout, "0")
    assert (done.returncode, [*told]) == (0, [f"foreign {host.files[0]}"]), done.stderr
    assert host.units == ["boot/haproxy", "boot/keepalived", "running/haproxy", "running/keepalived"]
    assert "Written by nornir-kube-ha" in host.files[1].read_text()


@pytest.mark.field_report("C3")
def test_foreign_file_that_replaced_kube_ha_s_stays_with_its_unit(host: Host) -> None:
    host.files[0].write_text("what was there\n")
    host.deploy()
    host.files[0].write_text("frontend web\n")
    done = host.remove()
    assert (done.returncode, next(iter(sections_of(done.stdout, "0")))) == (0, f"foreign {host.files[0]}"), done.stderr
    assert host.units == ["boot/haproxy", "running/haproxy"]
    assert host.files[0].read_text() == "frontend web\n"
    assert not host.files[1].exists()


@pytest.mark.field_report(
    "H5",
    "found by trial",
    "The kept folder is copied over /, with the mode that the umask gave it.",
    "Files are put back one by one, and no folder changes its mode.",
)
def test_no_folder_changes_its_mode(host: Host) -> None:
    host.files[0].write_text("frontend web\n")
    host.files[0].chmod(0o640)
    (host.folder / "etc/haproxy").chmod(0o750)
    host.deploy()
    (host.folder / "etc").chmod(0o711)
    (host.folder / "etc/haproxy").chmod(0o755)
    folders = (host.folder, host.folder / "etc", host.folder / "etc/haproxy")
    before = [each.stat().st_mode for each in folders]
    assert host.remove().returncode == 0
    assert [each.stat().st_mode for each in folders] == before
    assert host.files[0].stat().st_mode & 0o777 == 0o640


@pytest.mark.parametrize(
    ("content", "origin"),
    [
        ("mine\n", "written demo"),
        ("mine, changed by hand\n", "plain demo"),
        ("what was there\n", "before"),
    ],
)
def test_file_without_our_header_is_known_by_what_was_kept(host: Host, content: str, origin: str) -> None:
    host.files[0].write_text("what was there\n")
    host.keep()
    host.files[0].write_text("mine\n")  # by an inventory's own template
    written = host.run(load_script("generations.sh"), load_script("written.sh"))
    assert written.returncode == 0, written.stderr
    host.files[0].write_text(content)
    asked = f"origin_of {host.files[0]}\n"
    done = host.run(load_script("generations.sh"), load_script("origins.sh"), asked)
    assert done.stdout.strip() == origin


def test_peers_of_earlier_generations_are_listed_once(host: Host) -> None:
    host.files[1].write_text("vrrp_instance x {\n unicast_peer {\n  192.0.2.12\n  2001:db8::12\n }\n priority 10\n}\n")
    host.keep()
    section = 'section() { echo "@$*"; }\n'
    done = host.run(load_script("generations.sh"), load_script("origins.sh"), section, "origins\n")
    assert done.stdout.split("@kept_peers\n")[1].split() == ["192.0.2.12", "2001:db8::12"]
