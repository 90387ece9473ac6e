"""Webhooks over HTTP: say where to be told, of what; see what was told and ask for it again."""

from typing import Annotated

from fastapi import APIRouter, Query, Request, Response

from api.idempotency import IdempotentRoute
from api.problems import FieldError, ProblemError
from api.records.events import EVENTS, TEST
from api.replies import MAX_PAGE, changed, cursor_of, expect, next_link, place_of, reply, tag_of
from api.security.access import scoped
from api.security.roles import Principal, Scope
from api.security.tokens import require
from api.services import Services, services_of
from api.times import rfc3339
from api.v1.views import (
    AttemptView,
    DeliveryList,
    DeliveryView,
    EventList,
    EventView,
    WebhookBody,
    WebhookChange,
    WebhookList,
    WebhookSecretView,
    WebhookView,
)
from api.webhooks.courier import envelope
from api.webhooks.deliveries import Attempt, Delivery, DeliveryState
from api.webhooks.endpoints import State, Webhook
from api.webhooks.targets import TargetRefused
from ledger_node.canonical_json import loads

router = APIRouter(prefix="/v1", tags=["webhooks"], route_class=IdempotentRoute)
Owner = Annotated[Principal, scoped(Scope.WEBHOOKS)]
_OWN = {"x-proof": "none: settings of this service; what a message tells is proved at its link"}


@router.get(
    "/events",
    response_model=EventList,
    summary="The catalogue of events",
    openapi_extra={"x-proof": "none: names of this interface"},
)
def events(request: Request, principal: Annotated[Principal, scoped(Scope.RECORDS)]) -> Response:
    """Every type of event that webhooks and live streams tell, what it says, and who is told."""
    items = [EventView(name=each.name, says=each.says, seen_by=each.seen_by) for each in EVENTS.values()]
    return reply(request, EventList(items=items))


@router.post("/webhooks", status_code=201, response_model=WebhookSecretView, summary="Register a webhook")
def create(request: Request, principal: Owner, body: WebhookBody) -> Response:
    """It is told of what becomes final from now on. The secret is in this answer only."""
    services = services_of(request)
    require(principal, Scope.RECORDS)
    _check_url(services, body.url)
    events = _check_events(body.events)
    hooks = services.webhooks.endpoints
    most = services.section.webhooks.a_member
    if len(hooks.of_member(principal.entity)) >= most:
        raise ProblemError("conflict", f"the member has {most} webhooks already; remove one")
    now, final = services.clock.now_ms(), services.index.final(services.finality)
    made = hooks.add(principal.entity, body.url, events, body.description, final, now)
    response = _with_secret(request, services, _own(services, principal, made), 201)
    response.headers["Location"] = f"/v1/webhooks/{made}"
    return response


@router.get("/webhooks", response_model=WebhookList, summary="The member's webhooks", openapi_extra=_OWN)
def list_webhooks(request: Request, principal: Owner) -> Response:
    """All of them, oldest first; secrets are not shown."""
    services = services_of(request)
    found = services.webhooks.endpoints.of_member(principal.entity)
    return reply(request, WebhookList(items=[_view(services, each) for each in found]))


@router.get("/webhooks/{webhook_id}", response_model=WebhookView, summary="A webhook", openapi_extra=_OWN)
def read(request: Request, principal: Owner, webhook_id: str) -> Response:
    """Where it leads, of what it is told, whether it is on. Its ETag is asked for by each change."""
    services = services_of(request)
    return reply(request, _view(services, _own(services, principal, webhook_id)))


@router.patch("/webhooks/{webhook_id}", response_model=WebhookView, summary="Change a webhook")
def change(request: Request, principal: Owner, webhook_id: str, body: WebhookChange) -> Response:
    """Needs If-Match. Turned on again, it is told of all that became final meanwhile."""
    services = services_of(request)
    webhook = _expected(request, services, principal, webhook_id)
    given = body.model_dump(exclude_unset=True)
    if body.url is not None:
        _check_url(services, body.url)
    _check_events(given.get("events"))
    for name in ("url", "description", "state"):
        if name in given and given[name] is None:
            raise _invalid(f"#/{name}", "must not be null; leave it out")
    if given.get("state") == State.ON.value:
        given |= {"cause": "", "failing_since_ms": None}
    if not services.webhooks.endpoints.change(webhook, given):
        raise changed()
    return reply(request, _view(services, _own(services, principal, webhook_id)))


@router.delete("/webhooks/{webhook_id}", status_code=204, summary="Remove a webhook")
def remove(request: Request, principal: Owner, webhook_id: str) -> Response:
    """Needs If-Match. Its log goes with it; nothing more is sent."""
    services = services_of(request)
    if not services.webhooks.endpoints.remove(_expected(request, services, principal, webhook_id)):
        raise changed()
    return Response(status_code=204)


@router.post("/webhooks/{webhook_id}/secret", response_model=WebhookSecretView, summary="Renew a webhook's secret")
def renew(request: Request, principal: Owner, webhook_id: str) -> Response:
    """Needs If-Match. For a day messages are signed with the old secret, too; the new one is in this answer only."""
    services = services_of(request)
    webhook = _expected(request, services, principal, webhook_id)
    if not services.webhooks.endpoints.renew_secret(webhook, services.clock.now_ms()):
        raise changed()
    return _with_secret(request, services, _own(services, principal, webhook_id), 200)


@router.post("/webhooks/{webhook_id}/test", status_code=202, response_model=DeliveryView, summary="Send a test")
def test(request: Request, principal: Owner, webhook_id: str) -> Response:
    """Queues a message of type webhook.test; follow it in Location."""
    services = services_of(request)
    webhook = _own(services, principal, webhook_id)
    now = services.clock.now_ms()
    body = envelope(TEST, rfc3339(now, services.zone), {"webhook": webhook.id})
    made = services.webhooks.deliveries.queue_test(webhook, TEST, body, now)
    return _queued(request, services, webhook, services.webhooks.deliveries.get(webhook, made))


