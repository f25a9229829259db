"""Say in the inventory's words what a host's keepalived does, and note what the inventory cannot express."""

from collections.abc import Iterable, Iterator
from ipaddress import ip_address

from pydantic import SecretStr

from nornir_kube_ha.addresses import IPAddress
from nornir_kube_ha.adoption.draft import Draft, refusal
from nornir_kube_ha.adoption.note import Place
from nornir_kube_ha.adoption.routers import Conf, RouterSeen
from nornir_kube_ha.daemons.keepalived_conf import ADVERTISED, EXCLUDED, PEERS, Statement
from nornir_kube_ha.errors import AdoptionError
from nornir_kube_ha.intent.keepalived import PROTOCOL_MISSES, QUICK

AUTH_PASS = "keepalived.auth_pass"  # noqa: S105 - the key's name
MOST_OF_A_PASSWORD = 8  # characters; keepalived ignores the rest (RFC 2338, 5.3.6.1)
SAID = frozenset(
    {
        *("state", "priority", "interface", "virtual_router_id", "advert_int", "nopreempt", "preempt", "version"),
        *("dont_track_primary", "garp_master_refresh", "unicast_src_ip", "mcast_src_ip", "down_timer_adverts"),
        *("higher_prio_send_advert", "authentication", "track_script", PEERS, ADVERTISED, EXCLUDED),
    }
)
"""Keywords of an instance that have a place in the inventory, or that kube-ha writes itself."""
OURS = frozenset({"router_id", "vrrp_version", "script_user", "enable_script_security", "vrrp_check_unicast_src"})
ENDS = {
    "notify_master": "the script is not run any more",
    "notify_backup": "the script is not run any more",
    "notify_fault": "the script is not run any more",
    "notify": "the script is not run any more: kube-ha has one of its own, which tells clients that the VIP has moved",
    "smtp_alert": "keepalived sends no mail about it",
    "notification_email": "keepalived sends no mails",
    "track_interface": "a fault of these interfaces no longer moves the VIP",
    "track_file": "these files no longer move the VIP",
    "virtual_routes": "these routes are not set any more",
    "virtual_rules": "these rules are not set any more",
    "vrrp_strict": "it is left out: it forbids unicast peers, and drops packets to the VIP",
}
OUR_SCRIPTS = "/etc/keepalived/kube-ha-"
OUR_FILES = "/run/kube-ha/"
MAILS = frozenset({"smtp_server", "smtp_connect_timeout", "smtp_alert", "notification_email_from", "smtp_helo_name"})


def say_keepalived(draft: Draft, conf: Conf, main: RouterSeen) -> None:
    """Put into a draft what keepalived does.

    Arguments:
        draft: of the host
        conf: its keepalived.conf files
        main: the instance of the cluster's first virtual router

    Raises:
        AdoptionError: the instance has no VRID or interface
    """
    instance = main.instance
    interface = instance.value("interface") or draft.running.interface_of(_source(main) or main.vips[0].ip)
    if not main.vrid or not interface:
        words = f"vrrp_instance {instance.name} ({main.place}) has no valid virtual_router_id or no interface"
        raise AdoptionError(draft.running.name, words)
    draft.say("interface", interface, main.where("interface"))
    _say_address(draft, main, interface)
    versions = [line for each in conf.all("global_defs") for line in each.block if line.keyword == "vrrp_version"]
    _say_timers(draft, main, conf.place(versions[-1]) if versions else None)
    _say_authentication(draft, main)
    _say_flag(draft, "keepalived.unicast", PEERS, main, words="no unicast_peer")
    _say_flag(draft, "keepalived.dont_track_primary", "dont_track_primary", main)
    _say_globals(draft, conf, is_unicast=instance.is_unicast)
    _keep_lines(draft, conf, main)
    _note_rest(draft, conf)


def _say_flag(draft: Draft, key: str, keyword: str, main: RouterSeen, words: str = "") -> None:
    is_there = any(True for _ in main.lines(keyword))
    if is_there or words:
        draft.say(key, is_there, main.where(keyword), "" if is_there else f"{words} at {main.place}")


def _source(main: RouterSeen) -> IPAddress | None:
    word = main.instance.value("unicast_src_ip") or main.instance.value("mcast_src_ip")
    try:
        return ip_address(word)
    except ValueError:
        return None


