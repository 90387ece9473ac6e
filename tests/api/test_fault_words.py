"""What a log says of a fault, and what it must not say."""

from sqlalchemy.exc import OperationalError

from api.fault_words import fault_words

SECRET = "whsec_QUJDREVGR0hJSktMTU5PUFFSU1RVVg=="


def test_addresses_secrets_and_what_a_statement_was_given_are_left_out():
    statement = OperationalError("UPDATE t SET a = ?", {"a": SECRET}, Exception("database is locked"))
    assert fault_words(statement) == "OperationalError: database is locked"
    address = ValueError(f"https://ada:pw@hooks.example/{SECRET}: no answer\nwith {SECRET}")
    assert fault_words(address) == "ValueError: (address) no answer with (left out)"


def test_type_message_and_line_are_said():
    try:
        raise KeyError("webhook")
    except KeyError as error:
        said = fault_words(error)
    assert said.startswith("KeyError: 'webhook' at test_fault_words.py:")
    assert fault_words(KeyError()) == "KeyError"
