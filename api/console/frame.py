"""What stands around each page's content: navigation with counts, the strip "as of block", the reader's words."""

from dataclasses import dataclass
from typing import Annotated, Any

from fastapi import Depends, Query, Request
from starlette.responses import Response

from api.console.access import signed_in
from api.console.i18n import language_of
from api.console.render import page, translator
from api.console.seals import seal_words
from api.console.words import moment
from api.records.papers import Papers
from api.records.reading import AsOf, as_of, papers
from api.records.sight import Sight
from api.security.roles import Principal
from api.services import Services, services_of
from api.times import milliseconds
from api.v1.rendering import Renderer
from oracle.formats.metric import Metric


@dataclass(frozen=True, slots=True)
class Strip:
    """The strip on top of every page: which block the page is true at."""

    number: str
    time: str
    final: bool
    seal: str
    lag: str
    past: bool
    present_link: str
    offset: str
    picker: str


class Frame:
    """One page about one block, for one person in one language."""

    def __init__(self, request: Request, principal: Principal, state: AsOf) -> None:
        self.request = request
        self.principal = principal
        self.state = state
        self.services: Services = services_of(request)
        self.language = language_of(request)
        self.zone = self.services.zone
        self.sight = Sight(principal, state.snapshot)
        self.papers: Papers = papers(request, principal)
        names = self.services.members()
        self.render = Renderer(self.sight, self.papers, lambda number: names.name_of(number, self.language), self.zone)
        self.metrics: dict[bytes, dict[bytes, Metric]] = {}
        catalogue = translator(self.language)
        self.say = catalogue.gettext
        self.count = catalogue.ngettext

    def name(self, entity: int) -> str:
        """The name of an entity that the page's record names."""
        known = self.services.members().name_of(entity, self.language)
        return known or self.say("entity %d") % entity

    def moment(self, seconds: int) -> str:
        """A time of the chain, absolute, with its offset."""
        return moment(seconds, self.zone)

    def page(self, template: str, status: int = 200, **context: Any) -> Response:
        """The page with its strip."""
        return page(self.request, template, self.principal, status=status, strip=self.strip(), frame=self, **context)

    def link(self, path: str) -> str:
        """A link that stays in the past when this page is of the past."""
        return f"{path}?as_of_block={self.state.block.number}" if self.state.past else path

    def strip(self) -> Strip:
        """What this page is true of."""
        block = self.state.block
        behind = self.services.clock.now_ms() // 1000 - block.time
        lag = ""
        if not self.state.past and behind > 60:
            lag = self.say("no new block for %d min") % (behind // 60)
        at = moment(block.time, self.zone)
        return Strip(
            number=f"{block.number:,}",
            time=at,
            final=self.state.final,
            seal=seal_words(*self.services.index.header(block.number), self.say),
            lag=lag,
            past=self.state.past,
            present_link=self.request.url.path,
            offset=at[-6:],
            picker=f"{at[:10]}T{at[11:16]}",
        )


def frame(
    request: Request,
    principal: Annotated[Principal, Depends(signed_in)],
    as_of_block: Annotated[int | None, Query(ge=0)] = None,
    as_of_time: str | None = None,
) -> Frame:
    """The frame of a page; a time without offset, as date pickers give it, is in the console's zone."""
    if not as_of_time:
        as_of_time = None
    elif "+" not in as_of_time and "Z" not in as_of_time:
        as_of_time = _with_offset(as_of_time, services_of(request))
    return Frame(request, principal, as_of(request, as_of_block, as_of_time))


def _with_offset(text: str, services: Services) -> str:
    offset = moment(services.clock.now_ms() // 1000, services.zone)[-6:]
    try:
        milliseconds(f"{text}{offset}")
    except ValueError:
        return text
    return f"{text}{offset}"


Framed = Annotated[Frame, Depends(frame)]
