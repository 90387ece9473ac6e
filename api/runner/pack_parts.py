"""The nouns of a scenario pack: parties, devices and their streams, schemas, receipts, facilities, covers."""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, ConfigDict, Field, model_validator

from api.runner.quantities import duration_ms, time_ms


def _checked(read: Callable[[str], int]) -> Callable[[str], str]:
    def check(text: str) -> str:
        read(text)
        return text

    return check


Duration = Annotated[str, AfterValidator(_checked(duration_ms)), Field(description="ISO 8601, to the second.")]
Time = Annotated[str, AfterValidator(_checked(time_ms)), Field(description="RFC 3339, with offset.")]
Key = Annotated[str, Field(pattern=r"^[a-z][a-z0-9_.-]{0,40}$")]
Comparison = Annotated[str, Field(pattern=r"^(<|<=|>|>=|=|!=) -?\d+(\.\d+)?$", description="For example '< 24000'.")]


class Strict(BaseModel):
    """Nothing but what is declared: an unknown key is a mistake, not a wish."""

    model_config = ConfigDict(extra="forbid", populate_by_name=True, frozen=True)


class Text(Strict):
    """Words in both languages of the console."""

    en: str = Field(min_length=1)
    zh: str = Field(min_length=1, description="Simplified Chinese.")


class Party(Strict):
    """A legal entity that takes part."""

    kind: Literal["bank", "keeper", "insurer", "depositor", "inspector", "regulator"]
    name: str = Field(min_length=1, max_length=120)
    name_zh: str | None = Field(default=None, max_length=120)
    identifier: str = Field(
        min_length=18, max_length=20, description="LEI or 统一社会信用代码, with right check digits."
    )
    address: str = Field(min_length=1, max_length=400)
    licence: str | None = Field(default=None, description="A keeper's.")


class Channel(Strict):
    """One quantity that a device measures; values are integers times 10^exp10 of the unit."""

    type: Literal["int", "text", "digest"] = "int"
    event: bool = Field(default=False, description="Read when something happens, not at the profile's cadence.")
    unit: str = Field(default="C62", description="UN/ECE Recommendation 20 code.")
    exp10: int = Field(default=0, ge=-12, le=12)
    least: str | None = Field(default=None, description="Gross range, in the unit.")
    most: str | None = None
    fastest: str | None = Field(default=None, description="Largest change from one reading to the next.")
    stuck_after: int | None = Field(default=None, ge=2, description="Equal readings, zeros apart, that count as stuck.")


class Profile(Strict):
    """What a kind of device must measure, how often, and how late it may tell."""

    channels: dict[Key, Channel] = Field(min_length=1)
    cadence: Duration
    backfill: Duration = "P1D"
    silent_after: Duration | None = Field(default=None, description="A live device is missing after this long.")


class RecordedChannel(Strict):
    """One column of a recorded file."""

    column: str
    exp10: int = Field(default=0, ge=-12, le=12)


class Recorded(Strict):
    """A stream from a CSV file: empty cells are gaps and stay gaps, times are the file's own."""

    file: str = Field(pattern=r"^([A-Za-z0-9_-]+/)*[A-Za-z0-9_.-]+\.csv$", description="Beside the pack.")
    time: str = Field(description="Column of RFC 3339 times.")
    channels: dict[Key, RecordedChannel] = Field(min_length=1)
    truth: str | None = Field(
        default=None, description="A column that the expectations compare with; no device sees it."
    )
    episodes: dict[str, tuple[Time, Time]] = Field(default={}, description="Name to first and last time, inclusive.")


class Shift(Strict):
    """A stretch in which a channel is off by `add`."""

    start: Duration
    end: Duration
    channel: Key
    add: str
    episode: str | None = None


class Event(Strict):
    """One reading at one moment: an event code or a text."""

    at: Duration
    channel: Key
    value: int | str
    also: dict[Key, int | str] = Field(default={}, description="Other channels read at the same moment.")
    episode: str | None = None


class Level(Strict):
    """The honest course of a channel: a level and uniform noise to either side, in the unit."""

    level: str
    noise: str = "0"


class Simulated(Strict):
    """A stream made from a seed."""

    every: Duration
    until: Duration
    levels: dict[Key, Level] = Field(default_factory=dict)
    shifts: list[Shift] = Field(default_factory=list)
    events: list[Event] = Field(default_factory=list)


class Stream(Strict):
    """What a device will measure: recorded or simulated."""

    recorded: Recorded | None = None
    simulated: Simulated | None = None
    segment: Duration = Field(default="PT1M", description="Readings of at most this long are signed together.")

    @model_validator(mode="after")
    def _one_of_both(self) -> Stream:
        if (self.recorded is None) == (self.simulated is None):
            raise ValueError("a stream is either recorded or simulated")
        return self

    def episodes(self) -> set[str]:
        """The episodes that take place in this stream."""
        if self.recorded is not None:
            return set(self.recorded.episodes)
        assert self.simulated is not None
        happenings: list[Shift | Event] = [*self.simulated.shifts, *self.simulated.events]
        return {happening.episode for happening in happenings if happening.episode is not None}


