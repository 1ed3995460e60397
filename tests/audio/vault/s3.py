"""A real server that speaks S3, and a proxy in front of it that misbehaves on demand."""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

import boto3

from callguard.audio.vault.bucket import Address

SKEWED = b"<Error><Code>RequestTimeTooSkewed</Code><Message>clock</Message></Error>"


def free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return int(probe.getsockname()[1])


def client(endpoint: str) -> Any:
    return boto3.client(
        "s3", endpoint_url=endpoint, aws_access_key_id="k", aws_secret_access_key="s", region_name="us-east-1"
    )


@dataclass(frozen=True)
class S3:
    """The server, and the way to it through the proxy."""

    endpoint: str
    proxy: Proxy

    def address(self, bucket: str, *, direct: bool = True, lock: str = "", object_lock: bool = False) -> Address:
        """A fresh bucket."""
        client(self.endpoint).create_bucket(Bucket=bucket, ObjectLockEnabledForBucket=object_lock)
        endpoint = self.endpoint if direct else self.proxy.endpoint
        return Address(bucket, "calls", endpoint, access_key="k", secret_key="s", lock=lock)


@dataclass
class Proxy:
    """Passes requests on. `faults`: what to do with the next ones instead: a status, "hang", "half" or "skewed"."""

    target: int
    port: int = field(default_factory=free_port)
    faults: list[int | str] = field(default_factory=list)
    seen: list[str] = field(default_factory=list)

    @property
    def endpoint(self) -> str:
        return f"http://127.0.0.1:{self.port}"


class _Handler(BaseHTTPRequestHandler):
    proxy: ClassVar[Proxy]
    protocol_version = "HTTP/1.1"

    def _any(self) -> None:
        length = int(self.headers.get("content-length") or 0)
        self.proxy.seen.append(f"{self.command} {self.path}")
        fault = self.proxy.faults.pop(0) if self.proxy.faults else None
        if fault == "half":  # a part of what was sent is read, then the line is cut
            self.rfile.read(length // 2)
            self.connection.shutdown(socket.SHUT_RDWR)
            return
        body = self.rfile.read(length)
        match fault:
            case "hang":
                time.sleep(0.3)
                self.connection.shutdown(socket.SHUT_RDWR)
            case "skewed":
                self._answer(403, SKEWED)
            case int():
                self._answer(fault, b"<Error><Code>SlowDown</Code></Error>")
            case _:
                self._pass_on(body)

    do_GET = do_PUT = do_POST = do_DELETE = do_HEAD = _any

    def _pass_on(self, body: bytes) -> None:
        way = http.client.HTTPConnection("127.0.0.1", self.proxy.target, timeout=20)
        way.request(self.command, self.path, body, dict(self.headers))
        answer = way.getresponse()
        self._answer(answer.status, answer.read(), dict(answer.headers))

    def _answer(self, status: int, body: bytes, headers: dict[str, str] | None = None) -> None:
        self.send_response(status)
        kept = {k: v for k, v in (headers or {}).items() if k.lower() not in ("transfer-encoding", "connection")}
        if self.command != "HEAD":
            kept = {k: v for k, v in kept.items() if k.lower() != "content-length"} | {"Content-Length": str(len(body))}
        for name, value in kept.items():
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)

    def log_message(self, format: str, *args: Any) -> None:
        pass


@contextmanager
def serving() -> Iterator[S3]:
    """Both up; ended afterwards."""
    port = free_port()
    command = [sys.executable, "-c", "from moto.server import main; main()", "-H", "127.0.0.1", "-p", str(port)]
    server = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    proxy = Proxy(port)
    handler = type("Handler", (_Handler,), {"proxy": proxy})
    front = ThreadingHTTPServer(("127.0.0.1", proxy.port), handler)
    front.daemon_threads = True
    threading.Thread(target=front.serve_forever, daemon=True).start()
    try:
        _await(port)
        yield S3(f"http://127.0.0.1:{port}", proxy)
    finally:
        front.shutdown()
        front.server_close()
        server.terminate()
        server.wait()


def _await(port: int) -> None:
    end = time.monotonic() + 60
    while time.monotonic() < end:
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.1)
    raise AssertionError("the S3 server did not start")
