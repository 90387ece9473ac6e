"""Drafting what concerns goods: issue, pledge, release, delivery, and the devices that watch them."""

from api.acts.built import ZERO, Built, Desk, document, find, invalid, json_of
from api.acts.requests import DeliveryRequest, FleetRequest, IssueRequest, PledgeRequest, ReleaseRequest, Unit
from ledger_node.canonical_json import JsonValue
from ledger_node.hexvalues import data_hex, read_data
from registry import items, structs
from registry.documents.models import read
from registry.documents.receipt import ReceiptContent
from registry.goods import GoodsError, goods_key, position_string, unit_keys_hash, unit_string
from registry.items import Key, Kind, entity_id


def issue(request: IssueRequest, desk: Desk) -> Built:
    """A receipt. The position key comes from the keeper's identifier and the storage place of the content."""
    opening = document(request.content, "cangdan/receipt/1", "/content")
    content = read(json_of(request.content))
    assert isinstance(content, ReceiptContent)
    labels = [unit.label for unit in request.units]
    if content.unit_ids != labels:
        raise invalid("/content/unitIds", "must be the labels of units, in their order")
    position = _position_key(content, desk)
    keys = [_unit_key(unit, at, desk) for at, unit in enumerate(request.units)]
    consent = structs.Issue(
        content_hash=opening.commitment,
        depositor=request.depositor,
        keeper=request.keeper,
        profile=request.profile,
        flags=request.flags,
        quantity=content.quantity,
        position_key=position,
        unit_keys_hash=unit_keys_hash(keys),
        replaces=ZERO if request.replaces is None else read_data("replaces", request.replaces, 32),
        drafted_at=desk.now_ms,
    )
    extras: dict[str, JsonValue] = {"unitKeys": [data_hex(key) for key in keys], **_replaced(request, desk)}
    return Built(consent, (request.depositor, request.keeper), 2, {"content": opening}, (), extras)


def pledge(request: PledgeRequest, desk: Desk) -> Built:
    """A pledge of a receipt as it now is; the pledgee gets the receipt's content with the draft."""
    receipt = find(desk, Kind.RECEIPT, request.receipt, items.Receipt, "/receipt")
    terms = document(request.terms, "cangdan/pledge-terms/1", "/terms")
    if request.facility is not None:
        find(desk, Kind.FACILITY, request.facility, items.Facility, "/facility")
    consent = structs.Pledge(
        receipt=receipt.id,
        seq=receipt.word.seq,
        pledgor=receipt.word.owner,
        keeper=receipt.word.keeper,
        pledgee=request.pledgee,
        facility=ZERO if request.facility is None else read_data("facility", request.facility, 32),
        terms_hash=terms.commitment,
        drafted_at=desk.now_ms,
    )
    parties = (receipt.word.owner, receipt.word.keeper, request.pledgee)
    return Built(consent, parties, 3, {"terms": terms}, (receipt.terms.content_hash,))


def release(request: ReleaseRequest, desk: Desk) -> Built:
    """The release of a pledge."""
    found = find(desk, Kind.PLEDGE, request.pledge, items.Pledge, "/pledge")
    consent = structs.Release(found.id, found.word.seq, found.word.pledgee, desk.now_ms)
    return Built(consent, (found.word.pledgee,), 1)


def delivery(request: DeliveryRequest, desk: Desk) -> Built:
    """The goods of a receipt leave."""
    receipt = find(desk, Kind.RECEIPT, request.receipt, items.Receipt, "/receipt")
    order = document(request.order, "cangdan/delivery-order/1", "/order")
    if json_of(request.order).get("receipt") != request.receipt:
        raise invalid("/order/receipt", "must be the receipt that is delivered")
    owner, keeper = receipt.word.owner, receipt.word.keeper
    consent = structs.Delivery(receipt.id, receipt.word.seq, owner, keeper, order.commitment, desk.now_ms)
    extras: dict[str, JsonValue] = {"unitKeys": _unit_keys(receipt, desk, "/receipt")}
    return Built(consent, (owner, keeper), 2, {"order": order}, (), extras)


def fleet(request: FleetRequest, desk: Desk) -> Built:
    """The drafter's devices, one epoch on."""
    before = desk.book.get(Key(Kind.FLEET, entity_id(desk.entity)))
    epoch = before.word.epoch if isinstance(before, items.Fleet) else 0
    consent = structs.Fleet(
        entity=desk.entity,
        epoch=epoch + 1,
        devices=request.devices,
        revoked=request.revoked,
        fleet_root=read_data("fleetRoot", request.fleet_root, 32),
        revocation_root=read_data("revocationRoot", request.revocation_root, 32),
        drafted_at=desk.now_ms,
    )
    return Built(consent, (desk.entity,), 1)


def _position_key(content: ReceiptContent, desk: Desk) -> bytes:
    place = content.storage_place
    parts = [part for part in (place.site, place.building, place.bin) if part]
    try:
        return goods_key(desk.goods_key, position_string(content.keeper.id, parts))
    except GoodsError as error:
        raise invalid("/content/storagePlace", str(error)) from None


def _unit_key(unit: Unit, at: int, desk: Desk) -> bytes:
    try:
        return goods_key(desk.goods_key, unit_string(unit.kind, unit.label, unit.maker))
    except GoodsError as error:
        raise invalid(f"/units/{at}", str(error)) from None


def _replaced(request: IssueRequest, desk: Desk) -> dict[str, JsonValue]:
    if request.replaces is None:
        return {}
    replaced = find(desk, Kind.RECEIPT, request.replaces, items.Receipt, "/replaces")
    return {"replacedUnitKeys": _unit_keys(replaced, desk, "/replaces")}


def _unit_keys(receipt: items.Receipt, desk: Desk, pointer: str) -> list[JsonValue]:
    keys = desk.archive.unit_keys(receipt.id)
    if keys is None:
        raise invalid(pointer, "the draft that issued this receipt is not kept here, so its unit keys are unknown")
    return [data_hex(key) for key in keys]
