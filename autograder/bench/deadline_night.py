"""The night of a deadline: a class hands in several times within minutes, on this machine, over loopback.

Run as ``python -m autograder.bench.deadline_night``. Each student is a thread that uploads as a browser does, follows
the stream of events, and stops the clock when the feedback is there. One of them floods, one hands in an endless loop,
and the service is killed and started again as often as ``--kills`` says. In the end every attempt that was acknowledged
must be graded, once, and the gradebook must have the last one of each student. Bounded in number and time.
"""

from __future__ import annotations

import argparse
import datetime as dt
import http.client
import json
import os
import random
import re
import secrets
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from autograder.authoring.assignment import Assignment, load_assignment
from autograder.bench.benchmark import page_of
from autograder.bench.invented_class import honest_class
from autograder.course import Course
from autograder.demo.class_maker import answer_exercises, notebook_as_bytes, solutions
from autograder.errors import MachineryError
from autograder.gradebook.marks import check_points
from autograder.leaderboard.grades import read_grades
from autograder.service.access import Access
from autograder.service.attempts import AttemptStore

__all__ = ["Night", "main", "run_night"]

ASSIGNMENT = "01-convolution"
_OURS = {"sec-fetch-site": "same-origin"}
_GIVE_UP_SECONDS = 900.0
_CONFIGURATION = """\
id = "night"
fixed_secret = "night"

[directories]
source = "{source}"
release = "{release}"
data = "{data}"

[grading]
cell_seconds = 10
check_seconds = 10

[serve]
attempts_per_day = 0
pause_minutes = 0
"""


