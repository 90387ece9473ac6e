"""The scenario pack: one YAML file that a stranger can write for their own devices and rule, without code.

The models below are the grammar; `cangdan scenario schema` prints them as JSON Schema. Unknown keys, references to
things that are not declared and packs without expectations are refused (`PackError`, exit 2). docs/formats/pack.md
tells what each part means.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import yaml
from pydantic import Field, ValidationError, model_validator

from api.runner.pack_parts import (
    Cover,
    Device,
    Facility,
    Party,
    Profile,
    Receipt,
    Schema,
    Strict,
    Text,
)
from api.runner.pack_steps import Expectations, Step

FORMAT = "cangdan/pack/1"
LARGEST_PACK_BYTES = 1_000_000


class PackError(Exception):
    """A pack that cannot be played; the message is one line that names the place and the rule."""


class Pack(Strict):
    """A whole scenario: who takes part, what is measured, what was agreed, what happens, what must come of it."""

    format: str = Field(pattern=r"^cangdan/pack/1$")
    name: str = Field(pattern=r"^[a-z][a-z0-9-]{1,40}$")
    title: Text
    about: Text
    starts: str = Field(
        default="-PT3H",
        description="Event time at which simulated streams begin: RFC 3339, or a negative duration before now.",
    )
    parties: dict[str, Party] = Field(min_length=1)
    profiles: dict[str, Profile] = Field(default_factory=dict)
    subjects: list[str] = Field(default=[], description="What devices watch: a bay, a gate, a plant.")
    devices: dict[str, Device] = Field(default_factory=dict)
    schemas: dict[str, Schema] = Field(default_factory=dict)
    receipts: dict[str, Receipt] = Field(default_factory=dict)
    facilities: dict[str, Facility] = Field(default_factory=dict)
    covers: dict[str, Cover] = Field(default_factory=dict)
    episodes: dict[str, str] = Field(
        default={}, description="Name and meaning of each stretch that --omit can leave out."
    )
    steps: list[Step] = Field(min_length=1)
    expect: Expectations

    @model_validator(mode="after")
    def _references_are_declared(self) -> Pack:
        for place, kind, name in self._references():
            if name not in getattr(self, kind):
                raise ValueError(f"{place} names {name!r}, which is not among {kind}")
        return self

    @model_validator(mode="after")
    def _covers_are_of_their_rules_facility(self) -> Pack:
        for key, facility in self.facilities.items():
            for rule in facility.rules:
                if rule.cover is not None and self.covers[rule.cover].facility != key:
                    raise ValueError(f"facilities.{key}.rules: {rule.name} names a cover of another facility")
        return self

    @model_validator(mode="after")
    def _detections_have_a_truth(self) -> Pack:
        granted = {c.schema_ for facility in self.facilities.values() for rule in facility.rules for c in rule.when}
        for each in self.expect.detections:
            stream = self.devices[each.device].stream.recorded
            if stream is None or stream.truth is None or each.channel not in stream.channels:
                raise ValueError(f"expect.detections: {each.device}.{each.channel} is not recorded with a truth column")
            if f"{each.device}.{each.channel}" not in self.schemas[each.schema_].sources():
                raise ValueError(f"expect.detections: schema {each.schema_} has no {each.device}.{each.channel}")
            if each.schema_ not in granted:
                raise ValueError(f"expect.detections: no facility's rule grants the readings of schema {each.schema_}")
        return self

    def _references(self) -> list[tuple[str, str, str]]:
        found = [(f"devices.{k}.owner", "parties", d.owner) for k, d in self.devices.items()]
        found += [(f"devices.{k}.profile", "profiles", d.profile) for k, d in self.devices.items()]
        found += [(f"devices.{k}.watches", "subjects", d.watches) for k, d in self.devices.items()]
        for key, device in self.devices.items():
            found += [(f"devices.{key}.stream", "episodes", name) for name in device.stream.episodes()]
        for key, schema in self.schemas.items():
            found += [(f"schemas.{key}", "devices", name) for name in schema.device_names()]
            found += [(f"schemas.{key}", "subjects", metric.subject) for metric in schema.metrics]
        for key, receipt in self.receipts.items():
            found += [(f"receipts.{key}", "parties", name) for name in (receipt.keeper, receipt.depositor)]
            found += [(f"receipts.{key}.watched", "subjects", name) for name in [receipt.watched] if name]
        for key, facility in self.facilities.items():
            parties = [facility.lender, facility.borrower, *facility.panel.reviewers]
            found += [(f"facilities.{key}", "parties", name) for name in parties]
            found += [(f"facilities.{key}.rules", "schemas", c.schema_) for r in facility.rules for c in r.when]
            found += [(f"facilities.{key}.rules", "subjects", c.subject) for r in facility.rules for c in r.when]
            found += [(f"facilities.{key}.rules", "covers", r.cover) for r in facility.rules if r.cover]
        for key, cover in self.covers.items():
            found += [(f"covers.{key}", "parties", name) for name in (cover.insurer, cover.insured)]
            found.append((f"covers.{key}", "facilities", cover.facility))
        for at, step in enumerate(self.steps):
            found += [(f"steps.{at}", kind, name) for kind, name in step.references()]
        return found + [(f"expect.{place}", kind, name) for place, kind, name in self.expect.references()]


def load(path: Path) -> Pack:
    """The pack in the file at `path`. Raises PackError for anything that is not a whole, valid pack."""
    try:
        raw = path.read_bytes()
    except OSError as error:
        raise PackError(f"{path.name}: cannot be read: {error.strerror}") from error
    if len(raw) > LARGEST_PACK_BYTES:
        raise PackError(f"{path.name}: larger than {LARGEST_PACK_BYTES} bytes")
    try:
        data: Any = yaml.load(raw, Loader=_UniqueKeys)
    except yaml.YAMLError as error:
        raise PackError(f"{path.name}: not YAML: {' '.join(str(error).split())}") from error
    if not isinstance(data, dict):
        raise PackError(f"{path.name}: a pack is a mapping")
    try:
        return Pack.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(str(part) for part in first["loc"]) or "pack"
        raise PackError(f"{path.name}: {place}: {first['msg']}") from error


class _UniqueKeys(yaml.SafeLoader):
    """YAML that refuses a key given twice, which plain loaders overwrite in silence."""


def _mapping(loader: _UniqueKeys, node: yaml.MappingNode) -> dict[Any, Any]:
    seen: set[Any] = set()
    for key_node, _ in node.value:
        key = loader.construct_object(key_node)
        if key in seen:
            raise yaml.constructor.ConstructorError(None, None, f"key {key!r} given twice", key_node.start_mark)
        seen.add(key)
    return loader.construct_mapping(node, deep=True)


_UniqueKeys.add_constructor(yaml.resolver.BaseResolver.DEFAULT_MAPPING_TAG, _mapping)
