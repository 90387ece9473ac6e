"""The network's page: who sealed, how final, how nodes, oracles, index and outboxes do. For banks and the regulator."""

from dataclasses import dataclass

from fastapi import APIRouter
from starlette.responses import Response

from api.console.frame import Frame, Framed
from api.console.phrases import Tag
from api.records.network import Network, network
from ledger_node.consensus.rules import Consensus
from ledger_node.consensus.turns import Sealer
from ledger_node.hexvalues import address_hex
from ledger_node.sending_status import EndpointStatus, OutboxStatus

router = APIRouter(include_in_schema=False)
SILENT_SECONDS = 60
"""A chain that has sealed nothing for so long is late."""
NEAR_BLOCKS = 5
NEAR_ENTRIES = 100
OLD_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Row:
    """A line of a table: its heading, address and note, values in the order of the columns, what it says."""

    name: str
    digest: str
    numbers: tuple[str, ...]
    tag: Tag
    note: str = ""


@router.get("/network")
def show(frame: Framed) -> Response:
    """The network now."""
    found = network(frame.services, frame.principal, frame.state)
    facts = _facts(frame, found)
    sealers = [] if found.turns is None else [_sealer(frame, each) for each in found.turns.sealers]
    nodes = [_node(frame, number, each) for number, each in enumerate(found.endpoints, 1)]
    oracles = _oracles(frame, found)
    outboxes = [_outbox(frame, entity, each) for entity, each in found.outboxes.items()]
    tags = [each[2] for each in facts] + [each.tag for each in (*sealers, *nodes, *oracles, *outboxes)]
    wrong = sum(tag.kind in ("warn", "act") for tag in tags)
    heading = frame.count("%d thing needs attention", "%d things need attention", wrong) % wrong
    return frame.page(
        "network.html",
        heading=heading if wrong else frame.say("The network is in order"),
        facts=facts,
        sealing=_sealing_words(frame, found),
        sealers=sealers,
        with_seals=found.turns is not None and found.turns.consensus is Consensus.QBFT,
        nodes=nodes,
        oracles=oracles,
        outboxes=outboxes,
    )


def _facts(frame: Frame, found: Network) -> list[tuple[str, str, Tag]]:
    """Finality and index: a name, what is known, and what it says."""
    say = frame.say
    late = found.silent_seconds > SILENT_SECONDS
    fresh = Tag("warn", say("late")) if late else Tag("good", say("fresh"))
    ago = say("%d s ago") % found.silent_seconds
    depth = say("at once") if found.finality == 0 else say("%d blocks later") % found.finality
    lag = found.lag
    if lag is None:
        behind, near = say("no node answers"), Tag("warn", say("cannot check"))
    else:
        behind = frame.count("%d block", "%d blocks", lag) % lag
        near = Tag("good", say("caught up")) if lag <= NEAR_BLOCKS else Tag("warn", say("behind"))
    final = say("none yet") if found.final is None else f"{found.final:,}"
    return [
        (say("Last block of this index"), f"{found.head.number:,} · {frame.moment(found.head.time)} · {ago}", fresh),
        (
            say("Last final block"),
            final,
            Tag("good" if found.final is not None else "wait", say("final") + " " + depth),
        ),
        (say("Index behind the nodes"), behind, near),
    ]


def _sealing_words(frame: Frame, found: Network) -> str:
    told, say = found.turns, frame.say
    if told is None or told.consensus is None:
        return say("The headers do not tell who sealed them.")
    span = {"first": f"{told.first:,}", "last": f"{told.last:,}", "members": told.members or 0, "late": told.late}
    if told.consensus is Consensus.EMBEDDED:
        return say("Blocks %(first)s to %(last)s, sealed by the ledger's one sealer.") % span
    if told.consensus is Consensus.CLIQUE:
        says = say("Clique, blocks %(first)s to %(last)s: %(members)d signers, %(late)d blocks out of turn.")
    else:
        says = say("QBFT, blocks %(first)s to %(last)s: %(members)d validators, %(late)d rounds without a block.")
    return says % span


def _sealer(frame: Frame, each: Sealer) -> Row:
    say = frame.say
    account = frame.state.snapshot.account(each.address)
    last = "–" if each.last is None else f"{each.last:,}"
    numbers: tuple[str, ...] = (f"{each.blocks:,}", last, "–" if each.missed is None else f"{each.missed:,}")
    if each.seals is not None:
        numbers = (*numbers, f"{each.seals:,}")
    if each.missed:
        tag = Tag("warn", say("missed turns"))
    else:
        tag = Tag("good", say("seals")) if each.blocks or each.seals else Tag("warn", say("no seal"))
    name = say("Sealer") if account is None else frame.name(account.entity)
    return Row(name, address_hex(each.address), numbers, tag)


def _node(frame: Frame, number: int, each: EndpointStatus) -> Row:
    say = frame.say
    if not each.healthy:
        tag = Tag("warn", say("left out"))
    elif each.lag > NEAR_BLOCKS:
        tag = Tag("warn", say("behind"))
    else:
        tag = Tag("good", say("read from")) if each.current else Tag("good", say("stands by"))
    head = "–" if each.head is None else f"{each.head:,}"
    numbers = (head, f"{each.lag:,}", f"{each.requests:,}", f"{each.failures:,}")
    return Row(say("Node %d") % number, "", numbers, tag)


def _oracles(frame: Frame, found: Network) -> list[Row]:
    say, rows = frame.say, []
    for each in found.oracles:
        name = say("Oracle %(number)s") % {"number": each.number}
        if each.log_size is None:
            heard = say("never heard") if each.heard_ms is None else frame.moment(each.heard_ms // 1000)
            rows.append(Row(name, "", ("–",) * 6, Tag("warn", say("silent")), note=say("silent since: %s") % heard))
            continue
        behind = found.longest_log - each.log_size
        if each.faults:
            tag = Tag("act", say("keeps contradictions"))
        elif each.silent_devices:
            tag = Tag("warn", say("hears not all"))
        else:
            tag = Tag("good", say("answers")) if behind <= NEAR_ENTRIES else Tag("warn", say("behind"))
        told = (each.open_slots, each.waiting_firings, each.silent_devices, each.faults)
        counts = (each.log_size, behind, *(count or 0 for count in told))
        rows.append(Row(name, "", tuple(f"{count:,}" for count in counts), tag))
    return rows


def _outbox(frame: Frame, entity: int, each: OutboxStatus) -> Row:
    say = frame.say
    old = int(each.oldest_seconds)
    if old > OLD_SECONDS:
        tag = Tag("warn", say("waits long"))
    else:
        tag = Tag("wait", say("on its way")) if each.pending else Tag("good", say("nothing waits"))
    counts = (each.pending, old, each.bumped, each.replaced, each.refused, each.settled)
    return Row(frame.name(entity), address_hex(each.address), tuple(f"{count:,}" for count in counts), tag)
