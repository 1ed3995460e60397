"""Incidents leave by syslog and standard error, as one line each."""

from __future__ import annotations

import contextlib
import http.server
import io
import json
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

from callguard.engine.alerts import alert, close_alerts, open_alerts


def told(syslog: str) -> str:
    """What standard error shows of one alert."""
    with contextlib.redirect_stderr(io.StringIO()) as error:
        open_alerts(syslog)
        alert("mask_failed", "018d")
        alert("pbx_lost", "")
        open_alerts("")
    return error.getvalue()


def test_without_syslog_standard_error_has_it() -> None:
    assert told("").splitlines() == [
        "callguard incident kind=mask_failed call=018d",
        "callguard incident kind=pbx_lost call=-",
    ]


def test_by_a_socket_of_this_machine(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log:
        log.bind(str(tmp_path / "log"))
        log.settimeout(5)
        told(str(tmp_path / "log"))
        assert b"callguard incident kind=mask_failed call=018d" in log.recv(1000)


def test_by_the_network() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as log:
        log.bind(("127.0.0.1", 0))
        log.settimeout(5)
        told(f"127.0.0.1:{log.getsockname()[1]}")
        assert b"kind=mask_failed" in log.recv(1000)


def test_a_syslog_that_is_not_there_is_said_once_and_no_end(tmp_path: Path) -> None:
    lines = told(str(tmp_path / "none")).splitlines()
    assert "callguard incident kind=pbx_lost call=-" in lines
    assert sum("syslog is not reachable" in line for line in lines) == 1


def test_by_a_webhook() -> None:
    heard: list[dict[str, object]] = []

    class Hook(http.server.BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            heard.append(json.loads(self.rfile.read(int(self.headers["Content-Length"]))))
            self.send_response(204)
            self.end_headers()

        def log_message(self, format: str, *args: object) -> None:
            pass

    with http.server.HTTPServer(("127.0.0.1", 0), Hook) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        with contextlib.redirect_stderr(io.StringIO()):
            open_alerts("", webhook=f"http://127.0.0.1:{server.server_port}/x")
            alert("mask_failed", "018d")
            close_alerts()
        server.shutdown()
        thread.join()
    assert [(item["incident"], item["call_id"]) for item in heard] == [("mask_failed", "018d")]


def test_by_mail() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        said: list[bytes] = []
        thread = threading.Thread(target=_receive, args=(server, said))
        thread.start()
        with contextlib.redirect_stderr(io.StringIO()):
            host = f"127.0.0.1:{server.getsockname()[1]}"
            open_alerts("", mail_host=host, mail_from="pbx@example.org", mail_to=["privacy@example.org"])
            alert("recording_lost", "018e")
            close_alerts()
        thread.join()
    text = b"".join(said)
    assert b"TO:<privacy@example.org>" in text and b"callguard incident kind=recording_lost call=018e" in text


def _receive(server: socket.socket, said: list[bytes]) -> None:
    """As much of a mail server as one message needs."""
    connection, _ = server.accept()
    with connection, connection.makefile("rwb") as stream:
        stream.write(b"220 here\r\n")
        stream.flush()
        body = False
        for line in stream:
            said.append(line)
            body = (body or line.upper().startswith(b"DATA")) and line != b".\r\n"
            if body and not line.upper().startswith(b"DATA"):
                continue
            stream.write(b"354 go\r\n" if body else b"250 ok\r\n")
            stream.flush()


@contextlib.contextmanager
def answering(said: bytes) -> Iterator[str]:
    """A server at the address that is given, which says SAID, and then nothing until the end; '' is silence."""
    with socket.create_server(("127.0.0.1", 0)) as server, contextlib.ExitStack() as held:

        def serve() -> None:
            with contextlib.suppress(OSError):
                while True:
                    connection = held.enter_context(server.accept()[0])
                    connection.sendall(said)

        threading.Thread(target=serve, daemon=True).start()
        yield f"127.0.0.1:{server.getsockname()[1]}"
        server.shutdown(socket.SHUT_RDWR)


def test_what_speaks_no_http_takes_no_other_way_along(tmp_path: Path) -> None:
    with (
        answering(b"SSH-2.0-server\r\n") as address,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log,
        contextlib.redirect_stderr(io.StringIO()) as error,
    ):
        log.bind(str(tmp_path / "log"))
        log.settimeout(5)
        open_alerts(str(tmp_path / "log"), webhook=f"http://{address}/x")
        for kind in ("mask_failed", "pbx_lost"):
            alert(kind, "")
            assert kind.encode() in log.recv(1000)
        close_alerts()
    assert sum("the webhook is not reachable" in line for line in error.getvalue().splitlines()) == 1


def test_a_way_that_hangs_holds_no_other_up_and_not_the_end(tmp_path: Path) -> None:
    with (
        answering(b"") as address,
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as log,
        contextlib.redirect_stderr(io.StringIO()),
    ):
        log.bind(str(tmp_path / "log"))
        log.settimeout(3)  # less than the webhook is waited for
        open_alerts(str(tmp_path / "log"), webhook=f"http://{address}/x")
        for number in range(4):
            alert("mask_failed", f"call{number}")
        assert [log.recv(1000).rstrip(b"\0")[-5:] for _ in range(4)] == [b"call0", b"call1", b"call2", b"call3"]
        begun = time.monotonic()
        close_alerts()
    assert time.monotonic() - begun < 8  # four answers would have been waited for 20 s


def test_ways_that_are_closed_are_said_once_each_and_hold_nothing_up() -> None:
    for thread in threading.enumerate():  # a way of another test that nobody waits for any more
        if "_monitor" in thread.name:
            thread.join(20)
    with contextlib.redirect_stderr(io.StringIO()) as error:
        open_alerts("", webhook="http://127.0.0.1:9/", mail_host="127.0.0.1:9", mail_from="a@b", mail_to=["c@d"])
        alert("mask_failed", "018d")
        alert("mask_failed", "018d")
        close_alerts()
    lines = error.getvalue().splitlines()
    assert sum("the webhook is not reachable" in line for line in lines) == 1
    assert sum("the mail server is not reachable" in line for line in lines) == 1
    assert sum("kind=mask_failed" in line for line in lines) == 2
