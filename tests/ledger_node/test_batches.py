"""What a node's answer to several requests says."""

import pytest

from ledger_node.batches import in_order, is_over_limit, is_too_much


@pytest.mark.parametrize(
    "told",
    [
        None,
        {"id": None, "error": {"code": -32600, "message": "batch too large"}},
        [],
        [{"id": 1, "result": 1}],
        [{"id": 1, "result": 1}, {"id": 1, "result": 2}],
        [{"id": 1, "result": 1}, {"id": None, "error": {}}],
        [{"id": 1, "result": 1}, {"id": True, "result": 1}],
        [{"id": 1, "result": 1}, "2"],
        "ab",
    ],
)
def test_what_is_no_answer_to_each_request_is_none(told: object) -> None:
    assert in_order(told, 2) is None


def test_answers_come_back_in_the_order_of_the_requests() -> None:
    assert in_order([{"id": 8, "result": "b"}, {"id": 7, "result": "a"}], 2) == [
        {"id": 7, "result": "a"},
        {"id": 8, "result": "b"},
    ]


@pytest.mark.parametrize(
    ("code", "message", "too_much", "over_limit"),
    [
        (-32600, "batch too large", True, False),
        (-32005, "Number of requests exceeds max batch size", True, True),
        (-32003, "response too large", True, False),
        (-32002, "request timed out", True, False),
        (-32005, "query returned more than 10000 results", False, False),
        (-32005, "limit exceeded", False, True),
        (-32601, "the method eth_getBlockReceipts does not exist/is not available", False, False),
        (-32000, "header not found", False, False),
    ],
)
def test_the_words_of_nodes_are_understood(code: int, message: str, too_much: bool, over_limit: bool) -> None:
    error = {"code": code, "message": message}
    assert (is_too_much(error), is_over_limit(error)) == (too_much, over_limit)
    assert not is_too_much(None)
