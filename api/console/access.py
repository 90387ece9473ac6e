"""Who may see a page and send a form: signed-in people, from pages of this console only."""

from typing import Annotated

from fastapi import Depends, Form, Request

from api.problems import ProblemError
from api.security.access import refuse_other_sites, session_principal
from api.security.roles import Principal
from api.services import services_of


def signed_in(request: Request) -> Principal:
    """The person behind the session. Raises ProblemError unauthenticated, which becomes the sign-in page."""
    services = services_of(request)
    principal = session_principal(request)
    if principal is None:
        raise ProblemError("unauthenticated", "sign in first")
    services.limits.hit("pages", principal.actor, services.section.reads_per_minute)
    return principal


def form_sender(request: Request, form_token: Annotated[str, Form()] = "") -> Principal:
    """The person who sent a form from a page of this session. Raises ProblemError cross-site for any other form."""
    refuse_other_sites(request)
    principal = signed_in(request)
    sessions = services_of(request).sessions
    if principal.session is None or not sessions.form_token_matches(principal.session, form_token):
        raise ProblemError("cross-site", "the form is not of this session; open the page again")
    return principal


Sender = Annotated[Principal, Depends(form_sender)]
