"""What a block's own header tells of who sealed it. Nothing is claimed that nobody has checked here."""

from api.console.phrases import Say
from ledger_node.consensus.qbft import read_extra
from ledger_node.consensus.rules import HeaderRefused
from ledger_node.headers import Header

_CLIQUE_LEAST_BYTES = 32 + 65
_CLIQUE_DIFFICULTIES = (1, 2)


def seal_words(header: Header, seal: bytes | None, say: Say) -> str:
    """Who sealed a block, as far as it tells: the embedded ledger's `seal`, QBFT's seals, Clique's one, or none."""
    if seal is not None:
        return say("sealed by the ledger's sealer")
    try:
        extra = read_extra(header.extra_data)
    except HeaderRefused:
        pass
    else:
        told = {"seals": len(extra.seals), "all": len(extra.validators)}
        return say("header carries %(seals)d seals and lists %(all)d validators, not checked here") % told
    if len(header.extra_data) >= _CLIQUE_LEAST_BYTES and header.difficulty in _CLIQUE_DIFFICULTIES:
        return say("header carries one signer's seal, not checked here")
    return say("header carries no seal; as this member's node tells")
