"""A trial in sentences: the content of its timeline for those who cannot see it."""

from collections.abc import Iterator
from itertools import islice

from nornir_kube_ha.failover.outage import Outage
from nornir_kube_ha.failover.trial import Trial
from nornir_kube_ha.report.api_costs import api_rows_of
from nornir_kube_ha.report.words import in_seconds, in_words

MOST_PHASES = 40
"""Phases that are listed; the others are counted."""


def sentences(trial: Trial) -> tuple[str, ...]:
    """Return a sentence for each fact, in order of time. Zero is the start of the injection."""
    return tuple(f"{sentence}." for sentence in (*_course(trial), *_losses(trial), *_holders(trial)))


def _course(trial: Trial) -> Iterator[str]:
    made = f", and was there after {in_seconds(trial.made)}" if trial.made else ""
    yield f"Time counts from the fault on {trial.target}, which began at 0 s{made}"
    if trial.heal is not None:
        healed = "no heal was seen" if trial.healed is None else f"was over at {in_seconds(trial.healed)}"
        yield f"Its heal began at {in_seconds(trial.heal)}, and {healed}"
    if trial.late:
        yield f"The client was late by {in_seconds(trial.late)} at most: what is shorter, it may not have seen"


def _losses(trial: Trial) -> Iterator[str]:
    outages = (
        ("New connections, while the fault lasted", trial.new),
        ("Long-lived connections, while the fault lasted", trial.reused),
        ("New connections, once it was being healed", trial.after),
        ("Long-lived connections, once it was being healed", trial.after_reused),
    )
    yield from (f"{what}: {_loss(outage)}" for what, outage in outages if outage.total)
    for row in api_rows_of(trial.api) if trial.api else ():
        losses = f"; {row.losses}" if row.losses else ""
        yield f"Through the Kubernetes API, {row.name}: {in_words(row.figures)} at most {row.meaning}{losses}"


def _loss(outage: Outage) -> str:
    if outage.start is None:
        return f"all {outage.total} requests were answered, the slowest after {in_seconds(outage.slowest)}"
    cut = f", {outage.cut} of them cut off in flight" if outage.cut else ""
    lost = f"{outage.failed} of {outage.total} requests failed{cut}; outage {in_seconds(outage.seconds)}"
    longest = f", its longest stretch {in_seconds(outage.longest)}" if outage.longest != outage.seconds else ""
    return f"{lost} from {in_seconds(outage.start)} on{longest}"


def _holders(trial: Trial) -> Iterator[str]:
    phases = trial.holding.phases if trial.holding else ()
    for start, end, holders in islice(phases, MOST_PHASES):
        who = " and ".join(holders) or "nobody"
        at_once = " at once" if len(holders) > 1 else ""
        yield f"From {in_seconds(start)} to {in_seconds(end)} {who} held the VIP{at_once}"
    if len(phases) > MOST_PHASES:
        yield f"After that its holders changed {len(phases) - MOST_PHASES} times more"
