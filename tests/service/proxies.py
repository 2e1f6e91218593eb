"""nginx and Caddy as docs/serving.md configures them, each with a certificate of its own, on loopback."""

from __future__ import annotations

import http.client
import os
import random
import re
import shutil
import socket
import ssl
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

DOCS = Path(__file__).parents[2] / "docs" / "serving.md"
NGINX = shutil.which("nginx", path=f"{os.environ['PATH']}:/usr/sbin")
CADDY = shutil.which("caddy")


def free_port() -> int:
    """A port that nobody listens on, below those that the system gives to connections meanwhile."""
    while True:
        port = random.randrange(20_000, 32_000)
        with socket.socket() as probe, suppress(OSError):
            probe.bind(("", port))
            return port


def documented(kind: str) -> str:
    """The one block of that kind in the docs."""
    (block,) = re.findall(rf"```{kind}\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return str(block)


def adapted(text: str, changes: dict[str, str]) -> str:
    """A configuration for this test; what it changes has to be there."""
    for before, after in changes.items():
        assert before in text, before
        text = text.replace(before, after)
    return text


def nginx_command(folder: Path, port: int, behind: int) -> list[str]:
    changes = {
        "listen 443 ssl": f"listen 127.0.0.1:{port} ssl",
        "/etc/ssl/course.example.org.pem": f"{folder}/certificate.pem",
        "/etc/ssl/private/course.example.org.key": f"{folder}/key.pem",
        "http://127.0.0.1:8321": f"http://127.0.0.1:{behind}",
    }
    block = adapted(documented("nginx"), changes)
    own = " ".join(
        f"{name}_temp_path {folder}/{name};" for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    user = "user root;" if os.getuid() == 0 else ""
    text = f"daemon off; {user} pid {folder}/pid; events {{}} http {{ access_log off; {own}\n{block} }}"
    (folder / "nginx.conf").write_text(text)
    assert NGINX is not None
    return [NGINX, "-p", str(folder), "-e", f"{folder}/error.log", "-c", f"{folder}/nginx.conf"]


def caddy_command(folder: Path, port: int, behind: int) -> list[str]:
    site = f"https://127.0.0.1:{port} {{\ntls {folder}/certificate.pem {folder}/key.pem"
    changes = {"course.example.org {": site, "reverse_proxy 127.0.0.1:8321": f"reverse_proxy 127.0.0.1:{behind}"}
    block = adapted(documented("caddy"), changes)
    (folder / "Caddyfile").write_text(f"{{\nadmin off\nauto_https off\n}}\n{block}")
    assert CADDY is not None
    return [CADDY, "run", "--config", str(folder / "Caddyfile"), "--adapter", "caddyfile"]


COMMANDS = {"nginx": (NGINX, nginx_command), "caddy": (CADDY, caddy_command)}


@contextmanager
def proxy(kind: str, folder: Path, port: int, behind: int) -> Iterator[None]:
    """A running proxy at ``port``, before a service at ``behind``."""
    program, command = COMMANDS[kind]
    if program is None:
        pytest.skip(f"needs {kind}: apt-get install {kind}")
    words = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    words += ["-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1", "-days", "2"]
    words += ["-keyout", "key.pem", "-out", "certificate.pem"]
    subprocess.run(words, cwd=folder, check=True, capture_output=True)
    environment = {**os.environ, "XDG_DATA_HOME": str(folder), "XDG_CONFIG_HOME": str(folder)}
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command(folder, port, behind), env=environment, stdout=log, stderr=log)
        try:
            until_listening(port, process, folder / "log")
            yield
        finally:
            process.terminate()
            process.wait(30)


def until_listening(port: int, process: subprocess.Popen[bytes], log: Path) -> None:
    end = time.monotonic() + 120
    while True:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < end, log.read_text()
            time.sleep(0.1)


def connection(folder: Path, port: int, source: str = "127.0.0.1") -> http.client.HTTPSConnection:
    """A connection to the proxy, whose certificate is checked, from an address of this machine."""
    trusted = ssl.create_default_context(cafile=folder / "certificate.pem")
    return http.client.HTTPSConnection("127.0.0.1", port, timeout=30, context=trusted, source_address=(source, 0))


@contextmanager
def service(root: Path, port: int, *more: str) -> Iterator[subprocess.Popen[bytes]]:
    """``autograder serve`` as a process of its own."""
    words = [sys.executable, "-m", "autograder", "serve", "--course", str(root), "--port", str(port), *more]
    with (root / "service.log").open("wb") as log:
        process = subprocess.Popen(words, stdout=log, stderr=log)
        try:
            until_listening(port, process, root / "service.log")
            with urllib.request.urlopen(f"http://127.0.0.1:{port}/health", timeout=30) as answer:
                assert answer.read() == b"ok\n"
            yield process
        finally:
            process.terminate()
            process.wait(60)
