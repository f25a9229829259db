"""What loads.sh makes of a unit: the command that systemd would start, and the files that this reads."""

import subprocess
from pathlib import Path

import pytest

from nornir_kube_ha.ssh.script import assignments, load_script

DEBIAN = """\
ExecStart={ path=/usr/sbin/haproxy ; argv[]=/usr/sbin/haproxy -Ws -f $CONFIG -p $PIDFILE $EXTRAOPTS ; ignore_errors=no }
Environment=CONFIG=/etc/haproxy/haproxy.cfg PIDFILE=/run/haproxy.pid "EXTRAOPTS=-S /run/haproxy-master.sock"
EnvironmentFiles={file} (ignore_errors=yes)
EnvironmentFiles=/nonexistent (ignore_errors=yes)
"""
PROGRAM = "/usr/sbin/haproxy"
WORDS = [PROGRAM, "-Ws", "-f", "/etc/haproxy/haproxy.cfg", "-p", "/run/haproxy.pid", "-S", "/run/haproxy-master.sock"]
OURS = "/etc/haproxy/haproxy.cfg"


def run(call: str, **variables: str) -> list[str]:
    script = f"{assignments(**variables)}{load_script('loads.sh')}{call}\n"
    done = subprocess.run(["sh", "-u", "-s"], input=script, capture_output=True, text=True, check=True)
    return done.stdout.splitlines()


def started(shown: str, folder: Path, environment: str = "") -> list[str]:
    (folder / "default").write_text(environment)
    return run('start_words "$SHOWN"', shown=shown.replace("{file}", str(folder / "default")))


def test_variables_of_a_unit_are_replaced(tmp_path: Path) -> None:
    assert started(DEBIAN, tmp_path) == WORDS


@pytest.mark.parametrize(
    ("environment", "changed"),
    [
        ("CONFIG=/srv/lb.cfg\n", {"/etc/haproxy/haproxy.cfg": ["/srv/lb.cfg"]}),
        ('CONFIG="/srv/lb.cfg"\n', {"/etc/haproxy/haproxy.cfg": ["/srv/lb.cfg"]}),
        ("  CONFIG = x\n", {}),  # systemd takes no blank in a name: the line is for nobody
        ("# CONFIG=/srv/lb.cfg\n; CONFIG=/srv/lb.cfg\n", {}),
        ("export CONFIG=/srv/lb.cfg\n", {}),
        ("CONFIG=/srv/\\\nlb.cfg\r\n", {"/etc/haproxy/haproxy.cfg": ["/srv/lb.cfg"]}),
        ("CONFIG=\n", {"/etc/haproxy/haproxy.cfg": []}),
        (
            "EXTRAOPTS='-f /etc/haproxy/conf.d -m 16'\n",
            {"-S": ["-f"], "/run/haproxy-master.sock": ["/etc/haproxy/conf.d", "-m", "16"]},
        ),
    ],
)
def test_environment_file_changes_the_command(tmp_path: Path, environment: str, changed: dict[str, list[str]]) -> None:
    expected = [word for old in WORDS for word in changed.get(old, [old])]
    assert started(DEBIAN, tmp_path, environment) == expected


def test_a_variable_in_braces_is_one_word(tmp_path: Path) -> None:
    shown = 'ExecStart={ path=/k ; argv[]=/k x${A}y $A $NONE ; ignore_errors=no }\nEnvironment="A=1 2"\n'
    assert started(shown, tmp_path) == ["/k", "x1 2y", "1", "2"]


def test_a_unit_that_systemd_does_not_know_has_no_command(tmp_path: Path) -> None:
    assert started("Environment=\n", tmp_path) == []


def test_an_endless_environment_file_is_not_read_to_its_end(tmp_path: Path) -> None:
    assert started(DEBIAN, tmp_path, "X=" + "y" * 200_000 + "\nCONFIG=/late\n") == WORDS


@pytest.mark.parametrize(
    ("daemon", "words", "named"),
    [
        ("haproxy", "/usr/sbin/haproxy\n-Ws\n-f\n/a\n-f\n/b\n--\n/c\n/d", ["/a", "/b", "/c", "/d"]),
        ("haproxy", "/usr/sbin/haproxy\n-Ws", []),
        ("keepalived", "/usr/sbin/keepalived\n--dont-fork", ["/etc/keepalived/keepalived.conf"]),
        ("keepalived", "/usr/sbin/keepalived\n-n\n-f\n/a", ["/a"]),
        ("keepalived", "/usr/sbin/keepalived\n-f/a", ["/a"]),
        ("keepalived", "/usr/sbin/keepalived\n--use-file=/a", ["/a"]),
        ("keepalived", "/usr/sbin/keepalived\n--use-file\n/a", ["/a"]),
    ],
)
def test_files_that_a_command_names(daemon: str, words: str, named: list[str]) -> None:
    assert run('named_files "$DAEMON" "$WORDS"', daemon=daemon, words=words) == named