class Device(Strict):
    """A device, who runs it, and what it watches."""

    owner: Key
    profile: Key
    watches: Key
    stream: Stream


class Metric(Strict):
    """One agreed figure a period: how it comes from the readings of which channels."""

    subject: Key
    aggregate: str = Field(description="One of those in docs/formats/observation.md.")
    of: list[str] = Field(min_length=1, description="device.channel")
    against: list[str] = Field(
        default_factory=list, description="unmatched: the channels that would justify a reading."
    )
    lookback: Duration | None = Field(default=None, description="unmatched: how far back a justification may lie.")
    exp10: int = Field(default=0, ge=-12, le=12)
    daylight: Duration | None = Field(default=None, description="Only between sunrise and sunset, less this margin.")
    complete: int = Field(
        default=0, ge=0, le=100, description="Share of expected readings, per cent, below which it fails."
    )
    name: Key


class Place(Strict):
    """Where daylight is taken, and the offset of the file's clock."""

    latitude: str
    longitude: str
    clock: str = Field(default="+00:00", pattern=r"^[+-]\d\d:\d\d$")


class Schema(Strict):
    """Which figures the oracles agree on together, and for which period."""

    period: Duration | None = Field(default=None, description="Absent: a round at once for each event.")
    lateness: Duration = "PT0S"
    place: Place | None = None
    triggers: list[str] = Field(default_factory=list, description="Channels whose readings are the events.")
    metrics: list[Metric] = Field(min_length=1)

    @model_validator(mode="after")
    def _events_have_triggers(self) -> Schema:
        if (self.period is None) != bool(self.triggers):
            raise ValueError("a schema has either a period or triggers")
        return self

    def sources(self) -> tuple[str, ...]:
        """The channels that the metrics use, as device.channel, in order of first use."""
        named = [*self.triggers, *(source for metric in self.metrics for source in (*metric.of, *metric.against))]
        return tuple(dict.fromkeys(named))

    def device_names(self) -> set[str]:
        """The devices whose readings the metrics use."""
        return {source.split(".", 1)[0] for source in self.sources()}


class GoodsUnit(Strict):
    """A physical unit by its label; heat and serial numbers name their maker."""

    kind: Literal["rfid", "heat", "ear-tag", "serial", "container", "vin"]
    label: str = Field(min_length=1, max_length=120)
    maker: str = ""


class Receipt(Strict):
    """Goods for which a receipt is issued; content fields as in docs/formats/documents.md."""

    keeper: Key
    depositor: Key
    quantity: int = Field(gt=0, description="In base units.")
    unit: str = "KGM"
    units: list[GoodsUnit] = Field(default_factory=list, max_length=64)
    content: dict[str, Any] = Field(description="Its fields as in docs/formats/documents.md, less those told above.")
    watched: Key | None = Field(default=None, description="The subject that devices watch for these goods.")
    replaces: Key | None = None


class Instalment(Strict):
    """One payment: the period it is for, the date it is due, the amount in minor units."""

    start: Time
    due: Time
    amount: int = Field(gt=0)


class Condition(Strict):
    """What must be observed, how often running."""

    schema_: Key = Field(alias="schema")
    subject: Key
    metric: Key
    kind: Literal["mass", "movement", "image", "climate", "energy", "count", "state"]
    value: Comparison
    running: int = Field(default=1, ge=1, le=31)
    missing: Literal["breaks", "skips"] = "breaks"
    accept: list[Literal["pass", "suspect"]] = ["pass"]


class Rule(Strict):
    """A clause that acts by itself."""

    name: Key
    title: str = Field(min_length=1)
    clause: Text
    action: Literal["hold", "review", "defer", "open_claim"]
    days: int = Field(default=0, ge=0, le=366, description="By how much a deferral moves the date.")
    cover: Key | None = Field(default=None, description="Of open_claim: the cover that it opens claims under.")
    single_kind: bool = Field(default=False, description="The agreement says that one kind of evidence is enough.")
    within: Duration = "P1D"
    when: list[Condition] = Field(min_length=1, max_length=8)

    @model_validator(mode="after")
    def _claims_name_their_cover(self) -> Rule:
        if (self.action == "open_claim") != (self.cover is not None):
            raise ValueError("cover: a rule names one exactly when its action is open_claim")
        return self


class Panel(Strict):
    """Who reviews, and how many of them must agree."""

    reviewers: list[Key] = Field(min_length=1, max_length=7)
    quorum: int = Field(ge=1, le=7)


class Facility(Strict):
    """A credit line with its instalments and rules."""

    lender: Key
    borrower: Key
    currency: str = Field(pattern=r"^[A-Z]{3}$")
    limit: int = Field(gt=0, description="Minor units.")
    rate_bps: int = Field(ge=0, description="Basis points a year.")
    purpose: str = Field(min_length=1)
    panel: Panel
    instalments: list[Instalment] = Field(min_length=1, max_length=64)
    rules: list[Rule] = Field(min_length=1, max_length=32)


class Cover(Strict):
    """An insurance cover on a facility."""

    insurer: Key
    insured: Key
    facility: Key
    start: Time
    end: Time
    sum: int = Field(gt=0)
    perils: list[str] = Field(min_length=1)
