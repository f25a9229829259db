"""What a look listens for and asks on the wire, by either family."""

import re
import subprocess
import time
from collections.abc import Callable
from ipaddress import IPv6Address
from pathlib import Path

import pytest
from nornir.core import Nornir
from tests.support.inventories import DUAL, IPV6, OF_IPV6

from nornir_kube_ha.facts.parse_network import MOST_ASIDE, heard
from nornir_kube_ha.facts.wire import group_member, heard_filter, solicitation
from nornir_kube_ha.intent.cluster_rules import MOST_HEARD
from nornir_kube_ha.inventory.load import load_intent
from nornir_kube_ha.ssh.script import assignments, load_script
from nornir_kube_ha.tasks.facts import LOOK

NornirOf = Callable[..., Nornir]


def given(**values: str) -> str:
    """What a look is given: nothing, but for these."""
    return assignments(**dict.fromkeys(LOOK.inputs.split(), "") | {"addresses": "", "watched": ""} | values)


PROMISE = (
    "ip6 proto 58 and ip6[40] = 136 and ip6[48:4] = 0x20010db8 and ip6[52:4] = 0x0 and ip6[56:4] = 0x0"
    " and ip6[60:4] = 0x10"
)


def test_vrrp_is_heard_in_the_family_that_it_is_spoken_in(nornir_of: NornirOf) -> None:
    [cluster] = load_intent(nornir_of(OF_IPV6, group=IPV6)).clusters
    assert heard_filter(cluster) == f"(ip6 proto 112 and ip6[41] = 68) or ({PROMISE})"
    assert group_member(cluster.nodes[0]) == "UDP6-RECV:0,ipv6-join-group=[ff02::12]:eth0"


def test_every_claim_to_a_vip_is_heard(nornir_of: NornirOf) -> None:
    [cluster] = load_intent(nornir_of(group=DUAL)).clusters
    vrrp, *claims = heard_filter(cluster).split(") or (")
    assert vrrp == "(ip proto 112 and ip[((ip[0] & 0xf) << 2) + 1] = 68"
    assert [claim.split(" and")[0] for claim in claims] == [
        *("arp src host 192.0.2.10", "arp src host 192.0.2.20", "ip6 proto 58")
    ]
    assert group_member(cluster.nodes[0]) == "UDP4-RECV:0,ip-add-membership=224.0.0.18:eth0"


def heard_by_script(lines: list[str]) -> str:
    """What probes.sh makes of tcpdump's lines."""
    match = re.search(r"^    hear \| (awk '.*?')$", load_script("probes.sh"), re.MULTILINE | re.DOTALL)
    assert match
    command = ["sh", "-c", f"LC_ALL=C {match[1]}"]
    return subprocess.run(command, input="\n".join(lines), capture_output=True, text=True, check=True).stdout


ADDRESS = "2001:db8:1111:2222:3333:4444:5555:{:04x}"  # none is longer
FROM = "02:07:e7:b0:ee:d5 > 02:09:14:ef:a7:{:02x}, ethertype IPv6 (0x86dd), length 118: "
COUNTED = ["29 packets captured", "32 packets received by filter", "0 packets dropped by kernel"]


def test_what_a_cluster_may_have_goes_through_the_pipe_in_one_piece_however_many_hear_it() -> None:
    adverts = [
        f"{FROM.format(peer)}{ADDRESS.format(0x1111)} > {ADDRESS.format(0x2220 + peer)}: VRRPv3, Advertisement, "
        f"(ttl 64), vrid {200 + number}, prio 180, intvl 4000cs, length 100"
        for number in range(8)
        for peer in range(9)
    ]
    promises = [
        f"{FROM.format(peer)}{ADDRESS.format(0x1111)} > {ADDRESS.format(0x2220 + peer)}: ICMP6, neighbor "
        f"advertisement, tgt is {ADDRESS.format(0x3330 + number)}, length 32"
        for number in range(MOST_HEARD - 8)
        for peer in range(9)
    ]
    text = heard_by_script([*adverts, *promises, *COUNTED])
    assert len(text) < MOST_ASIDE
    found = heard(text)
    assert (len(found.adverts), len(found.answers), found.trouble) == (8, MOST_HEARD - 8, "")


