"""Parsers for the sections of `facts.sh` about the network. No I/O."""

import json
import re
import ssl
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from ipaddress import ip_address, ip_interface

from cryptography.x509 import DNSName, SubjectAlternativeName, load_pem_x509_certificate
from cryptography.x509 import IPAddress as AddressName

from nornir_kube_ha.addresses import IPAddress, IPInterface
from nornir_kube_ha.facts.network import (
    NOT_PROBED,
    Advert,
    Answer,
    Certificate,
    Heard,
    Link,
    Listener,
    Probe,
    Reachable,
)
from nornir_kube_ha.intent.names import MOST_REMEMBERED
from nornir_kube_ha.sections import sections_about, whole
from nornir_kube_ha.text import one_line, shortened

MOST_ROUTES = 20_000  # characters; usually a few hundred
MOST_ASIDE = 3000  # characters; `aside` in probes.sh prints no more, and the regular expressions below are slow on more
LONGEST_NAME = 200  # characters
PEM = "-----BEGIN CERTIFICATE-----"
NO_FAILURE = "curl: (0)"
_SOURCE = re.compile(r"^([\da-f.:]{2,45}) .{0,200}?\bsrc ([\da-f.:]{2,45})\b", re.MULTILINE)
_ADVERT = re.compile(
    r"^(\S+) > .*: ([\da-f.:]+) > [\da-f.:-]+: VRRPv\d, Advertisement, .*?vrid (\d+), prio (\d+),", re.MULTILINE
)
_ANSWER = re.compile(r"^\S+ > .*, ethertype ARP .*: Reply (\S+) is-at ([0-9a-f:]+),", re.MULTILINE)
_GRATUITOUS = re.compile(r"^(\S+) > .*, ethertype ARP .*: Request who-has (\S+) (?:\(\S+\) )?tell \2,", re.MULTILINE)

MOST_WATCHED = 100_000  # characters; more than `MOST_REMEMBERED` routers per VRID take
_SET = re.compile(r"(?:set|chain) (?:vrid_(\d{1,3})|\w+) \{")
_ELEMENT = re.compile(r"([\da-f.:]{2,45}) \. ([\da-f:]{17}) ")
_EXCESS = re.compile(
    r"^(heard \d{1,9} different messages, and \d{1,9} are shown|[1-9]\d{0,9} packets? dropped by kernel)$", re.MULTILINE
)

# For IPv6 the hardware address is taken from the Ethernet header.
_NEIGHBOUR = re.compile(r"^(\S+) > .*: ICMP6, neighbor advertisement, .*?tgt is ([\da-f.:]+),", re.MULTILINE)


def addresses(text: str) -> Iterator[tuple[str, IPInterface]]:
    """Yield interface name and address of each IPv4 and IPv6 address.

    Arguments:
        text: output of `ip -json address`
    """
    for link in json.loads(text):
        for info in link.get("addr_info", ()):
            if info["family"] in {"inet", "inet6"}:
                yield link["ifname"], ip_interface(f"{info['local']}/{info['prefixlen']}")


def links(text: str) -> Iterator[tuple[str, Link]]:
    """Yield name and state of each interface.

    Arguments:
        text: output of `ip -json address`
    """
    for link in json.loads(text):
        yield link["ifname"], Link(link.get("address", ""), {"UP", "LOWER_UP"} <= set(link["flags"]))


def listeners(text: str) -> Iterator[Listener]:
    """Parse the listening TCP sockets.

    Arguments:
        text: output of `ss`
    """
    for line in text.splitlines():
        _state, _received, _sent, local, _peer, *rest = line.split()
        address, _, port = local.rpartition(":")
        process = re.search(r'"([^"]+)"', " ".join(rest))
        yield Listener(address, whole(port), process[1] if process else "")


def sources(text: str) -> Iterator[tuple[str, IPAddress]]:
    """Yield destination and source address of each route.

    Arguments:
        text: output of `ip -oneline route get`, one line per destination
    """
    for to, source in _SOURCE.findall(text[:MOST_ROUTES]):
        yield to, ip_address(source)


def heard(text: str, watched: str = "") -> Heard:
    """Parse the traffic that tcpdump heard, and the routers that the kernel remembers.

    Arguments:
        text: output of tcpdump, without repeated lines
        watched: the kernel's sets of routers, as nft lists them
    """
    text = text[:MOST_ASIDE]
    adverts = {
        Advert(ip_address(source), mac, whole(virtual_router_id), whole(priority))
        for mac, source, virtual_router_id, priority in _ADVERT.findall(text)
    }
    known = {(each.source, each.mac, each.virtual_router_id) for each in adverts}
    remembered = [*_remembered(watched[:MOST_WATCHED])]
    adverts |= {Advert(*each, None) for each in remembered if each not in known}
    unasked = (*_GRATUITOUS.findall(text), *_NEIGHBOUR.findall(text))
    answers = [*_ANSWER.findall(text), *((address, mac) for mac, address in unasked)]
    trouble = (
        "" if re.search(r"^\d+ packets? captured$", text, re.MULTILINE) else text.strip() or "tcpdump printed nothing"
    )
    found = _EXCESS.search(text)
    excess = found[0] if found else _forgotten(remembered)
    told = frozenset(Answer(ip_address(address), mac) for address, mac in answers)
    return Heard(frozenset(adverts), told, trouble, "" if trouble else excess)


