"""The trusted end of one student's process: it runs cells, fetches names, calls functions, and believes nothing."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterable, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol, TypeVar

from autograder.errors import MachineryError
from autograder.isolation.channel import Channel, ChannelClosed, DeadlinePassed
from autograder.isolation.codec import Unsendable
from autograder.isolation.connection import TEXT, Batch, Connection, Prepared, arguments_of
from autograder.isolation.failures import StudentError, WorkerLost, last_words, plain_text, why_lost
from autograder.isolation.leaves import ProtocolError
from autograder.isolation.lending import Lends
from autograder.isolation.limits import Allowance, Limits, StudentUsage
from autograder.isolation.outputs import checked_outputs, total_size
from autograder.isolation.proxies import Answered, Asked, Handle, RecordedCall, name_handle, record_value, remote
from autograder.lab.calling import names_word

__all__ = ["CellOutcome", "StudentProcess", "Supervisor"]

_Answer = TypeVar("_Answer")
_PATIENCE = 1.0  # seconds from a closed channel to the end of its process; one that lives on closed it on purpose


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
    def kinds_of_questions(self) -> tuple[int, int]:
        """The numbers of these that were calls of lent functions, and that were sent with others."""
        return self._connection.lent_calls, self._connection.together

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
            return self._outcome(self._request("cell", [source], seconds))
        except WorkerLost as lost:
            return CellOutcome(False, [last_words(lost)], "WorkerLost", timed_out=lost.reason == "timeout")
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
        return self._ask(op, target, detail, args, kwargs or {})

    def call_with_arguments(
        self, function: Handle, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> tuple[Any, tuple[Any, ...]]:
        """Call it and return (result, positional arguments after the call), to see whether they were changed."""
        answer: tuple[Any, tuple[Any, ...]] = self.ask("call_with_arguments", function, args=tuple(args), kwargs=kwargs)
        return answer

    def place(self) -> tuple[int, int] | None:
        """Return (number from 0, line) of the cell of this process in which the last error arose; None if not known.

        A claim: believe it only as far as that cell has that line.
        """
        try:
            found = self._request("place", [self._connection.failed])
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
        answer: tuple[Any, Any, Any, Any] = self._ask("inspected", function, "", args, kwargs)
        return answer

    def error_names(self, word: str) -> bool:
        """Return whether the error that the student's code has just raised has ``word`` in its text.

        Tells no more than that, so that it can be asked while the worker is quiet.
        """
        for text in self._texts([self._connection.failed]):
            return names_word(text, word)
        raise self._lose("protocol")

    def ask_together(self, questions: Iterable[Asked]) -> Generator[Answered, None, None]:
        """Ask questions none of which waits for another's answer, and yield the answers in order; only while quiet.

        Many are sent at a time: two processes that take turns have to warm up again at each turn, which costs several
        times what a question does. A question that lends a function is sent alone, since its calls come between.
        """
        waiting = iter(questions)
        while batch := Batch.of(waiting, self._prepared):
            if batch.sent:
                yield from self._answers(batch.sent)
            if batch.alone is not None:
                yield self._answer_alone(batch.alone)
            if batch.failure is not None:
                raise batch.failure

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

    def _handle(self, number: int, title: str) -> Handle:
        return Handle(self, number, title)

    def _ask(self, op: str, target: Handle, detail: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Ask a question, and record it if a transcript is being written and no callback is running."""
        sent = arguments_of(op, target, detail, args, kwargs)
        if self.transcript is None or self._connection.depth:
            return self._well_formed(op, self._request(op, sent), args, kwargs)
        record = RecordedCall.of(remote(target), op, detail, self.case)
        self.transcript.append(record)
        with self._recording(record, args, kwargs):
            return self._well_formed(op, self._request(op, sent, record=record), args, kwargs)

    @contextmanager
    def _recording(self, record: RecordedCall, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[None]:
        """Note in the record what is raised meanwhile, and what was sent, if that is not noted yet."""
        try:
            yield
        except StudentError as error:
            record.error = error.type_name
            raise
        finally:
            if not record.holds_question:
                record.keep_arguments(record_value(args, remote), record_value(kwargs, remote))

    def _prepared(self, question: Asked) -> Prepared | None:
        """Return a question as it is sent with others; None if it has to be asked alone."""
        try:
            return self._connection.prepare(question.op, [question.function, question.args, question.kwargs or None])
        except Unsendable:
            return None

    def _answers(self, sent: Sequence[tuple[Asked, Prepared]]) -> Iterator[Answered]:
        """Send questions, take all answers, and then yield them.

        What an error says is asked only once all are there: what waits behind a question must not tell what is expected
        of its answer.
        """
        with suppress(StudentError):  # A lost process is what each of them is then answered with.
            self._answer(partial(self._connection.send_all, [prepared for _, prepared in sent]))
        taken = [self._taken(*each) for each in sent]
        asked = [
            prepared.sequence
            for (question, prepared), (_, answer) in zip(sent, taken, strict=True)
            if question.wants_text and isinstance(answer.error, ValueError)
        ]
        texts = dict(zip(asked, self._texts(asked), strict=False))
        for (_, prepared), (record, answer) in zip(sent, taken, strict=True):
            number = prepared.sequence
            if self.transcript is not None:
                self.transcript.append(record)
            if answer.error is not None:
                self._connection.failed = number
            lost = self._lose("protocol") if number in asked and number not in texts else answer.error
            yield Answered(answer.returned, lost, texts.get(number, ""))

    def _taken(self, question: Asked, prepared: Prepared) -> tuple[RecordedCall, Answered]:
        """Return the answer to a question that was sent, and the record of both."""
        op, function, args, kwargs, case, _ = question
        record = RecordedCall.of(remote(function), op, "", case)
        if prepared.plain:
            record.keep_question(prepared.body)
        try:
            with self._recording(record, args, kwargs):
                returned = self._answer(partial(self._connection.take, prepared, record=record))
                return record, Answered(self._well_formed(op, returned, args, kwargs))
        except StudentError as error:
            return record, Answered(None, error)

    def _texts(self, questions: Sequence[int]) -> list[str]:
        """Return what the errors say with which these questions were answered; fewer if the process is lost."""
        texts: list[str] = []
        prepared = [each for number in questions if (each := self._connection.prepare(TEXT, [number]))]
        with suppress(StudentError):
            if prepared:
                self._answer(partial(self._connection.send_all, prepared))
            for each in prepared:
                text = self._answer(partial(self._connection.take, each, may_fail=False))
                if type(text) is not str:
                    raise self._lose("protocol")
                texts.append(text)
        return texts

    def _answer_alone(self, question: Asked) -> Answered:
        """Ask a question alone, and return its answer."""
        op, function, args, kwargs, self.case, wants_text = question
        try:
            return Answered(self._ask(op, function, "", args, kwargs))
        except (StudentError, Unsendable) as error:
            wanted = [self._connection.failed] if wants_text and isinstance(error, ValueError) else []
            return Answered(None, error, "".join(self._texts(wanted)))
        finally:
            self.case = ""

    def _well_formed(self, op: str, answer: Any, args: tuple[Any, ...], kwargs: dict[str, Any]) -> Any:
        """Return the answer, of which others believe that it has as many parts as the question asks for."""
        fits = True
        if op == "call_with_arguments":
            fits = type(answer) is tuple and len(answer) == 2 and type(answer[1]) is tuple
        elif op == "inspected":
            fits = type(answer) is tuple and _tells_all(answer, args, kwargs)
        if not fits:
            raise self._lose("protocol")
        return answer

    def _request(
        self, operation: str, arguments: list[Any], seconds: float | None = None, record: RecordedCall | None = None
    ) -> Any:
        return self._answer(lambda deadline: self._connection.request(operation, arguments, deadline, record), seconds)

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
                self._loss = why_lost(reason, ended_by, overdue, self._usage, self._limits)
            except MachineryError as error:
                self._loss = error
        return self._loss

    def _end(self, patience: float = 0.0) -> tuple[int, bool]:
        self._connection.close()
        if self._lender is not None:
            self._lender.close()
        self._usage, ended_by, overdue = self._supervisor.end(self._number, patience)
        return ended_by, overdue


def _tells_all(answer: tuple[Any, ...], args: tuple[Any, ...], kwargs: dict[str, Any]) -> bool:
    """Return whether an answer holds the result, as many arguments as were sent, and the places of shared memory."""
    match answer:
        case (_, tuple(after), dict(named), list(shared)):
            places = {type(place) for place in shared} <= {int, str}
            return places and len(after) == len(args) and named.keys() == kwargs.keys()
    return False