@router.get(
    "/webhooks/{webhook_id}/deliveries",
    response_model=DeliveryList,
    summary="What a webhook was told",
    openapi_extra=_OWN,
)
def deliveries(
    request: Request,
    principal: Owner,
    webhook_id: str,
    state: Annotated[DeliveryState | None, Query(description="only those that stand so")] = None,
    limit: Annotated[int, Query(ge=1, le=MAX_PAGE)] = 50,
    cursor: str | None = None,
) -> Response:
    """Its deliveries, newest first: waiting, delivered, failed."""
    services = services_of(request)
    webhook = _own(services, principal, webhook_id)
    before = place_of(cursor, int, str) if cursor else None
    found = services.webhooks.deliveries.log(webhook, state, before, limit + 1)
    more = cursor_of([found[limit - 1].created, found[limit - 1].id]) if len(found) > limit else None
    items = [_delivery(services, each) for each in found[:limit]]
    return reply(request, DeliveryList(items=items, next=more), next_link(request, more))


@router.get(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}",
    response_model=DeliveryView,
    summary="A delivery",
    openapi_extra=_OWN,
)
def delivery(request: Request, principal: Owner, webhook_id: str, delivery_id: str) -> Response:
    """One delivery with its body and what became of each attempt."""
    services = services_of(request)
    webhook = _own(services, principal, webhook_id)
    found = _found(services.webhooks.deliveries.get(webhook, delivery_id))
    view = _delivery(services, found)
    log = [_attempt(services, each) for each in services.webhooks.deliveries.attempts(found.id)]
    return reply(request, view.model_copy(update={"log": log, "body": loads(found.body.encode())}))


@router.post(
    "/webhooks/{webhook_id}/deliveries/{delivery_id}/redeliver",
    status_code=202,
    response_model=DeliveryView,
    summary="Send a delivery again",
)
def redeliver(request: Request, principal: Owner, webhook_id: str, delivery_id: str) -> Response:
    """Sends the same body under the same webhook-id, so that a receiver that has it can pass it over."""
    services = services_of(request)
    webhook = _own(services, principal, webhook_id)
    again = services.webhooks.deliveries.again(webhook, delivery_id, services.clock.now_ms())
    return _queued(request, services, webhook, again)


def _own(services: Services, principal: Principal, webhook_id: str) -> Webhook:
    found = services.webhooks.endpoints.get(webhook_id)
    if found is None or found.entity != principal.entity:
        raise ProblemError("not-found", "no such webhook of this member")
    return found


def _expected(request: Request, services: Services, principal: Principal, webhook_id: str) -> Webhook:
    webhook = _own(services, principal, webhook_id)
    expect(request, _view(services, webhook), required=True)
    return webhook


def _found(delivery: Delivery | None) -> Delivery:
    if delivery is None:
        raise ProblemError("not-found", "no such delivery of this webhook")
    return delivery


def _queued(request: Request, services: Services, webhook: Webhook, delivery: Delivery | None) -> Response:
    found = _found(delivery)
    response = reply(request, _delivery(services, found), status=202)
    response.headers["Location"] = f"/v1/webhooks/{webhook.id}/deliveries/{found.id}"
    return response


def _with_secret(request: Request, services: Services, webhook: Webhook, status: int) -> Response:
    secret = services.webhooks.endpoints.signing_secret(webhook)
    view = _view(services, webhook)
    response = reply(request, WebhookSecretView(webhook=view, secret=secret), status=status)
    response.headers["ETag"] = tag_of(view)
    return response


def _view(services: Services, webhook: Webhook) -> WebhookView:
    until = webhook.old_secret_until
    return WebhookView(
        id=webhook.id,
        url=webhook.url,
        events=None if webhook.events is None else list(webhook.events),
        description=webhook.description,
        state=webhook.state.value,
        cause=webhook.cause or None,
        created_at=rfc3339(webhook.created, services.zone),
        old_secret_until=rfc3339(until, services.zone) if until > services.clock.now_ms() else None,
    )


def _delivery(services: Services, delivery: Delivery) -> DeliveryView:
    waiting = delivery.state is DeliveryState.WAITING
    return DeliveryView(
        id=delivery.id,
        event=delivery.event,
        block=delivery.block,
        state=delivery.state.value,
        attempts=delivery.attempts,
        created_at=rfc3339(delivery.created, services.zone),
        next_attempt_at=rfc3339(delivery.due, services.zone) if waiting else None,
        done_at=None if delivery.done is None else rfc3339(delivery.done, services.zone),
    )


def _attempt(services: Services, attempt: Attempt) -> AttemptView:
    at = rfc3339(attempt.at, services.zone)
    return AttemptView(at=at, status=attempt.status, cause=attempt.cause or None, milliseconds=attempt.took)


def _check_url(services: Services, url: str) -> None:
    try:
        services.webhooks.policy.read(url)
    except TargetRefused as error:
        raise _invalid("#/url", str(error)) from None


def _check_events(names: list[str] | None) -> tuple[str, ...] | None:
    if names is None:
        return None
    for at, name in enumerate(names):
        if name not in EVENTS:
            raise _invalid(f"#/events/{at}", "is no event of the catalogue (/v1/events)")
    return tuple(names)


def _invalid(pointer: str, rule: str) -> ProblemError:
    return ProblemError("invalid-request", f"{pointer}: {rule}", [FieldError(rule, pointer=pointer)])
