"""The guard-rails of size notice what is too long."""

from tools.size_guard import too_long


def function(lines: int) -> str:
    return "def long():\n" + "    pass\n" * (lines - 1)


def test_a_long_module_is_named() -> None:
    assert list(too_long("a.py", "x = 1\n" * 401)) == ["a.py: 401 lines, a module may have 400"]
    assert not list(too_long("a.py", "x = 1\n" * 400))


def test_a_long_function_is_named_with_its_line() -> None:
    assert list(too_long("a.py", "\n" + function(51))) == ["a.py:2: long has 51 lines, it may have 50"]
    assert not list(too_long("a.py", function(50)))


def test_a_long_contract_is_named_and_a_long_function_in_it() -> None:
    body = "    function pay() external {\n" + "        a();\n" * 49 + "    }\n"
    text = "contract Desk is A {\n" + body + "    uint256 a;\n" * 300 + "}\n"
    assert list(too_long("a.sol", text)) == [
        "a.sol:1: Desk has 353 lines, it may have 300",
        "a.sol:2: pay has 51 lines, it may have 50",
    ]


def test_a_contract_of_tests_may_be_as_long_as_a_module() -> None:
    text = "contract DeskTest {\n" + "    uint256 a;\n" * 350 + "}\n"
    assert not list(too_long("tests/contracts/Desk.t.sol", text))
    assert list(too_long("contracts/Desk.sol", text))


def test_a_declaration_without_a_body_ends_at_its_semicolon() -> None:
    text = "interface I {\n" + "    function a(\n        uint256 b\n    ) external;\n" * 60 + "}\n"
    assert not list(too_long("a.sol", text))


def test_generated_files_are_left_out() -> None:
    assert not list(too_long("a.py", '"""Generated from the artifacts."""\n' + "x = 1\n" * 500))
