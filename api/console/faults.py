"""Refusals of this service in the reader's language. Programs get the English text of the problem document."""

import re

from api.console.causes import cause_words
from api.console.phrases import Say
from api.problems import Kind, ProblemError


def title_words(kind: Kind, say: Say) -> str:
    """What kind of refusal it is."""
    return say(kind.title)


def mend_words(kind: Kind, say: Say) -> str:
    """What mends it."""
    return say(kind.mend)


def detail_words(problem: ProblemError, say: Say) -> str:
    """What exactly is wrong; the kind's own words where the text holds values that no catalogue can know."""
    cause = problem.extra.get("cause")
    if isinstance(cause, dict):
        name = str(cause["name"])
        told = cause_words(name, say)
        return f"{told} ({name})" if told else say("The contracts refuse it: %s") % name
    if told := _with_values(problem, say):
        return told
    return say(problem.detail)


def _with_values(problem: ProblemError, say: Say) -> str:
    sentences = {
        r"cannot be proved at this block: (.*)": say("It cannot be proved at this block (%s)."),
        r"no such (\w+) among those that this member may see": say("No such record among those that you may see."),
        r"no such receipt among .*; its pledge was released in block (\d+): .*": say(
            "Your pledge of it was released in block %s: you see it as it was until then."
        ),
        r"block (\d+) is not in the index, which reaches block (\d+)": say(
            "Block %s is not in the index, which reaches block %s."
        ),
        r"(\d+) more must consent, of the entities .*": say("%s more must consent."),
        r"the draft was sent already: operation (\w+)": say("The draft was sent before, as operation %s."),
        r"(?:pages|reads|writes): at most (\d+) requests a minute": say("At most %s requests a minute."),
    }
    for pattern, words in sentences.items():
        if found := re.fullmatch(pattern, problem.detail):
            return words % found.groups() if "%s" in words else words
    return ""