@dataclass
class Night:
    """The measurements of the night, in seconds.

    Attributes:
        acknowledged: from the beginning of each upload to its answer.
        fed_back: from the same to the event that the feedback is there.
        formgrader: for each look into the gradebook meanwhile.
        misjudged: for each attempt that had to wait, by how much the first estimate that its student was told was off.
        refused: the reasons for which uploads were refused.
    """

    acknowledged: list[float] = field(default_factory=list)
    fed_back: list[float] = field(default_factory=list)
    formgrader: list[float] = field(default_factory=list)
    misjudged: list[float] = field(default_factory=list)
    refused: list[str] = field(default_factory=list)

    def figures(self) -> dict[str, float]:
        """Return the median, the 99th percentile and the largest of each."""
        found: dict[str, float] = {}
        for name in ("acknowledged", "fed_back", "formgrader", "misjudged"):
            values = sorted(getattr(self, name)) or [0.0]
            found[f"{name}_median"] = round(values[len(values) // 2], 3)
            found[f"{name}_p99"] = round(values[min(len(values) - 1, int(0.99 * len(values)))], 3)
            found[f"{name}_most"] = round(values[-1], 3)
        return found


class _Service:
    """The service as a process of its own, which can be killed and started again at the same port."""

    def __init__(self, root: Path, workers: int | None) -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.port = free.getsockname()[1]
        self._command = [sys.executable, "-m", "autograder", "serve", "--course", str(root), "--port", str(self.port)]
        self._command += ["--workers", str(workers)] if workers else []
        self._log = root / "service.log"

    def start(self) -> None:
        with self._log.open("ab") as log:
            self._process = subprocess.Popen(self._command, stdout=log, stderr=log)
        end = time.monotonic() + 120
        while True:
            try:
                if _get(self.port, "/health", "")[0] == 200:
                    return
            except OSError:
                pass
            if time.monotonic() > end or self._process.poll() is not None:
                raise MachineryError(f"The service did not start; {self._log} says why.")
            time.sleep(0.2)

    def kill(self) -> None:
        os.kill(self._process.pid, signal.SIGKILL)
        self._process.wait()

    def stop(self) -> None:
        self._process.terminate()
        try:
            self._process.wait(60)
        except subprocess.TimeoutExpired:
            self.kill()


def _get(port: int, path: str, cookie: str) -> tuple[int, str]:
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=60)
    try:
        connection.request("GET", path, headers={"cookie": f"autograder-session={cookie}"})
        answer = connection.getresponse()
        return answer.status, answer.read().decode("utf-8", "replace")
    finally:
        connection.close()


class _Student(threading.Thread):
    """The evening of one student."""

    def __init__(self, name: str, cookie: str, files: list[bytes], times: list[float], port: int, night: Night) -> None:
        super().__init__(name=name, daemon=True)
        self.student, self._cookie, self._files, self._times = name, cookie, files, times
        self._port, self._night = port, night
        self._token = ""
        self.acknowledged = 0
        self.failure = ""

    def run(self) -> None:
        begun = time.monotonic()
        try:
            for content, at in zip(self._files, self._times, strict=True):
                time.sleep(max(0.0, begun + at - time.monotonic()))
                self._attempt(content)
        except Exception as error:
            self.failure = f"{self.student}: {type(error).__name__}: {error}"

    def _attempt(self, content: bytes) -> None:
        began, ticket = time.monotonic(), secrets.token_hex(8)
        while not self._upload(content, ticket):  # The connection broke: the same request again.
            if time.monotonic() - began > _GIVE_UP_SECONDS:
                raise TimeoutError("no answer")
            time.sleep(0.5)
        self.acknowledged += 1
        self._night.acknowledged.append(time.monotonic() - began)
        self._told: tuple[float, float] | None = None
        while not self._followed(self.acknowledged):
            if time.monotonic() - began > _GIVE_UP_SECONDS:
                raise TimeoutError("no feedback")
            time.sleep(0.5)
        self._night.fed_back.append(time.monotonic() - began)
        if self._told is not None:
            at, estimate = self._told
            self._night.misjudged.append(abs(time.monotonic() - at - estimate))

    def _upload(self, content: bytes, ticket: str) -> bool:
        try:
            self._token = self._token or self._form_token()
            status, page = self._post({"form": self._token, "ticket": ticket}, content)
        except (OSError, http.client.HTTPException):
            return False
        if status != 303:
            self._night.refused.append(re.sub(r"<[^>]+>|\s+", " ", page)[-300:])
        return status == 303

    def _form_token(self) -> str:
        _, page = _get(self._port, f"/assignments/{ASSIGNMENT}", self._cookie)
        found = re.search(r'name="form" value="(\w+)"', page)
        return found[1] if found else ""

    def _post(self, fields: dict[str, str], content: bytes) -> tuple[int, str]:
        edge = secrets.token_hex(16)
        head = "".join(
            f'--{edge}\r\ncontent-disposition: form-data; name="{name}"\r\n\r\n{value}\r\n'
            for name, value in fields.items()
        )
        head += f'--{edge}\r\ncontent-disposition: form-data; name="notebook"; filename="convolution.ipynb"\r\n\r\n'
        body = head.encode() + content + f"\r\n--{edge}--\r\n".encode()
        kind = f"multipart/form-data; boundary={edge}"
        headers = {"cookie": f"autograder-session={self._cookie}", "content-type": kind, **_OURS}
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("POST", f"/assignments/{ASSIGNMENT}/upload", body, headers)
            answer = connection.getresponse()
            return answer.status, answer.read().decode("utf-8", "replace")
        finally:
            connection.close()

    def _followed(self, attempts: int) -> bool:
        """Follow the stream until all attempts have an outcome; return False if it broke before."""
        connection = http.client.HTTPConnection("127.0.0.1", self._port, timeout=60)
        try:
            connection.request("GET", f"/events/{ASSIGNMENT}", headers={"cookie": f"autograder-session={self._cookie}"})
            answer = connection.getresponse()
            while line := answer.readline():
                if line.startswith(b"data:"):
                    told = json.loads(line[5:])
                    states = [state for _, state, _ in told.values()] if isinstance(told, dict) else []  # Or boards.
                    self._note_estimate([said for _, _, said in told.values()] if states else [])
                    if len(states) >= attempts and not {"waiting", "grading"} & set(states):
                        return True
        except (OSError, http.client.HTTPException):
            pass
        finally:
            connection.close()
        return False

    def _note_estimate(self, said: list[str]) -> None:
        """Note the first estimate that is told of an attempt."""
        found = re.search(r"about (\d+) (s|min)$", said[-1]) if said else None
        if found and self._told is None:
            self._told = time.monotonic(), float(found[1]) * (60 if found[2] == "min" else 1)


def run_night(
    course: Course,
    folder: Path,
    *,
    students: int = 300,
    attempts: int = 3,
    seconds: float = 600.0,
    kills: int = 0,
    workers: int | None = None,
    flood: int = 0,
    endless: bool = True,
) -> dict[str, Any]:
    """Run the night and return the figures.

    Args:
        course: the course whose first assignment is handed in.
        folder: an empty folder for the course of the night.
        students, attempts, seconds: the number of students, of attempts by each, and of seconds in which they hand in.
        kills: the number of times that the service is killed meanwhile.
        workers: attempts graded at once; default one per core.
        flood: the number of attempts that one more student hands in at once.
        endless: whether one more hands in a notebook that never ends.

    Raises:
        MachineryError: an attempt was lost, doubled or graded wrongly.
    """
    night, root, busy = Night(), _make_course(course, folder), os.getloadavg()[0]
    assignment, made = load_assignment(root, ASSIGNMENT), random.Random(23)
    handed = _files(assignment, students, attempts, flood, endless)
    access = Access(root, AttemptStore(root.results / "service.db"))
    service = _Service(root.root, workers)
    service.start()
    _warm_up(root, assignment)
    until = time.time() + seconds + 2 * _GIVE_UP_SECONDS
    evenings = [
        _Student(
            name,
            access.session("student", name, until),
            files,
            sorted(made.uniform(0, seconds) for _ in files),
            service.port,
            night,
        )
        for name, files in handed.items()
    ]
    began, over = time.monotonic(), threading.Event()
    watching = threading.Thread(target=_look_into_gradebook, args=(root, night, over), daemon=True)
    watching.start()
    for each in evenings:
        each.start()
    for number in range(kills):
        time.sleep(max(0.0, began + seconds * (number + 1) / (kills + 1) - time.monotonic()))
        service.kill()
        service.start()
    for each in evenings:
        each.join(seconds + _GIVE_UP_SECONDS)
    took = time.monotonic() - began
    time.sleep(8)  # For the last grades and the board.
    over.set()
    service.stop()
    _verify(root, assignment, evenings)
    settings: dict[str, Any] = {
        "students": students,
        "attempts": attempts,
        "seconds": seconds,
        "kills": kills,
        "flood": flood,
    }
    settings["busy"] = round(busy, 1)  # How many processes of others already waited for a core.
    return {**settings, "took": round(took, 1), "refused": len(night.refused), **night.figures()}


def _make_course(course: Course, folder: Path) -> Course:
    folder.mkdir(parents=True, exist_ok=True)
    paths = {name: os.path.relpath(getattr(course, name), folder) for name in ("source", "release", "data")}
    (folder / "course.toml").write_text(_CONFIGURATION.format(**paths), encoding="utf-8")
    return Course.find(folder)


def _files(assignment: Assignment, students: int, attempts: int, flood: int, endless: bool) -> dict[str, list[bytes]]:
    """Return what each student hands in; no two files are alike."""
    code = honest_class(assignment, students * attempts)
    files = [notebook_as_bytes(answer_exercises(assignment, each, "Because.")) for each in code.values()]
    handed = {f"student-{number:04}": files[number * attempts : (number + 1) * attempts] for number in range(students)}
    some = next(iter(code.values()))
    if flood:
        remarks = ({name: f"# Flood {n}.\n{source}" for name, source in some.items()} for n in range(flood))
        handed["flood"] = [notebook_as_bytes(answer_exercises(assignment, each, "Because.")) for each in remarks]
    if endless:
        last = list(some)[-1]
        stuck = {**some, last: f"def {last}(*args, **kwargs):\n    while True:\n        pass\n"}
        handed["stuck"] = [notebook_as_bytes(answer_exercises(assignment, stuck, "Because."))]
    return handed


def _warm_up(course: Course, assignment: Assignment) -> None:
    """Wait until an attempt that nobody measures is graded: until then workers start."""
    store, end = AttemptStore(course.results / "service.db"), time.monotonic() + 120
    content = notebook_as_bytes(answer_exercises(assignment, solutions(assignment), "Because."))
    store.hand_in("early", ASSIGNMENT, content, file="convolution.ipynb", at=dt.datetime.now(dt.UTC))
    while store.waiting():
        if time.monotonic() > end:
            raise MachineryError("The service graded nothing within two minutes.")
        time.sleep(0.2)


def _look_into_gradebook(course: Course, night: Night, over: threading.Event) -> None:
    """Ask for what the formgrader's list asks for, every few seconds."""
    while not over.wait(5):
        began = time.monotonic()
        try:
            read_grades(course.gradebook_url, ASSIGNMENT)
        except Exception:  # There is no gradebook before the first grade.
            continue
        night.formgrader.append(time.monotonic() - began)


def _verify(course: Course, assignment: Assignment, evenings: list[_Student]) -> None:
    store = AttemptStore(course.results / "service.db")
    wrong = [each.failure for each in evenings if each.failure]
    points = check_points(course.gradebook_url, ASSIGNMENT, assignment.notebook)
    for each in evenings:
        attempts = store.of_student(each.student, ASSIGNMENT)
        if len(attempts) != each.acknowledged or len({one.digest for one in attempts}) != len(attempts):
            wrong.append(f"{each.student}: {each.acknowledged} acknowledged, {len(attempts)} there")
        if [one for one in attempts if one.outcome != "graded"]:
            wrong.append(f"{each.student}: {[one.outcome for one in attempts]}")
        if each.student != "stuck" and points.get(each.student) != assignment.auto_points:
            wrong.append(f"{each.student}: {points.get(each.student)} points in the gradebook")
    if wrong or store.duties():
        raise MachineryError(f"{len(wrong)} things are wrong: {'; '.join(wrong[:5])}; {len(store.duties())} unwritten")


def main() -> None:
    """Run the night by the arguments and print the figures as JSON."""
    parser = argparse.ArgumentParser(prog="python -m autograder.bench.deadline_night", description=__doc__)
    parser.add_argument("--students", type=int, default=300)
    parser.add_argument("--attempts", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=600.0)
    parser.add_argument("--kills", type=int, default=0)
    parser.add_argument("--flood", type=int, default=0)
    parser.add_argument("--workers", type=int, default=None)
    parser.add_argument("--endless", action=argparse.BooleanOptionalAction, default=True)
    settings = vars(parser.parse_args())
    with tempfile.TemporaryDirectory(prefix="night-") as folder:
        figures = run_night(Course.find(), Path(folder), **settings)
    sys.stdout.write(json.dumps(figures, indent=2) + "\n")
    root = Course.find().root
    path = root / "benchmarks.json"
    if path.is_file():  # The page that `make bench` writes has these, too.
        known = json.loads(path.read_text(encoding="utf-8"))
        name = "the night" if settings["endless"] else "one student"
        known["deadline_night"] = {**known.get("deadline_night", {}), name: figures}
        path.write_text(json.dumps(known, indent=2, sort_keys=True) + "\n", encoding="utf-8")
        (root / "docs" / "benchmarks.md").write_text(page_of(known), encoding="utf-8")


if __name__ == "__main__":
    main()
