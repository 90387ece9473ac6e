"""Drafting acts and gathering consents: the only way from a member's wish to something that can be sent."""

from collections.abc import Callable
from dataclasses import dataclass

from api.acts import build
from api.acts.built import Book, Built, Desk
from api.acts.kinds import Act
from api.acts.requests import DraftRequest
from api.drafts import Draft, Drafts, Signature
from api.keyring import Keyring, unsigned
from api.members import Members
from api.problems import FieldError, ProblemError
from api.refusals import RefusalLog
from api.security.roles import Principal, Role
from api.shelves import Shelves
from ledger_node.secp256k1 import SignatureError, recover
from ledger_node.signing import SignerError
from oracle.clock import Clock
from registry import consents
from registry.items import Account, AccountStatus, Key, Kind
from registry.transitions import Deployment


@dataclass(frozen=True, slots=True)
class Drafting:
    """Makes drafts and takes consents for the members of one process."""

    drafts: Drafts
    shelves: Shelves
    keyring: Keyring
    members: Callable[[], Members]
    book: Callable[[], Book]
    deployment: Deployment
    goods_key: bytes
    clock: Clock
    refusals: RefusalLog

    def create(self, principal: Principal, request: DraftRequest) -> Draft:
        """A new draft by one of its parties. Raises ProblemError that points at the field."""
        with self.refusals.watching(principal, "draft", request.act, None):
            return self._create(principal, request)

    def _create(self, principal: Principal, request: DraftRequest) -> Draft:
        now = self.clock.now_ms()
        desk = Desk(principal.entity, now, self.book(), self.drafts, self.goods_key)
        act = Act(request.act)
        if act is Act.INSPECTION and principal.role is not Role.INSPECTOR:
            raise ProblemError("forbidden", "only an inspector drafts inspections")
        built = build(request, desk)
        if principal.entity not in built.parties:
            raise ProblemError("forbidden", "only a party of the act may draft it")
        id_ = consents.digest(built.consent, self.deployment)
        self._hand_out(principal, built)
        self.drafts.add(id_, act, built, principal.entity, principal.actor, now)
        return self.visible(principal, id_)

    def visible(self, principal: Principal, id_: bytes) -> Draft:
        """The draft, to its drafter and its parties. Raises ProblemError not-found to all others."""
        draft = self.drafts.get(id_)
        if draft is None or principal.entity not in (draft.entity, *draft.parties):
            raise ProblemError("not-found", "no such draft among those of this member")
        return draft

    def hand_in(self, principal: Principal, id_: bytes, entity: int, signature: bytes) -> Draft:
        """Keep a signature that was made elsewhere. Raises ProblemError consent-refused that names the rule."""
        with self.refusals.watching(principal, "consent", None, id_):
            return self._hand_in(principal, id_, entity, signature)

    def _hand_in(self, principal: Principal, id_: bytes, entity: int, signature: bytes) -> Draft:
        draft = self._of_party(principal, id_)
        if entity != principal.entity:
            raise ProblemError("forbidden", "a member hands in its own consents only")
        self._keep(draft, principal, signature)
        return self.visible(principal, id_)

    def sign(self, principal: Principal, id_: bytes) -> Draft:
        """Sign with the member's key; where two must agree, the second one's call signs, and that is a person's.

        Raises ProblemError second-person-needed to a program that would be the second, and signer-unavailable; then
        it is kept that the person agreed, and the same call again signs.
        """
        with self.refusals.watching(principal, "consent", None, id_):
            return self._sign(principal, id_)

    def _sign(self, principal: Principal, id_: bytes) -> Draft:
        draft = self._of_party(principal, id_)
        signer = self.keyring.signer(principal.entity)
        if principal.entity in draft.signatures:
            return draft
        now = self.clock.now_ms()
        others = self._approvers(draft, principal.entity) - {principal.actor}
        if self.needs_two(draft.act) and others and principal.session is None:
            raise ProblemError("second-person-needed", "another has agreed; a person must check, a program cannot")
        self.drafts.approve(id_, principal.entity, principal.actor, now)
        if self.needs_two(draft.act) and len(self._approvers(self.visible(principal, id_), principal.entity)) < 2:
            return self.visible(principal, id_)
        try:
            signature = signer.sign_typed(consents.to_sign(draft.consent, self.deployment))
        except SignerError as error:
            raise unsigned(error) from None
        self._keep(draft, principal, signature)
        return self.visible(principal, id_)

    def needs_two(self, act: Act) -> bool:
        """Whether two people of a member must agree before its key signs."""
        return act in self.members().file.four_eyes

    def typed_data(self, draft: Draft) -> dict[str, object]:
        """What a wallet shows and signs (eth_signTypedData_v4)."""
        return dict(consents.typed_data(draft.consent, self.deployment))

    def _of_party(self, principal: Principal, id_: bytes) -> Draft:
        draft = self.visible(principal, id_)
        if principal.entity not in draft.parties:
            raise ProblemError("forbidden", "the member is no party of this act")
        return draft

    def _approvers(self, draft: Draft, entity: int) -> set[str]:
        return {actor for party, actor in draft.approvals if party == entity}

    def _keep(self, draft: Draft, principal: Principal, signature: bytes) -> None:
        signer = self._signer_of(draft, principal.entity, signature)
        kept = Signature(principal.entity, signature, signer, principal.actor, self.clock.now_ms())
        known = draft.signatures.get(principal.entity)
        if not self.drafts.sign(draft.id, kept) and known is not None and known.signature != signature:
            raise ProblemError("conflict", "the member has consented to this draft already")

    def _signer_of(self, draft: Draft, entity: int, signature: bytes) -> bytes:
        try:
            if len(signature) != 64:
                raise _refused("must have 64 bytes (EIP-2098)")
            signer = recover(draft.id, signature)
        except SignatureError as error:
            raise _refused(str(error)) from None
        account = self.book().get(Key(Kind.ACCOUNT, signer))
        if not isinstance(account, Account) or account.entity != entity or account.status != AccountStatus.LIVE:
            raise _refused("was not made by a live account of the member for this draft")
        return signer

    def _hand_out(self, principal: Principal, built: Built) -> None:
        """Give the documents to parties and readers before the draft exists."""
        own = self.members().by_entity
        entities = [entity for entity in (*built.parties, *built.readers) if entity in own]
        shared = [self.shelves.opening(principal.entity, commitment) for commitment in built.shared]
        self.shelves.give(entities, [*built.openings.values(), *(each for each in shared if each is not None)])


def _refused(rule: str) -> ProblemError:
    return ProblemError("consent-refused", f"signature: {rule}", [FieldError(rule, pointer="#/signature")])
