"""What differs between what has to pass a host's firewall and what does."""

from collections.abc import Iterable, Iterator

from nornir_kube_ha.firewall.managers import MANAGERS, rules_of
from nornir_kube_ha.firewall.model import FirewallChange, FirewallFact, Opening
from nornir_kube_ha.packetfilter import Ruleset, passage


def firewall_change(needed: Iterable[Opening], fact: FirewallFact, ruleset: Ruleset) -> FirewallChange | None:
    """What a host's firewall has to be told; none if nothing.

    What passes by rules of others needs none of ours. One of ours that something needs stays, whatever others do.

    Arguments:
        needed: what has to pass
        fact: what manages the firewall, and which rules of it are ours
        ruleset: what is in force
    """
    live = fact.live | rules_of(ruleset)
    ours = live | fact.kept
    wanted = tuple(dict.fromkeys(rule for opening in needed for rule in _rules(opening, fact, ruleset, ours)))
    opened = tuple(rule for rule in wanted if not (rule in live and rule in fact.kept))
    closed = tuple(sorted(ours - {*wanted}))
    return FirewallChange(fact.manager, fact.place, wanted, opened, closed) if opened or closed else None


def _rules(opening: Opening, fact: FirewallFact, ruleset: Ruleset, ours: frozenset[str]) -> Iterator[str]:
    candidates = _candidates(opening, fact, ruleset, ours)
    passes = passage(ruleset, opening.packet).verdict == "accept"
    return (rule for rule in candidates if rule in ours or not passes)


def _candidates(opening: Opening, fact: FirewallFact, ruleset: Ruleset, ours: frozenset[str]) -> tuple[str, ...]:
    if fact.manager not in MANAGERS or (fact.manager == "nftables" and not fact.place):
        return ()
    return MANAGERS[fact.manager].rules(opening.packet, ruleset, ours)


def stopped(needed: Iterable[Opening], fact: FirewallFact, ruleset: Ruleset) -> Iterator[str]:
    """What is vital, stopped, and let through by no rule that could be ours: each with the rule that stops it.

    Arguments:
        needed: what has to pass
        fact: what manages the firewall
        ruleset: what is in force
    """
    for opening in (each for each in needed if each.is_vital):
        way = passage(ruleset, opening.packet)
        if way.verdict == "drop" and not _candidates(opening, fact, ruleset, frozenset()):
            yield f"{opening.what}: {way.words}"
