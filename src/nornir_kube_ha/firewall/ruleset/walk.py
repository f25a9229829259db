"""Follow a packet through chains, rules and statements."""

from dataclasses import dataclass, replace

from nornir_kube_ha.firewall.ruleset.fields import PACKET, View
from nornir_kube_ha.firewall.ruleset.logic import Truth
from nornir_kube_ha.firewall.ruleset.matching import Sets, compare, elements, is_absent
from nornir_kube_ha.firewall.ruleset.outcome import ANYWHERE, Outcome, certain, either, in_turn
from nornir_kube_ha.firewall.ruleset.ruleset import Chain, Rule, Table
from nornir_kube_ha.firewall.ruleset.statements import CONDITIONS, NEUTRAL, REWRITTEN, Extension, described, extension
from nornir_kube_ha.firewall.ruleset.values import Value, holds

CONNTRACK = -200  # NF_IP_PRI_CONNTRACK; conntrack is in the hooks prerouting and output
MAX_JUMPS = 16  # NFT_JUMP_STACK_SIZE


@dataclass(frozen=True, slots=True)
class _Place:
    """A rule and its location."""

    table: Table
    chain: Chain
    rule: Rule

    def __str__(self) -> str:
        comment = f' "{self.rule.comment}"' if self.rule.comment else ""
        return f"rule {self.rule.handle}{comment} of chain {self.chain.name}, {self.table}"

    def untold(self, statement: object) -> str:
        return f"{self} depends on something unknown here: {described(statement)}"