def paths(lines: list[str]) -> list[str]:
    return [line.partition(" ")[2] for line in lines]


def test_folders_and_included_files_are_read_too(tmp_path: Path) -> None:
    folder = tmp_path / "conf.d"
    folder.mkdir()
    for name in ("b.cfg", "a.cfg", "c.txt"):
        (folder / name).touch()
    call = 'loaded_files "$DAEMON" "$WORDS" "$OURS"'
    words = f"haproxy\n-f\n{OURS}\n-f\n{folder}"
    assert paths(run(call, daemon="haproxy", words=words, ours=OURS)) == [
        OURS,
        f"{folder}/a.cfg",
        f"{folder}/b.cfg",
    ]
    conf = tmp_path / "keepalived.conf"
    conf.write_text("include conf.d/*.txt\n\tincludew /none/*.conf\n#include x\n")
    lines = run(call, daemon="keepalived", words=f"keepalived\n-f\n{conf}", ours=str(conf))
    assert paths(lines) == [str(conf), f"{folder}/c.txt"]
    assert all(line.partition(" ")[0].isdecimal() for line in lines)


def test_the_same_file_through_a_linked_folder_is_kube_ha_s(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    ours = tmp_path / "linked" / "haproxy.cfg"
    (tmp_path / "linked").symlink_to("real")
    ours.touch()
    words = f"haproxy\n-f\n{tmp_path}/real/haproxy.cfg"
    call = 'loaded_files haproxy "$WORDS" "$OURS"'
    assert paths(run(call, words=words, ours=str(ours))) == [str(ours)]


def test_what_a_link_in_our_place_leads_to_is_another_file(tmp_path: Path) -> None:
    """A rename would replace the link, and the daemon would go on with the file that it led to."""
    real, ours = tmp_path / "lb.cfg", tmp_path / "haproxy.cfg"
    real.touch()
    ours.symlink_to("lb.cfg")
    call = 'loaded_files haproxy "$WORDS" "$OURS"'
    assert paths(run(call, words=f"haproxy\n-f\n{real}", ours=str(ours))) == [str(real)]


def test_what_haproxy_adds_when_it_reloads_is_left_out(tmp_path: Path) -> None:
    program = tmp_path / "program"
    program.write_text("#!/bin/sh\nsleep 60\n")
    program.chmod(0o755)
    words = ["-sf", "12", "13", "-x", "sockpair@3", "-Ws", "-f", OURS]
    process = subprocess.Popen([program, *words])
    try:
        assert run('running_words "$MAIN"', main=str(process.pid))[-3:] == ["-Ws", "-f", OURS]
    finally:
        process.kill()
        process.wait()
    assert run("running_words 0") == []


def test_a_program_that_was_replaced_on_disk_is_named(tmp_path: Path) -> None:
    program = tmp_path / "sleep"
    program.write_bytes(Path("/bin/sleep").read_bytes())
    program.chmod(0o755)
    process = subprocess.Popen([program, "60"])
    try:
        assert run('replaced_files "$MAIN"', main=str(process.pid)) == []
        program.unlink()
        assert run('replaced_files "$MAIN"', main=str(process.pid)) == [str(program)]
    finally:
        process.kill()
        process.wait()


@pytest.mark.parametrize("starts", [("haproxy", "keepalived"), ("haproxy", ""), ("", "keepalived"), ("", "")])
def test_look_takes_neither_units_command_for_the_others(starts: tuple[str, str]) -> None:
    blocks = [
        f"ExecStart={{ path=/{name} ; argv[]=/{name} -x ; ignore_errors=no ; }}" if name else "" for name in starts
    ]
    facts = load_script("facts.sh")
    script = (
        f"NONCE=n\n{load_script('section.sh')}{load_script('probes.sh')}{load_script('loads.sh')}"
        + facts[facts.index("units() {") : facts.index("# UNIT SHOWN CONFIGURATION STARTS")]
        + f'HAPROXY_SHOWN="${{NEWLINE}}{blocks[0]}" KEEPALIVED_SHOWN="${{NEWLINE}}{blocks[1]}"\n'
        + "unit() { printf '%s:%s;' \"$1\" \"$4\" | tr '\\n' ' '; }\nunits | tail -n 1\n"
    )
    done = subprocess.run(["sh", "-uc", script], capture_output=True, text=True, check=True)
    said = done.stdout[done.stdout.index("haproxy:") :]
    haproxy, keepalived = (f"/{name} -x" if name else "" for name in starts)
    assert said == f"haproxy:{haproxy};keepalived:{keepalived};"