def _say_address(draft: Draft, main: RouterSeen, interface: str) -> None:
    """Put the node's own address into a draft: the one that adverts come from, of the first VIP's family."""
    if source := _source(main):
        draft.say("address", str(source), main.where("unicast_src_ip", "mcast_src_ip"))
        return
    vip = main.vips[0]
    own = [each for name, each in draft.running.addresses if name == interface and each.version == vip.version]
    own = [each for each in own if each.ip not in main.addresses and not refusal("address", str(each.ip))]
    near = sorted(own, key=lambda each: vip.ip not in each.network)
    if near:
        draft.say("address", str(near[0].ip), None, f"on {interface}")


def _say_timers(draft: Draft, main: RouterSeen, version_place: Place | None) -> None:
    instance, version = main.instance, main.instance.spoken_version
    words = "" if instance.vrrp_version else "keepalived's default"
    place = main.where("version") if instance.value("version") else version_place or main.place
    draft.say("keepalived.vrrp_version", int(version) if version.isdecimal() else 0, place, words)
    interval = instance.value("advert_int")
    seconds = number(interval or "1")
    draft.say("keepalived.advert_int", seconds, main.where("advert_int"), "" if interval else "keepalived's default")
    misses = number(instance.value("down_timer_adverts"))
    if isinstance(misses, int):
        draft.say("keepalived.down_timer_adverts", misses, main.where("down_timer_adverts"))
    elif isinstance(seconds, int | float) and seconds < QUICK:
        draft.say("keepalived.down_timer_adverts", PROTOCOL_MISSES, None, "VRRP's own")
    refresh = number(instance.value("garp_master_refresh"))
    if isinstance(refresh, int):
        draft.say("keepalived.garp_master_refresh", refresh, main.where("garp_master_refresh"))


def number(word: str) -> object:
    """Return a number as the inventory has it; the word itself if it is not a number."""
    try:
        value = float(word)
    except ValueError:
        return word
    return int(value) if value.is_integer() and abs(value) < 2**31 else value


def _say_authentication(draft: Draft, main: RouterSeen) -> None:
    kind, password = main.instance.authentication
    if not kind and not password:
        return
    if main.instance.spoken_version != "2":
        words = "VRRP version 3 has none: keepalived ignored it, and it is left out"
        draft.change("`authentication`", words, main.where("authentication"))
        return
    place = main.where("authentication")
    secret = SecretStr(password[:MOST_OF_A_PASSWORD])
    if kind != "PASS" or refusal(AUTH_PASS, secret):
        words = "nodes with it and nodes without it do not hear each other: deploy with --accept-outage"
        draft.end(f"`authentication` of type {kind}", words, place)
        return
    draft.secrets[AUTH_PASS] = secret
    draft.say(AUTH_PASS, secret, place)


def _say_globals(draft: Draft, conf: Conf, *, is_unicast: bool) -> None:
    kept: list[Statement] = []
    for line in (line for each in conf.all("global_defs") for line in each.block):
        if line.keyword == "router_id":
            draft.say("keepalived.router_id", line.argument, conf.place(line))
        elif line.keyword in ENDS or line.keyword in MAILS or line.block:
            effect = ENDS.get(line.keyword, "keepalived sends no mails" if line.keyword in MAILS else "it is left out")
            draft.end(f"`{line.keyword}` of global_defs", effect, conf.place(line))
        elif line.keyword not in OURS or (line.keyword == "vrrp_check_unicast_src" and not is_unicast):
            kept.append(line)
    _say_lines(draft, conf, "keepalived.global_lines", kept)


def _keep_lines(draft: Draft, conf: Conf, main: RouterSeen) -> None:
    kept: list[Statement] = []
    for line in main.instance.statement.block:
        if line.keyword in SAID or _is_ours(line):
            continue
        if line.keyword in ENDS or line.block:
            what = f"`{line.keyword}` of vrrp_instance {main.instance.name}"
            draft.end(
                what, ENDS.get(line.keyword, "it has no place in the inventory, and is left out"), conf.place(line)
            )
        else:
            kept.append(line)
    _say_lines(draft, conf, "keepalived.instance_lines", kept)