class Walk:
    """One packet's walk through one ruleset. A chain is walked once for each view of the packet.

    Arguments:
        view: the packet as it comes
    """

    def __init__(self, view: View) -> None:
        self.view = view
        self.known: dict[tuple[str, str, str, View], Outcome] = {}
        self.depth = 0

    def base_chain(self, table: Table, chain: Chain) -> Outcome:
        """Return the outcome of a base chain: `accept`, `drop` or both."""
        first = chain.hook in {"prerouting", "output"}
        self.view = replace(self.view, tracked=not first or chain.priority > CONNTRACK)
        policy = certain(chain.policy, f"policy {chain.policy} of chain {chain.name}, {table}")
        outcome = self._rules(table, chain, policy).then("return", policy)
        if table.dormant is None:
            asleep = certain("accept", f"{table} is dormant")
            return either(f"whether {table} is dormant", "return", "rule").then("rule", outcome).then("return", asleep)
        return outcome

    @property
    def is_sure_of_packet(self) -> bool:
        """Whether the packet is still the original one: False once a rule may have redirected it."""
        return PACKET not in self.view.changed

    def _chain(self, table: Table, name: str) -> Outcome:
        key = (table.family, table.name, name, self.view)
        if key not in self.known:
            self.known[key] = self._jump(table, name)
        return self.known[key]

    def _jump(self, table: Table, name: str) -> Outcome:
        if name not in table.chains:
            return self._anything(f"chain {name}, {table}, is not listed")
        if self.depth > MAX_JUMPS:
            return self._anything(f"chain {name}, {table}, jumps to itself, or jumps are nested too deep")
        return self._rules(table, table.chains[name], certain("return"))

    def _rules(self, table: Table, chain: Chain, behind: Outcome) -> Outcome:
        self.depth += 1
        outcome = in_turn((self._rule(_Place(table, chain, rule)) for rule in chain.rules), "rule", behind)
        self.depth -= 1
        return outcome

    def _rule(self, place: _Place) -> Outcome:
        statements = place.rule.statements
        steps = (
            self._statement(place, statement, is_last=number == len(statements))
            for number, statement in enumerate(statements, 1)
        )
        return in_turn(steps, "statement", certain("rule"))

    def _statement(self, place: _Place, statement: object, *, is_last: bool) -> Outcome:
        outcome = None
        match statement:
            case {"match": {"op": str(operation), "left": left, "right": right}}:
                truth = compare(operation, self.view.value(left), right, self._sets(place.table))
                outcome = _if(truth, place.untold(left))
            case {"vmap": {"key": key, "data": data}}:
                outcome = self._verdict_map(place, key, data)
            case {"xt": body}:
                outcome = self._extension(place, statement, extension(body, is_last=is_last))
            case {"set": {"set": str(name), **options}}:
                outcome = self._update(place, name, options.get("stmt", []))
            case {"mangle": {"key": key}}:
                outcome = self._write(place, key)
            case {**entries} if len(entries) == 1:
                ((kind, body),) = entries.items()
                outcome = self._verdict(place, str(kind), body) or self._effect(place, str(kind))
        return outcome or self._anything(place.untold(statement))

    def _verdict(self, place: _Place, kind: str, body: object) -> Outcome | None:
        outcome = None
        match kind, body:
            case "accept", _:
                outcome = certain("accept", f"{place}")
            case "drop", _:
                outcome = certain("drop", f"{place}")
            case "return", _:
                outcome = certain("return")
            case "continue", _:
                outcome = certain("statement")
            case "jump", {"target": str(target)}:
                outcome = self._chain(place.table, target).then("return", certain("rule"))
            case "goto", {"target": str(target)}:
                outcome = self._chain(place.table, target)
        return outcome

    def _effect(self, place: _Place, kind: str) -> Outcome | None:
        outcome = None
        match kind:
            case "reject":
                outcome = certain("drop", f"{place}, which rejects it")
            case "notrack":
                outcome = self._changes("ct")
            case "snat" | "masquerade":
                self._changes("saddr")
                outcome = certain("accept", f"{place}")
            case _ if kind in CONDITIONS:
                outcome = either(place.untold({kind: None}), "statement", "rule")
            case _ if kind in NEUTRAL:
                outcome = certain("statement")
        return outcome

    def _verdict_map(self, place: _Place, key: object, data: object) -> Outcome:
        value, listed = self.view.value(key), elements(data, self._sets(place.table))
        if is_absent(value):
            return certain("rule")
        if listed is None:
            return self._anything(place.untold({"vmap": data}))
        parts = (self._element(place, key, value, pair) for pair in sorted(listed, key=_is_catch_all))
        return in_turn(parts, "element", certain("rule"))

    def _element(self, place: _Place, key: object, value: Value, pair: object) -> Outcome:
        match pair:
            case [element, {**verdict}] if len(verdict) == 1:
                truth = holds(element, value)
                if truth is False:
                    return certain("element")
                ((kind, body),) = verdict.items()
                decided = self._verdict(place, str(kind), body) or self._anything(place.untold(verdict))
                return (
                    decided if truth else either(place.untold(key), "element", "statement").then("statement", decided)
                )
        doubt = place.untold({"vmap": None})
        return either(doubt, "element", "rule").then("rule", self._anything(doubt))

    def _extension(self, place: _Place, statement: object, kind: Extension) -> Outcome:
        match kind:
            case "neutral":
                return certain("statement")
            case "marks":
                return self._changes("mark", "ct")
            case "reject":
                return certain("drop", f"{place}, which rejects it")
            case "match":
                return either(place.untold(statement), "statement", "rule")
        return self._anything(place.untold(statement))

    def _update(self, place: _Place, name: str, nested: object) -> Outcome:
        """Return the outcome of adding the packet to a set.

        The set's contents are unknown from here on: a full set does not take the packet.
        """
        self._changes(name)
        counts = isinstance(nested, list) and all(isinstance(each, dict) and each.keys() <= NEUTRAL for each in nested)
        return certain("statement") if counts else either(place.untold({"set": name}), "statement", "rule")

    def _write(self, place: _Place, key: object) -> Outcome:
        match key:
            case {"meta": {"key": "mark"}}:
                return self._changes("mark")
            case {"payload": {"field": str(name)}} if name not in REWRITTEN:
                return certain("statement")
            case {"payload": _}:
                return self._anything(place.untold(key))
            case {"tcp option": _}:  # nft ends the rule if the packet lacks the option
                return either(place.untold(key), "statement", "rule")
        return certain("statement")

    def _anything(self, doubt: str) -> Outcome:
        """Return the outcome of a statement that is not understood; it may also translate addresses."""
        self._changes(PACKET, "mark", "ct")
        return either(doubt, *ANYWHERE)

    def _changes(self, *names: str) -> Outcome:
        self.view = self.view.but(*names)
        return certain("statement")

    def _sets(self, table: Table) -> Sets:
        changed = {name[1:] for name in self.view.changed if name.startswith("@")}
        return {name: held for name, held in table.sets.items() if name not in changed} if changed else table.sets


def _if(truth: Truth, doubt: str) -> Outcome:
    if truth is None:
        return either(doubt, "statement", "rule")
    return certain("statement" if truth else "rule")


def _is_catch_all(pair: object) -> bool:
    match pair:
        case ["*" | {"elem": {"val": "*"}}, _]:
            return True
    return False
