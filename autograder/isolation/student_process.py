"""The trusted end of one student's process: it runs cells, fetches names, calls functions, and believes nothing."""

from __future__ import annotations

import signal
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any, Protocol, TypeVar

from autograder.errors import MachineryError
from autograder.isolation.call_log import RecordedCall, record_value
from autograder.isolation.channel import Channel, ChannelClosed, DeadlinePassed
from autograder.isolation.connection import Connection
from autograder.isolation.failures import StudentError, WorkerLost, plain_text
from autograder.isolation.lending import Lends
from autograder.isolation.limits import Allowance, Limits, StudentUsage
from autograder.isolation.outputs import checked_outputs, total_size
from autograder.isolation.proxies import Handle, name_handle, remote
from autograder.isolation.wire.encode import ProtocolError
from autograder.lab.call_evidence import names_word

__all__ = ["CellOutcome", "StudentProcess", "Supervisor"]

_Answer = TypeVar("_Answer")
_PATIENCE = 1.0  # seconds from a closed channel to the end of its process; one that lives on closed it on purpose
# No signal can come from inside, so somebody else sent these: the kernel for want of memory, or a person.
_FROM_OUTSIDE = {signal.SIGKILL, signal.SIGTERM, signal.SIGINT, signal.SIGHUP, signal.SIGQUIT}


@dataclass(frozen=True, slots=True)
class CellOutcome:
    """The outcome of running one cell.

    Attributes:
        ok: whether the cell ran to its end.
        outputs: nbformat outputs, checked and capped but not yet safe to show in a browser.
        error: the name of the error's class, e.g. "ValueError"; "WorkerLost" if the process ended.
        timed_out: whether the cell was stopped for taking too long.
    """

    ok: bool
    outputs: list[dict[str, Any]]
    error: str | None = None
    timed_out: bool = False


class Supervisor(Protocol):
    """The owner of a student's process, which ends it and knows its usage: a `Sandbox`, unknown to this module."""

    def end(self, worker: int, patience: float = 0.0) -> tuple[StudentUsage, int, bool]:
        """End the process and return (its usage, the signal that ended it before or 0, whether its time was over)."""

    def processor_seconds(self, worker: int) -> float:
        """Return the processor time of the process so far, in seconds. Raises MachineryError."""