def _forgotten(remembered: Iterable[tuple[IPAddress, str, int]]) -> str:
    counts = Counter(virtual_router_id for *_, virtual_router_id in remembered)
    full = [str(each) for each, count in counts.items() if count >= MOST_REMEMBERED]
    return f"the kernel records at most {MOST_REMEMBERED} routers of VRID {', '.join(full)}" if full else ""


def _remembered(text: str) -> Iterator[tuple[IPAddress, str, int]]:
    """Yield source, hardware address and VRID of each router in the kernel's sets, which forget after ten seconds."""
    virtual_router_id = ""
    for line in text.splitlines():
        if found := _SET.search(line):
            virtual_router_id = found[1] or ""
        elif virtual_router_id:
            for source, mac in _ELEMENT.findall(line):
                yield ip_address(source), mac, whole(virtual_router_id)


def reachable(sections: Mapping[str, str]) -> Reachable:
    """Parse the results of the host's probes."""
    return Reachable(
        ping=sections["ping"] == "answered" if "ping" in sections else None,
        readyz=_probe(sections.get("readyz")),
        version=_probe(sections.get("version")),
        stats_open=_probe(sections.get("stats_open")),
        stats_login=_probe(sections.get("stats_login")),
        peers={address: _probe(body) for (address,), body in sections_about("peer", sections)},
        certificates={address: _certificate(body) for (address,), body in sections_about("certificate", sections)},
        silent=tuple(address for (address,), body in sections_about("also_ping", sections) if body != "answered"),
        additional={address: _probe(body) for (address,), body in sections_about("also_readyz", sections)},
        listeners={place: body.strip() for (place,), body in sections_about("listener", sections)},
    )


def _probe(text: str | None) -> Probe:
    """Parse curl's output: an error message or the body, then `status NUMBER`."""
    if text is None:
        return NOT_PROBED
    words, found, number = text.rpartition("status ")
    if not (found and number.isdecimal()):
        return Probe(0, text.strip() or "curl printed nothing")
    status = whole(number)
    words = words.strip().removeprefix(NO_FAILURE).strip()
    return Probe(status, "" if status else words, words if status else "")


def _certificate(text: str) -> Certificate:
    text = text[:MOST_ASIDE]
    verification = re.search(r"^verify=(.*)$", text, re.MULTILINE)
    verdict = verification[1] if verification else ""
    if (start := text.find(PEM)) >= 0:
        return Certificate(verdict, *_of_pem(text[start:]))
    expires = re.search(r"^notAfter=(.*)$", text, re.MULTILINE)
    names = re.search(r"Subject Alternative Name:.*\n *(.*)$", text, re.MULTILINE)
    issuer = re.search(r"^issuer=(.*)$", text, re.MULTILINE)
    return Certificate(
        verdict,
        _time(expires[1]) if expires else None,
        tuple(names[1].split(", ")) if names else (),
        _shown(issuer[1]) if issuer else "",
    )


def _of_pem(text: str) -> tuple[float | None, tuple[str, ...], str]:
    """Return when a certificate expires, its names as OpenSSL writes them, and its issuer.

    The names are like `DNS:lb-1` and `IP Address:192.0.2.11`.
    """
    expires, issuer = None, ""
    try:  # the certificate comes from an unverified server: a malformed one must not break the whole look
        found = load_pem_x509_certificate(text.encode())
        expires, issuer = found.not_valid_after_utc.timestamp(), _shown(found.issuer.rfc4514_string())
        names = found.extensions.get_extension_for_class(SubjectAlternativeName).value
        addresses = [f"IP Address:{address}" for address in names.get_values_for_type(AddressName)]
        return expires, (*(f"DNS:{name}" for name in names.get_values_for_type(DNSName)), *addresses), issuer
    except Exception:  # noqa: BLE001
        return expires, (), issuer


def _shown(name: str) -> str:
    """Return the name of an issuer, which an unverified server chose."""
    return shortened(one_line(name), LONGEST_NAME)


def _time(text: str) -> float | None:
    """Parse OpenSSL's `notAfter` time; return None if it is malformed."""
    try:
        return float(ssl.cert_time_to_seconds(text))
    except ValueError:
        return None
