"""The check of a bundle against the verifier's own trust file: offline, step by step, the first failing step named.

Pure. docs/formats/bundle.md describes each step so that an independent verifier can be written from it.
"""

from collections.abc import Callable

from ledger_node import canonical_json
from ledger_node.canonical_json import JsonError, JsonValue
from ledger_node.hexvalues import data_hex
from ledger_node.trust import Trust
from registry.answers import facility_answer, receipt_answer
from registry.evidence.action import ActionProof
from registry.evidence.bundle import Bundle, ClaimKind
from registry.evidence.bundle_file import BundleError, load_bundle
from registry.evidence.claims import commitments_of, prove_facility, prove_receipt
from registry.evidence.proven import Proven
from registry.evidence.steps import Step, StepFailed, StepName, Verdict

Check = Callable[[], str]


def verify_bundle(text: bytes, trust: Trust, answer: bytes | None = None) -> Verdict:
    """The verdict on a bundle's file, with `answer` also on an answer's file. Never raises for what they hold."""
    steps: list[Step] = []
    try:
        bundle = load_bundle(text)
    except BundleError as error:
        return Verdict((Step(StepName.FORMAT, False, str(error)),), "")
    steps.append(Step(StepName.FORMAT, True, f"{bundle.claim.kind.value} claim"))
    proven = Proven(bundle, trust)
    says = ""
    for name, check in _checks(proven, answer):
        try:
            found = check()
        except StepFailed as error:
            return Verdict((*steps, Step(error.step, False, error.rule)), "")
        says = found if name is StepName.CLAIM else says
        steps.append(Step(name, True, found))
    return Verdict(tuple(steps), f"at block {bundle.header.number}, {says}")


def _checks(proven: Proven, answer: bytes | None) -> list[tuple[StepName, Check]]:
    checks: list[tuple[StepName, Check]] = [
        (StepName.TRUST, proven.check_trust),
        (StepName.HEADER, proven.check_header),
        (StepName.STATE, proven.check_state),
    ]
    bundle = proven.bundle
    if bundle.action is not None:
        action = ActionProof(proven, bundle.action)
        checks += [
            (StepName.CLAIM, action.prove_claim),
            (StepName.RULE, action.prove_rule),
            (StepName.ROUNDS, action.prove_rounds),
            (StepName.DEVICES, action.prove_devices),
            (StepName.SEGMENTS, action.prove_segments),
            (StepName.OBSERVATIONS, action.prove_observations),
            (StepName.ACTION, action.prove_action),
            (StepName.DOCUMENTS, lambda: proven.open_documents(commitments_of(proven) | action.commitments())),
        ]
    else:
        prove = prove_receipt if bundle.claim.kind is ClaimKind.RECEIPT else prove_facility
        checks += [
            (StepName.CLAIM, lambda: prove(proven, bundle.claim.id)),
            (StepName.DOCUMENTS, lambda: proven.open_documents(commitments_of(proven))),
        ]
    checks.append((StepName.COMPLETE, proven.finish))
    if answer is not None:
        checks.append((StepName.ANSWER, lambda: _check_answer(proven, answer)))
    return checks


def derived_answer(proven: Proven) -> dict[str, JsonValue]:
    """The answer that a bundle proves: `block` and `data`."""
    bundle: Bundle = proven.bundle
    header = bundle.header
    receipt = bundle.claim.kind is ClaimKind.RECEIPT
    data = receipt_answer(proven, bundle.claim.id) if receipt else facility_answer(proven, bundle.claim.id)
    block: dict[str, JsonValue] = {
        "number": header.number,
        "hash": data_hex(proven.block_hash),
        "time": header.timestamp,
        "final": True,
    }
    return {"block": block, "data": data}


def _check_answer(proven: Proven, answer: bytes) -> str:
    try:
        given = canonical_json.loads(answer)
    except JsonError as error:
        raise StepFailed(StepName.ANSWER, str(error)) from None
    if not isinstance(given, dict):
        raise StepFailed(StepName.ANSWER, "answer: must be an object")
    given = {name: value for name, value in given.items() if name != "links"}
    differs = _difference(given, derived_answer(proven), "answer")
    if differs is not None:
        raise StepFailed(StepName.ANSWER, differs)
    return "every field of the answer is proved"


def _difference(given: JsonValue, proved: JsonValue, path: str) -> str | None:
    """The first place where an answer is not what is proved."""
    if isinstance(given, dict) and isinstance(proved, dict):
        for name in [*proved, *given]:
            if name not in given or name not in proved:
                return f"{path}.{name}: {'is missing' if name not in given else 'is not proved'}"
            found = _difference(given[name], proved[name], f"{path}.{name}")
            if found is not None:
                return found
        return None
    if isinstance(given, list) and isinstance(proved, list) and len(given) == len(proved):
        pairs = zip(given, proved, strict=True)
        found_in = (_difference(one, other, f"{path}[{at}]") for at, (one, other) in enumerate(pairs))
        return next((found for found in found_in if found is not None), None)
    same = type(given) is type(proved) and given == proved
    return None if same else f"{path}: is not what the bundle proves"