# As socat on a host: keeps where it was to send to, and what.
SOCAT = '#!/bin/sh\necho "$3" >>"$FAKE/to"\ncat >>"$FAKE/sent"\n'


@pytest.fixture
def asked(tmp_path: Path) -> Path:
    """What probes.sh sends when it asks for an address of IPv6, run for real under sh: only socat is not real."""
    (tmp_path / "socat").write_text(SOCAT, encoding="utf-8")
    (tmp_path / "socat").chmod(0o755)
    (tmp_path / "address").write_text("02:07:e7:b0:ee:d5\n", encoding="utf-8")
    script = load_script("probes.sh").replace("/sys/class/net/$INTERFACE/address", f"{tmp_path}/address")
    script = script.replace("PATH=", f"PATH={tmp_path}:").replace("exec 2>/dev/null", "")
    variables = given(
        address="2001:db8::11",
        interface="eth0",
        ask_by_arp="",
        ask_by_ndp=solicitation(IPv6Address("2001:db8::ab:cdef")),
    )
    done = subprocess.run(
        ["sh", "-uc", f"{variables}{script}\nchildren=\nask_for_vip\nwait"],
        env={"FAKE": str(tmp_path)},
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    )
    assert done.stderr == ""
    return tmp_path


def test_a_neighbour_is_solicited_as_rfc_4861_has_it(asked: Path) -> None:
    message = (asked / "sent").read_bytes()
    target, own = IPv6Address("2001:db8::ab:cdef").packed, bytes.fromhex("0207e7b0eed5")
    assert message == (b"\x87" + bytes(7) + target + b"\x01\x01" + own) * 2
    to = (asked / "to").read_text(encoding="utf-8").split()
    assert to == ["IP6-SENDTO:[ff02::1:ffab:cdef%eth0]:58,setsockopt-int=41:18:255"] * 2


def test_the_question_is_one_word_for_the_shell() -> None:
    assert re.fullmatch(r"ff02::1:ff00:10,(\\0[0-3][0-7]{2})+", solicitation(IPv6Address("2001:db8::10")))


TCPDUMP = """#!/bin/sh
echo 'listening on eth0'
for wait in $ADVERTS; do sleep $wait; echo "x > y, 192.0.2.11 > y: VRRPv3, Advertisement, vrid 68, prio 1"; done
exec sleep 30
"""


FAST = "0.02 " * 200
_OTHER = "elements = { 192.0.2.14 . 02:00:00:00:00:01 timeout 10s expires 9s }"
OLD = f"table inet kube_ha_watch {{\n set young {{\n type mark\n flags timeout\n }}\n\n set vrid_68 {{\n {_OTHER}\n }}"


def young(left: str) -> str:
    return OLD.replace("timeout\n }", f"timeout\n elements = {{ 0x00000001 timeout 10s expires {left} }}\n }}")


@pytest.mark.parametrize(
    ("watched", "at_most", "least"),
    [
        ("", 360, 360),
        ("unreadable", 360, 360),
        (OLD, 360, 10),
        (OLD, 1100, 100),  # longer than the kernel remembers
        (young("9s999ms"), 360, 360),
        (young("9s"), 360, 260),
        (young("6s312ms"), 360, 60),
        (young("700ms"), 360, 10),
        (young("700ms"), 1000, 100),
    ],
)
def test_a_whole_look_listens_for_as_long_as_the_kernel_has_not(watched: str, at_most: int, least: int) -> None:
    variables = given(whole="yes", listened="", watched=watched, listen_at_least="10", remembered="1000")
    script = f"{load_script('probes.sh')}{variables}LISTEN_AT_MOST={at_most}\nlistening_times\necho $least\n"
    for listened, expected in (("", least), ("LISTENED=yes\n", 10), ("WHOLE=\n", 10)):
        text = script.replace("listening_times\necho", f"{listened}listening_times\necho")
        done = subprocess.run(["sh", "-uc", text], capture_output=True, text=True, check=True)
        assert done.stdout == f"{expected}\n"


