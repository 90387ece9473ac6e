"""`cangdan segment check`: wrong use first, then what it says of files."""

import json
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
import uvicorn
from starlette.applications import Starlette

from api.cli.main import run
from api.founding.certificates import certify
from api.settings import load_settings
from ledger_node import canonical_json
from oracle.access import Access
from oracle.batch import Batcher
from oracle.formats.fleet import fleet_to_json
from oracle.formats.profile import dump_profile
from oracle.http_intake import Intake, intake_routes
from tests.api.supervisor.children import free_port
from tests.oracle.intake_kit import CONTEXT, FLEET, OTHER_KEY, PROFILE, T0, open_oracle, signed

WHERE = ["--chain-id", str(CONTEXT.chain_id), "--registry", "0x" + CONTEXT.registry.hex()]


@pytest.fixture
def files(tmp_path: Path) -> Path:
    (tmp_path / "fleet.json").write_bytes(canonical_json.dumps(fleet_to_json(FLEET)))
    (tmp_path / "profile.json").write_bytes(dump_profile(PROFILE))
    (tmp_path / "good.cose").write_bytes(signed().raw)
    return tmp_path


def by_file(files: Path, name: str, *more: str) -> list[str]:
    return ["segment", "check", str(files / name), "--fleet", str(files / "fleet.json"), *WHERE, *more]


@pytest.mark.parametrize(
    "arguments",
    [
        ["segment", "check", "missing.cose"],
        ["segment", "check", "{files}"],
        ["segment", "check", "{files}/good.cose", "--fleet", "{files}/fleet.json"],
        ["segment", "check", "{files}/good.cose", "--fleet", "{files}/good.cose", *WHERE],
        [
            "segment",
            "check",
            "{files}/good.cose",
            "--fleet",
            "{files}/fleet.json",
            "--chain-id",
            "1",
            "--registry",
            "0x1",
        ],
        ["segment", "check", "{files}/good.cose", "--chain-id", "1", "--oracle", "http://127.0.0.1:1"],
    ],
)
def test_wrong_use_ends_with_two(files: Path, arguments: list[str]) -> None:
    assert run([each.format(files=files) for each in arguments]) == 2


@pytest.mark.parametrize(
    ("raw", "reason"),
    [(b"", "malformed"), (bytes(10**6), "oversized"), (signed(OTHER_KEY).raw, "wrong_device")],
)
def test_a_refused_file_names_its_reason(
    files: Path, capsys: pytest.CaptureFixture[str], raw: bytes, reason: str
) -> None:
    (files / "bad.cose").write_bytes(raw)
    assert run(by_file(files, "bad.cose", "--json")) == 1
    told = json.loads(capsys.readouterr().out)
    assert (told["accepted"], told["reason"]) == (False, reason)


def test_the_profile_brings_the_times_in(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    profile = ["--profile", str(files / "profile.json"), "--json"]
    assert run(by_file(files, "good.cose", *profile)) == 1
    assert json.loads(capsys.readouterr().out)["reason"] == "too_old"
    assert run(by_file(files, "good.cose", *profile, "--arrived-ms", str(T0 + 180_000))) == 0


def test_a_sound_file_is_accepted(files: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(by_file(files, "good.cose", "--json")) == 0
    assert json.loads(capsys.readouterr().out) == {"accepted": True, "reason": None, "detail": ""}


@pytest.fixture
def url(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """A running oracle, which the authority in the state directory vouches for."""
    oracle = open_oracle(tmp_path)
    monkeypatch.setenv("CANGDAN_HOME", str(tmp_path))
    tls = load_settings(tmp_path)
    certify(tls.tls, tls.oracles[:1])
    files = {"ssl_certfile": tls.oracles[0].tls_certificate_file, "ssl_keyfile": tls.oracles[0].tls_key_file}
    access = Access(oracle.log.origin, oracle.chain, oracle.clock)
    intake = Intake(oracle.service, Batcher(oracle.service), access)
    application = Starlette(routes=intake_routes(intake))
    server = uvicorn.Server(uvicorn.Config(application, host="127.0.0.1", port=0, log_level="critical", **files))
    thread = threading.Thread(target=server.run)
    thread.start()
    while not server.started:
        thread.join(0.01)
    yield f"https://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
    server.should_exit = True
    thread.join()


def test_a_running_oracle_gives_the_whole_verdict(files: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    (files / "gap.cose").write_bytes(signed(seq=4).raw)
    assert run(["segment", "check", str(files / "gap.cose"), "--oracle", url, "--json"]) == 1
    assert json.loads(capsys.readouterr().out)["reason"] == "out_of_sequence"
    assert run(["segment", "check", str(files / "good.cose"), "--oracle", url]) == 0


def test_an_oracle_that_does_not_answer_is_told(files: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["segment", "check", str(files / "good.cose"), "--oracle", f"https://127.0.0.1:{free_port()}"]) == 1
    assert "gave no verdict" in capsys.readouterr().err


def test_plain_http_is_refused(files: Path, url: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert run(["segment", "check", str(files / "good.cose"), "--oracle", url.replace("https:", "http:")]) == 1
    assert "gave no verdict" in capsys.readouterr().err


def test_an_oracle_of_another_authority_is_refused(
    files: Path, url: str, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    certify(load_settings(tmp_path / "other").tls, ())
    monkeypatch.setenv("CANGDAN_TLS__AUTHORITY_FILE", str(tmp_path / "other" / "tls" / "ca.pem"))
    assert run(["segment", "check", str(files / "good.cose"), "--oracle", url]) == 1
    assert "CERTIFICATE_VERIFY_FAILED" in capsys.readouterr().err
