"""Telling a human by a path that is not Postgres: standard error and syslog always, a webhook or mail where configured.

What belongs here: sending, each way in a thread of its own: a mail server that hangs holds nothing up, syslog neither.
What does not: deciding that something is an incident (core/). Texts carry ids only.
"""

from __future__ import annotations

import http.client
import json
import logging
import logging.handlers
import queue
import socket
import sys
import time
import urllib.request
from collections.abc import Sequence

_LOG = logging.getLogger("callguard.alert")
_SECONDS = 5.0


class _Way(logging.handlers.QueueListener):
    """One way out, in a thread of its own."""

    def __init__(self, handler: logging.Handler) -> None:
        self.waiting: queue.SimpleQueue[logging.LogRecord] = queue.SimpleQueue()
        super().__init__(self.waiting, handler)
        self.start()

    def finish(self, until: float) -> None:
        """Send what is left, no longer than UNTIL on the monotonic clock."""
        if self._thread is not None:
            self._thread.join(max(0.0, until - time.monotonic()))
            self._thread = None


_ways: list[_Way] = []


def open_alerts(
    syslog: str, webhook: str = "", mail_host: str = "", mail_from: str = "", mail_to: Sequence[str] = ()
) -> None:
    """Send alerts from now on to standard error and to SYSLOG (a socket path, "host:port", '' for none).

    WEBHOOK: an http(s) address that gets one JSON object an alert. MAIL_HOST: "host" or "host:port" of a mail server
    that takes mail from MAIL_FROM to MAIL_TO without a password.
    """
    close_alerts()
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False
    _LOG.handlers = [logging.StreamHandler(sys.stderr)]
    away = _syslog(syslog) if syslog else []
    if webhook:
        away.append(_Webhook(webhook))
    if mail_host:
        away.append(_Mail(_address(mail_host, 25), mail_from, list(mail_to), "callguard incident", timeout=_SECONDS))
    for handler in away:
        _ways.append(_Way(handler))
        _LOG.addHandler(logging.handlers.QueueHandler(_ways[-1].waiting))


def close_alerts() -> None:
    """Send what is left, for a few seconds, and let go."""
    until = time.monotonic() + _SECONDS
    for way in _ways:
        way.enqueue_sentinel()
    while _ways:
        _ways.pop().finish(until)


def alert(incident: str, call_id: str) -> None:
    """One line about one incident: its kind, and the call's id if it concerns one."""
    _LOG.warning("callguard incident kind=%s call=%s", incident, call_id or "-", extra={"incident": incident})


def _address(text: str, port: int) -> tuple[str, int]:
    host, colon, number = text.rpartition(":")
    return (host, int(number)) if colon and number.isdigit() else (text, port)


def _syslog(where: str) -> list[logging.Handler]:
    address: str | tuple[str, int] = where if where.startswith("/") else _address(where, 514)
    try:
        return [_Syslog(address, facility="auth")]
    except (OSError, socket.gaierror):
        _LOG.warning(_away("syslog"))
        return []


def _away(what: str) -> str:
    return f"alerts: {what} is not reachable; standard error has them"


def _say_once(handler: logging.Handler, what: str) -> None:
    """That a way is closed is said once, not with a traceback for every alert; each alert tries it anew."""
    if not getattr(handler, "said", False):
        handler.said = True  # type: ignore[attr-defined]
        sys.stderr.write(_away(what) + "\n")


class _Syslog(logging.handlers.SysLogHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        _say_once(self, "syslog")


class _Mail(logging.handlers.SMTPHandler):
    def handleError(self, record: logging.LogRecord) -> None:
        _say_once(self, "the mail server")


class _Webhook(logging.Handler):
    """POSTs {"incident", "call_id", "at"} as JSON; `at` in seconds since the epoch."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self.address = address

    def emit(self, record: logging.LogRecord) -> None:
        call_id = str(record.getMessage()).rpartition("call=")[2]
        body = {"incident": getattr(record, "incident", ""), "call_id": call_id, "at": record.created}
        request = urllib.request.Request(
            self.address, json.dumps(body).encode(), {"Content-Type": "application/json"}, method="POST"
        )
        try:
            with urllib.request.urlopen(request, timeout=_SECONDS):
                pass
        except (OSError, http.client.HTTPException):  # the second: whatever answers speaks no HTTP
            _say_once(self, "the webhook")
