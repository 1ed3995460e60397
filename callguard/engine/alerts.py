"""Telling a human by a path that is not Postgres: syslog, and standard error.

What belongs here: sending. What does not: deciding that something is an incident (core/). Texts carry ids only.
"""

from __future__ import annotations

import logging
import logging.handlers
import socket
import sys

_LOG = logging.getLogger("callguard.alert")
_NO_SYSLOG = "alerts: syslog is not reachable; standard error only"


def open_alerts(syslog: str) -> None:
    """Send alerts to SYSLOG (a socket path, "host:port", or '' for none) and to standard error."""
    _LOG.setLevel(logging.INFO)
    _LOG.propagate = False
    _LOG.handlers = [logging.StreamHandler(sys.stderr)]
    if syslog:
        address: str | tuple[str, int] = syslog
        host, colon, port = syslog.rpartition(":")
        if colon and port.isdigit():
            address = (host, int(port))
        try:
            _LOG.addHandler(_Syslog(address, facility="auth"))
        except (OSError, socket.gaierror):
            _LOG.warning(_NO_SYSLOG)


class _Syslog(logging.handlers.SysLogHandler):
    """Syslog that may be away: that is said once, not with a traceback for every alert; each alert tries it anew."""

    said = False

    def handleError(self, record: logging.LogRecord) -> None:
        if not self.said:
            self.said = True
            sys.stderr.write(_NO_SYSLOG + "\n")


def alert(incident: str, call_id: str) -> None:
    """One line about one incident: its kind, and the call's id if it concerns one."""
    _LOG.warning("callguard incident kind=%s call=%s", incident, call_id or "-")