class StudentProcess:
    """One student's process. Made by `Sandbox.spawn`.

    Attributes:
        transcript: a list to which every exchange with a handle is appended, or None.
        deadline: a moment on the monotonic clock by which everything must be answered, or None.
        case: the kind of input that is being tried, for the transcript.
    """

    def __init__(
        self,
        supervisor: Supervisor,
        number: int,
        channel: Channel,
        limits: Limits,
        lender: Lends | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self.transcript: list[RecordedCall] | None = None
        self.deadline: float | None = None
        self.case = ""
        self._supervisor = supervisor
        self._number = number
        self._limits = limits
        self._lender = lender
        self._allowance = allowance = allowance or Allowance(limits.total_bytes)
        self._connection = Connection(channel, limits.message_bytes, self._handle, self, lender, allowance)
        self._loss: WorkerLost | MachineryError | None = None
        self._usage: StudentUsage | None = None

    @property
    def quiet(self) -> bool:
        """True while nothing that the student's code prints, or says in an error, is passed on."""
        return self._connection.quiet

    @quiet.setter
    def quiet(self, value: bool) -> None:
        self._connection.quiet = value

    @property
    def questions(self) -> int:
        """The number of questions that went over the wire so far, in either direction."""
        return self._connection.questions

    @property
    def processor_seconds(self) -> float:
        """The processor time of the process so far, all threads together, in seconds. Raises MachineryError."""
        return self._supervisor.processor_seconds(self._number)

    @property
    def lost(self) -> str:
        """The reason of its end, as in `WorkerLost.reason`; "machinery" if the grader failed; "" while it lives."""
        return "" if self._loss is None else getattr(self._loss, "reason", "machinery")

    @property
    def failure(self) -> MachineryError | None:
        """The grader's failure with this process, or None; code that swallowed the error must not go on."""
        return self._loss if isinstance(self._loss, MachineryError) else None

    def wait_until_ready(self, seconds: float) -> None:
        """Wait for the fork to be confined. Raises MachineryError, with the layer that failed."""
        self._connection.greet(seconds)

    def run_cell(self, source: str, seconds: float = 30.0) -> CellOutcome:
        """Run one cell of the student's notebook, for at most `seconds`. Raises only MachineryError."""
        try:
            answer = self._request("cell", [source], seconds)
            return self._outcome(answer)
        except WorkerLost as lost:
            return CellOutcome(False, [_last_words(lost)], "WorkerLost", timed_out=lost.reason == "timeout")
        except StudentError as error:
            return CellOutcome(False, [], error.type_name)

    def names(self, names: Iterable[str], remember: str = "") -> dict[str, Any]:
        """Return the student's values of these names, as data or handles, without names that do not exist.

        Args:
            names: the names to look up.
            remember: a name for this place in the notebook, for :meth:`return_to`.
        """
        wanted = list(names)
        found = self._request("names", [wanted, remember])
        if type(found) is not dict or not set(found) <= set(wanted):
            raise self._lose("protocol")
        for name, value in found.items():
            if type(value) is Handle:
                name_handle(value, name)
        return found

    def return_to(self, place: str) -> None:
        """Give the notebook's functions and classes back what they were at this place, whatever was redefined."""
        self._request("return_to", [place])

    def run_source(self, source: str, **data: Any) -> Any:
        """Run the grader's own source among the student's names, with `data` as extra names.

        Returns the last expression's value: data, a handle, or None. It is a claim: the student's process
        computed it.
        """
        return self._request("source", [source, data])

    def ask(self, op: str, target: Handle, detail: str = "", args: tuple[Any, ...] = (), kwargs: Any = None) -> Any:
        """Perform one operation on a handle; `RecordedCall` lists them. Raises StudentError."""
        exchange = self._exchange(op, target, detail, args, kwargs or {})
        try:
            answer = self._request(op, _sent(op, target, detail, args, kwargs or {}))
        except StudentError as error:
            exchange.error = error.type_name
            raise
        result = answer[1] if op == "next" and type(answer) is tuple and len(answer) == 2 else answer
        exchange.result = self._recorded(result)
        return answer

    def call_with_arguments(
        self, function: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, tuple[Any, ...]]:
        """Call it and return (result, positional arguments after the call), to see whether they were changed."""
        answer = self.ask("call_with_arguments", function, args=tuple(args), kwargs=kwargs)
        if type(answer) is not tuple or len(answer) != 2 or type(answer[1]) is not tuple:
            raise self._lose("protocol")
        return answer

    def place(self) -> tuple[int, int] | None:
        """Return (number from 0, line) of the cell of this process in which the last error arose; None if not known.

        A claim: believe it only as far as that cell has that line.
        """
        try:
            found = self._request("place", [])
        except StudentError:
            return None
        match found:
            case (int(number), int(line)) if type(number) is int and type(line) is int:
                return number, line
        return None

    def pass_on(self, number: int, oldest: int, description: list[Any] | None, call: memoryview) -> memoryview:
        """Return the answer of a function of the grader's in that process; `Connection.pass_on` has the arguments."""
        return self._answer(lambda deadline: self._connection.pass_on(number, oldest, description, call, deadline))

    def inspect(self, function: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, Any, Any, Any]:
        """Call it; return (result, arguments, keyword arguments, what the result shares memory with), after the call.

        A claim, as is everything that a student's process says about itself.
        """
        exchange = self._exchange("inspected", function, "", args, kwargs)
        try:
            answer = self._request("inspected", [function, args, kwargs or None])
        except StudentError as error:
            exchange.error = error.type_name
            raise
        match answer:
            case (result, tuple(after), dict(named), list(shared)) if (
                len(after) == len(args)
                and set(named) == set(kwargs)
                and {type(place) for place in shared} <= {int, str}
            ):
                exchange.result = self._recorded(answer)
                return result, after, named, shared
        raise self._lose("protocol")

    def error_names(self, word: str) -> bool:
        """Return whether the error that the student's code has just raised has ``word`` in its text.

        Tells no more than that, so that it can be asked while the worker is quiet.
        """
        match self._request("account", []):
            case (str(text), str()):
                return names_word(text, word)
        raise self._lose("protocol")

    def release(self, number: int) -> None:
        """Note that a handle is no longer needed; the worker hears of it with the next request."""
        if self._loss is None:
            self._connection.release(number)

    def close(self) -> StudentUsage:
        """End the process, and return its usage. Later calls return the same."""
        if self._usage is None:
            self._end()
        self._loss = self._loss or WorkerLost("exited")
        return self._usage or StudentUsage(0.0, 0, 0.0)

    def __enter__(self) -> StudentProcess:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # ---- underneath

    def _handle(self, number: int, title: str) -> Handle:
        return Handle(self, number, title)

    def _exchange(self, op: str, target: Handle, detail: str, args: Any, kwargs: Any) -> RecordedCall:
        """Return the record of a question, kept if a transcript is being written and no callback is running."""
        if self.transcript is None or self._connection.depth:
            return RecordedCall(op, "")
        reference = remote(target)
        exchange = RecordedCall(
            op, reference.target if reference else "", detail, self._recorded(args), self._recorded(kwargs)
        )
        exchange.case = self.case
        self.transcript.append(exchange)
        return exchange

    def _recorded(self, value: Any) -> Any:
        return None if self.transcript is None else record_value(value, remote)

    def _request(self, operation: str, arguments: list[Any], seconds: float | None = None) -> Any:
        return self._answer(lambda deadline: self._connection.request(operation, arguments, deadline), seconds)

    def _answer(self, ask: Callable[[float], _Answer], seconds: float | None = None) -> _Answer:
        if self._loss is not None:
            raise self._loss
        allowed = self._limits.call_seconds if seconds is None else seconds
        deadline = min(time.monotonic() + allowed, self.deadline or float("inf"))
        try:
            return ask(deadline)
        except DeadlinePassed:
            loss = self._lose("timeout")
        except ProtocolError:
            loss = self._lose("protocol")
        except ChannelClosed:
            loss = self._lose(None)
        raise loss

    def _outcome(self, answer: Any) -> CellOutcome:
        match answer:
            case (bool(ok), None | str() as error, list(outputs)):
                kept = [] if self.quiet else checked_outputs(outputs, self._allowance.output_bytes)
                self._allowance.output_bytes -= total_size(kept)
                name = "Exception" if self.quiet else plain_text(error or "", 80)
                return CellOutcome(ok, kept, name if error is not None else None)
        raise self._lose("protocol")

    def _lose(self, reason: str | None) -> WorkerLost | MachineryError:
        """End the process and return its error. `reason` None asks the fork server how it ended by itself."""
        if self._loss is None:
            try:
                ended_by, overdue = self._end(_PATIENCE if reason is None else 0.0)
                self._loss = _why(reason, ended_by, overdue, self._usage, self._limits)
            except MachineryError as error:
                self._loss = error
        return self._loss

    def _end(self, patience: float = 0.0) -> tuple[int, bool]:
        self._connection.close()
        if self._lender is not None:
            self._lender.close()
        self._usage, ended_by, overdue = self._supervisor.end(self._number, patience)
        return ended_by, overdue


def _last_words(lost: WorkerLost) -> dict[str, Any]:
    """Return the output of a cell whose process is gone, in words for its student."""
    text = f"{lost.message[:1].upper()}{lost.message[1:]}."
    return {"output_type": "error", "ename": "Stopped", "evalue": text, "traceback": [text]}


def _sent(op: str, target: Handle, detail: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Return the arguments of a question as the other side takes them."""
    match op:
        case "call" | "call_with_arguments":
            return [target, args, kwargs or None]
        case "operator":
            return [detail, target, *args]
        case "reflected_operator":
            return [detail, *args, target]
        case "getattr" | "setattr":
            return [target, detail, *args]
    return [target, *args]


def _why(
    reason: str | None, ended_by: int, overdue: bool, usage: StudentUsage | None, limits: Limits
) -> WorkerLost | MachineryError:
    if reason is not None:
        return WorkerLost(reason)
    out_of_time = overdue or (usage is not None and usage.cpu_seconds >= limits.cpu_seconds)
    if out_of_time or ended_by == signal.SIGXCPU:
        return WorkerLost("timeout")
    if ended_by in _FROM_OUTSIDE:
        return MachineryError(f"a worker was ended from outside by signal {ended_by}. Grade this submission again.")
    return WorkerLost("killed" if ended_by else "exited")