@pytest.mark.parametrize(
    ("adverts", "watched", "most", "least"),
    [
        (FAST, None, 2000, 0.1),  # at a gate: as the inventory says
        ("0.5", None, 2000, 0.5),  # by an older file, less often
        ("", None, 120, 1.2),  # nobody
        (FAST, "", 200, 2.0),  # others are not remembered: a whole look waits for them
    ],
)
def test_a_look_listens_until_it_has_heard_who_there_is(
    tmp_path: Path, adverts: str, watched: str | None, most: int, least: float
) -> None:
    for name, text in (("tcpdump", TCPDUMP), ("socat", "#!/bin/sh\nexec sleep 30\n"), ("arping", "#!/bin/sh\n")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    script = load_script("probes.sh").replace("PATH=/usr/sbin", f"PATH={tmp_path}:/usr/sbin")
    script += given(
        adverts=adverts,
        vrids="68",
        whole="" if watched is None else "yes",
        watched=watched or "",
        listen_at_least="10",
        remembered="1000",
        listen_at_most=str(most),
    )
    begun = time.monotonic()
    done = subprocess.run(["sh", "-uc", f"{script}export ADVERTS\nhear\n"], capture_output=True, text=True, check=False)
    assert least <= time.monotonic() - begun < 15
    assert done.stdout.count("VRRPv3") >= bool(adverts)


def test_a_look_ends_once_each_vrid_was_heard(tmp_path: Path) -> None:
    text = TCPDUMP.replace("for wait", "(sleep 0.6; echo 'x > y: VRRPv3, Advertisement, vrid 69, prio 1') &\nfor wait")
    assert heard_for(tmp_path, text, adverts=FAST, vrids="68 69", listen_at_least="10", listen_at_most="500") >= 0.6


def test_a_look_waits_for_no_further_advert_where_they_are_far_apart(tmp_path: Path) -> None:
    times = {"listen_at_least": "120", "listen_at_most": "900"}
    assert 1.2 <= heard_for(tmp_path, TCPDUMP, adverts="0.1", vrids="68", **times) < 8


def heard_for(folder: Path, tcpdump: str, **variables: str) -> float:
    """For how many seconds a whole look listens, where the kernel remembers other routers."""
    for name, text in (("tcpdump", tcpdump), ("socat", "#!/bin/sh\nexec sleep 30\n"), ("arping", "#!/bin/sh\n")):
        (folder / name).write_text(text, encoding="utf-8")
        (folder / name).chmod(0o755)
    script = load_script("probes.sh").replace("PATH=/usr/sbin", f"PATH={folder}:/usr/sbin")
    script += given(whole="yes", watched=OLD, remembered="1000", **variables)
    begun = time.monotonic()
    subprocess.run(["sh", "-uc", f"{script}export ADVERTS\nhear\n"], capture_output=True, check=False)
    return time.monotonic() - begun


@pytest.mark.parametrize("answers", [0, 1])
def test_a_whole_look_waits_for_the_vips_holder(tmp_path: Path, answers: int) -> None:
    reply = "x > y, ethertype ARP (0x0806), length 42: Reply 192.0.2.10 is-at 02:00:00:00:00:01, length 28"
    answer = f"sleep 0.5; echo '{reply}'\n"
    text = TCPDUMP.replace("for wait", f"(:; {answer * answers}) &\nfor wait")
    times = {"listen_at_least": "10", "listen_at_most": "150"}
    assert (0.5 if answers else 1.5) <= heard_for(tmp_path, text, adverts=FAST, vip="192.0.2.10", **times) < 15


def test_a_look_leaves_no_process_behind(tmp_path: Path) -> None:
    for name, text in (
        ("tcpdump", TCPDUMP),
        ("socat", "#!/bin/sh\nexec sleep 31.5\n"),
        ("arping", "#!/bin/sh\nexec sleep 32.5\n"),
    ):
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o755)
    script = load_script("probes.sh").replace("PATH=/usr/sbin", f"PATH={tmp_path}:/usr/sbin")
    asked = {"address": "192.0.2.11", "ask_by_arp": "192.0.2.10"}
    times = {"listen_at_least": "10", "listen_at_most": "3350", "remembered": "9000"}
    script += given(adverts=FAST, whole="yes", watched=OLD, **asked, **times)
    subprocess.run(["sh", "-uc", f"{script}export ADVERTS\nhear\n"], capture_output=True, check=False)
    for left in ("31.5", "32.5", "33.50"):
        deadline = time.monotonic() + 10
        while subprocess.run(["pgrep", "-f", f"^sleep {left}$"], capture_output=True, check=False).stdout:
            assert time.monotonic() < deadline, left