def _is_ours(line: Statement) -> bool:
    """Return whether kube-ha writes this line itself."""
    names = ("haproxy_down", "vip_released", "vip_wanted")
    is_file = line.keyword == "track_file" and all(each.keyword.startswith(names) for each in line.block)
    return is_file or (line.keyword == "notify" and line.argument.startswith(OUR_SCRIPTS))


def _say_lines(draft: Draft, conf: Conf, key: str, lines: Iterable[Statement]) -> None:
    found = {" ".join(line.words): line for line in lines}
    usable = {text: line for text, line in found.items() if not refusal(key, (text,))}
    if usable:
        draft.say(key, tuple(usable), conf.place(next(iter(usable.values()))))
    for text, line in found.items():
        if text not in usable:
            draft.end(f"`{line.keyword}`", "it holds a quote or a brace, and is left out", conf.place(line))


def _note_rest(draft: Draft, conf: Conf) -> None:
    """Note what stands outside of instances and has no place in the inventory."""
    for each in conf.all("virtual_server", "virtual_server_group", "static_ipaddress", "static_routes", "static_rules"):
        words = " ".join(each.words[:3])
        draft.end(words, "it has no place in the inventory yet: a deploy would end it", conf.place(each))
    for each in conf.all("vrrp_track_process", "vrrp_track_file", "track_file", "bfd_instance"):
        if not any(line.argument.startswith(OUR_FILES) for line in each.block):
            draft.end(" ".join(each.words[:2]), "it no longer moves the VIP", conf.place(each))


def say_checks(draft: Draft, conf: Conf, routers: Iterable[RouterSeen], *, is_ours: bool) -> None:
    """Put the check of haproxy into a draft: kube-ha's own scripts take the place of those that are tracked.

    Arguments:
        draft: of the host
        conf: its keepalived.conf files
        routers: the host's virtual routers
        is_ours: whether kube-ha wrote the file
    """
    scripts = {each.argument: each for each in conf.all("vrrp_script")}
    tracked = [line.keyword for router in routers for each in router.lines("track_script") for line in each.block]
    if is_ours:
        _say_own(draft, conf, scripts, tracked)
        return
    names = [name for name in dict.fromkeys(tracked) if name in scripts]
    for name in names:
        script = scripts[name]
        command, values = conf.whole.scripts[name], dict(_values(script))
        every = f"every {values.get('interval', '1')} s"
        shown = " ".join(command.split()[:3])  # a longer command may hold a password
        what = f"vrrp_script {name} (`{shown}` {every}, weight {values.get('weight', '0')})"
        draft.change(what, _replaced(command), conf.place(script))
    if not names:
        words = "keepalived now watches haproxy: a node without it gives the VIP up at once"
        draft.change("no tracked script", words)


def _values(script: Statement) -> Iterator[tuple[str, str]]:
    return ((line.keyword, line.argument) for line in script.block)


def _replaced(command: str) -> str:
    if "haproxy" in command:
        return "it is replaced: a haproxy that ends moves the VIP at once, by any priorities; one that hangs within 2 s"
    words = "it is replaced by kube-ha's own, which watches haproxy, and whether haproxy sees an apiserver"
    return f"{words}. To go on with this one: keepalived.check.script"


def _say_own(draft: Draft, conf: Conf, scripts: dict[str, Statement], tracked: list[str]) -> None:
    """Put into a draft what a file that kube-ha wrote says of its scripts and features."""
    script = scripts.get("check-haproxy")
    values = dict(_values(script)) if script else {}
    command = conf.whole.scripts.get("check-haproxy", "")
    place = conf.place(script) if script else None
    if command:
        draft.say("keepalived.check.script", command, place)
    for name in ("interval", "timeout", "fall", "rise", "weight"):
        if name in values:
            draft.say(f"keepalived.check.{name}", number(values[name]), place)
    draft.say("keepalived.events", conf.whole.tracks_files, place)
    draft.say("keepalived.tickle", "remember-clients" in tracked, place)
    if "check-apiservers" not in tracked:
        draft.say("keepalived.yield_when_blind", value=False, place=place)
        draft.say("haproxy.shutdown_sessions", value=False, place=place)
