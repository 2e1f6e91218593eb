"""The desk on this machine alone: its address carries a key, which the browser exchanges for a cookie."""

from __future__ import annotations

import socket
from collections.abc import Callable

import uvicorn

from autograder.course import Course
from autograder.desk import application
from autograder.desk.desk_guard import LoopbackGuard, new_token
from autograder.errors import CourseError

__all__ = ["serve_desk"]

_HOST = "127.0.0.1"


def serve_desk(course: Course, port: int, say: Callable[[str], object]) -> None:
    """Serve the desk of ``course`` until Ctrl-C.

    Args:
        course: the course whose answers are graded.
        port: the port on the loopback interface; 0 takes a free one.
        say: called with the address.

    Raises:
        CourseError: the port is taken.
    """
    listening = socket.socket()
    listening.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listening.bind((_HOST, port))
    except OSError as error:
        listening.close()
        raise CourseError(f"Port {port} cannot be used: {error.strerror}. Name another one with --port.") from error
    token = new_token()
    guarded = LoopbackGuard(application(course), token)
    say(f"http://{_HOST}:{listening.getsockname()[1]}/?token={token}")
    say("Open this address in a browser on this machine. It is a key: do not pass it on. Ctrl-C ends the desk.")
    # No access log: a line would hold the key, and whose answer was read when.
    config = uvicorn.Config(guarded, log_level="warning", access_log=False, server_header=False, lifespan="off")
    with listening:
        uvicorn.Server(config).run(sockets=[listening])
