"""The questions and answers over one channel: numbered, checked, and with a deadline each.

While a question is open the other side may call the functions lent with it; a call to any other is a breach
of the protocol, and so is an answer that is not the next one. Questions that do not wait for each other's answers are
sent in a batch: so many that a socket takes them all without waiting for the other side.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from autograder.errors import MachineryError
from autograder.isolation.channel import Channel, ChannelClosed, DeadlinePassed
from autograder.isolation.codec import (
    ANSWER,
    CALLBACK,
    ERROR,
    LENT,
    NUMBER,
    OK,
    READY,
    REFUSAL,
    REQUEST,
    Codec,
    Unsendable,
    pack_frame,
    pack_lent,
    unpack_frame,
)
from autograder.isolation.failures import plain_text, student_error
from autograder.isolation.leaves import Ext, Leaf, ProtocolError, handle, read_handle
from autograder.isolation.lending import LENT_BYTES, Lends, Refused
from autograder.isolation.limits import Allowance
from autograder.isolation.proxies import Asked, Handle, RecordedCall, handle_number, handle_owner
from autograder.isolation.shared_functions import source_for
from autograder.lab.arrays import Laid, loaded_torch

__all__ = ["TEXT", "Batch", "Connection", "Prepared", "arguments_of"]

MAX_CALLBACK_DEPTH = 20
MAX_HANDLE_BYTES = 8192
_LARGEST_TOGETHER = 1 << 14
_MOST_QUESTIONS = 64
_MOST_BYTES = 1 << 15
MAX_GREETING = 1 << 16
_ACCOUNT, TEXT = "account", "text"
_ALWAYS_ANSWERED = (_ACCOUNT, TEXT)  # whatever the student's code does


class Prepared(NamedTuple):
    """A question as it is sent.

    Attributes:
        sequence: its number.
        body: its operation and arguments, encoded.
        plain: whether all of it but the object that is asked is data.
    """

    sequence: int
    body: bytes
    plain: bool


@dataclass
class Batch:
    """The next of a row of questions.

    Attributes:
        sent: those that can be sent together, prepared.
        alone: the one after them, if it has to be asked alone.
        failure: what was raised where the next question was to be made; it counts once the others are answered.
    """

    sent: list[tuple[Asked, Prepared]] = field(default_factory=list)
    alone: Asked | None = None
    failure: Exception | None = None

    @classmethod
    def of(cls, waiting: Iterator[Asked], prepare: Callable[[Asked], Prepared | None]) -> Batch:
        """Take the next questions; ``prepare`` returns None for one that has to be asked alone."""
        batch, size = cls(), 0
        try:
            while len(batch.sent) < _MOST_QUESTIONS and size < _MOST_BYTES:
                question = next(waiting)
                prepared = prepare(question)
                if prepared is None:
                    batch.alone = question
                    break
                batch.sent.append((question, prepared))
                size += len(prepared.body)
        except StopIteration:
            pass
        except Exception as error:
            batch.failure = error
        return batch

    def __bool__(self) -> bool:
        return bool(self.sent or self.alone is not None or self.failure is not None)


class Connection:
    """The trusted end of a connection to another process.

    Attributes:
        quiet: whether names and texts that the student's code chose are replaced by neutral ones.
        depth: the number of our functions that the other side is calling right now, one inside the other.
        questions: the number of questions so far, in either direction.
        lent_calls: the number of these that were calls of our functions by the other side.
        together: the number of these that were sent with others.
        failed: the number of the last question that the student's code answered with an error.

    Args:
        channel: the open channel, which this object owns.
        max_bytes: the size of the largest answer.
        make_handle: a function that makes a handle from (number, title).
        owner: the worker whose handles may be sent here.
        lender: runs the functions that are lent to the other side; None lends none.
        allowance: the most that all answers together may weigh; None for no limit.
    """

    def __init__(
        self,
        channel: Channel,
        max_bytes: int,
        make_handle: Callable[[int, str], Handle],
        owner: object,
        lender: Lends | None = None,
        allowance: Allowance | None = None,
    ) -> None:
        self.quiet = False
        self.depth = 0
        self.questions = 0
        self.lent_calls = 0
        self.together = 0
        self.failed = 0
        self._channel = channel
        self._codec = Codec(self._export, self._resolve, max_bytes, allowance, exported={Handle, Laid})
        self._make_handle = make_handle
        self._owner = owner
        self._lender = lender
        self._sequence = 0
        self._released: list[int] = []
        self._lent: dict[int, Callable[[memoryview, float], bytes | memoryview]] = {}
        self._lent_count = 0
        self._exports = 0

    def greet(self, seconds: float) -> None:
        """Wait for the fork to be confined. Raises MachineryError, with the layer that failed."""
        try:
            kind, sequence, body = unpack_frame(self._channel.receive(time.monotonic() + seconds))
            # Weighed for nobody: a submission that has used up its allowance still fails by its own doing.
            said = Codec(self._export, self._resolve, MAX_GREETING).decode(body)
        except (ProtocolError, ChannelClosed, DeadlinePassed) as error:
            raise MachineryError(f"a worker did not start: {error}. Run `autograder doctor`.") from None
        if (kind, sequence, said) != (READY, 0, None):
            reason = plain_text(str(said), 300)
            raise MachineryError(f"a worker could not be confined: {reason}. Run `autograder doctor`.")

    def request(
        self, operation: str, arguments: Sequence[Any], deadline: float, record: RecordedCall | None = None
    ) -> Any:
        """Ask one question and return the answer.

        Args:
            operation: what is asked.
            arguments: its arguments.
            deadline: a moment on the monotonic clock.
            record: is given the question, if all of it but the object that is asked is data, and the answer.

        Raises:
            StudentError: the student's code raised.
            Unsendable: an argument cannot travel; the connection is as before.
            ProtocolError, ChannelClosed, DeadlinePassed: the connection is of no use any more.
        """
        lent_before = dict(self._lent)
        self.questions += 1
        self._sequence += 1
        sequence = self._sequence
        try:
            self._exports = 0
            body = self._codec.encode([operation, self._released or None, *arguments])
            self._released = []
            question = Prepared(sequence, body, plain=self._exports <= 1)
            if record is not None and question.plain:
                record.keep_question(body)
            self._channel.send(pack_frame(REQUEST, sequence, body), deadline)
            return self.take(question, deadline, record, may_fail=operation not in _ALWAYS_ANSWERED)
        finally:
            self._lent = lent_before

    def prepare(self, operation: str, arguments: Sequence[Any]) -> Prepared | None:
        """Return a question that can be sent with others; None if it has to be asked alone.

        That is one which lends a function, whose calls would come between, and one which is so large that the other
        side might still be writing an answer, for which nobody waits, while it is being sent.

        Raises Unsendable.
        """
        lent_before = dict(self._lent)
        self._exports = 0
        body = self._codec.encode([operation, self._released or None, *arguments])
        if len(self._lent) > len(lent_before) or len(body) > _LARGEST_TOGETHER:
            self._lent = lent_before
            return None
        self._released = []
        self.questions += 1
        self.together += 1
        self._sequence += 1
        return Prepared(self._sequence, body, plain=self._exports <= 1)

    def send_all(self, questions: Sequence[Prepared], deadline: float) -> None:
        """Send prepared questions; the answers come in the same order. Raises ChannelClosed, DeadlinePassed."""
        self._channel.send_all([pack_frame(REQUEST, each.sequence, each.body) for each in questions], deadline)

    def take(
        self, question: Prepared, deadline: float, record: RecordedCall | None = None, *, may_fail: bool = True
    ) -> Any:
        """Return the answer to a question that was sent, the next one that is due. Raises as `request`."""
        answer = self._answer(question.sequence, deadline, may_fail=may_fail)
        value = self._codec.decode(answer)
        if record is not None:
            record.keep_answer(answer)
        return value

    def pass_on(
        self, number: int, oldest: int, description: list[Any] | None, call: memoryview, deadline: float
    ) -> memoryview:
        """Pass an unread call on to a function of ours that the other side runs, and return the answer, unread too.

        Args:
            number: the number of the function.
            oldest: the smallest number that is still lent.
            description: the function, as `lending.packed` describes it; None if the other side knows it.
            call: the call as a student's process wrote it.
            deadline: a moment on the monotonic clock.

        Raises: as `request`.
        """
        lent_before = dict(self._lent)
        self._sequence += 1
        sequence = self._sequence
        try:
            described = b"" if description is None else self._codec.encode(description)
            message = pack_frame(LENT, sequence, pack_lent(number, oldest, described, call))
            self._channel.send(message, deadline)
            return self._answer(sequence, deadline, may_fail=True)
        finally:
            self._lent = lent_before

    def release(self, number: int) -> None:
        """Tell the other side, with the next question, that a handle is no longer held."""
        self._released.append(number)

    def close(self) -> None:
        """Close the channel."""
        self._channel.close()

    def _answer(self, sequence: int, deadline: float, *, may_fail: bool) -> memoryview:
        """Return the result, still encoded, and call lent functions meanwhile. Raises as `request`."""
        while True:
            kind, number, body = unpack_frame(self._channel.receive(deadline))
            if number != sequence:
                raise ProtocolError("an answer out of step")
            if kind == OK:
                return body
            if kind == CALLBACK:
                self._channel.send(self._called_back(sequence, body, deadline), deadline)
                continue
            names = self._codec.decode(body) if kind == ERROR and may_fail else None
            if type(names) is not list or not all(type(name) is str for name in names):
                raise ProtocolError("an answer of an unknown kind")
            self.failed = number
            raise student_error(names, *self._account(deadline), quiet=self.quiet)

    def _account(self, deadline: float) -> tuple[str, str]:
        """Return (message, traceback) of the error that was just reported; empty texts while quiet."""
        if self.quiet:
            return "", ""
        match self.request(_ACCOUNT, [], deadline):
            case (str(text), str(trace)):
                return text, trace
        raise ProtocolError("an account of an error that is none")

    def _called_back(self, sequence: int, body: memoryview, deadline: float) -> bytes:
        """Have one of our functions called; the other side learns its result, or only the error's class.

        The call is not read here: that would take memory and time, and whoever answers it has to do it anyway.
        """
        self.questions += 1
        self.lent_calls += 1
        if len(body) > LENT_BYTES:
            return self._refusal(sequence, "MemoryError")
        if len(body) <= NUMBER.size:
            raise ProtocolError("a call of nothing")
        function = self._lent.get(NUMBER.unpack_from(body)[0])
        if function is None or self.depth >= MAX_CALLBACK_DEPTH:
            raise ProtocolError("a call to a function that was not lent")
        self.depth += 1
        try:
            return pack_frame(ANSWER, sequence, function(body[NUMBER.size :], deadline))
        except Refused as refused:
            return self._refusal(sequence, str(refused))
        except Unsendable:
            return self._refusal(sequence, "TypeError")
        finally:
            self.depth -= 1

    def _refusal(self, sequence: int, error: str) -> bytes:
        return pack_frame(REFUSAL, sequence, self._codec.encode(error))

    def _export(self, value: object) -> Ext:
        self._exports += 1
        if type(value) is Handle:
            if handle_owner(value) is not self._owner:
                raise Unsendable(f"{value!r} belongs to another worker: fetch it again")
            return Ext(Leaf.HANDLE, handle(handle_number(value)))
        if type(value) is Laid:
            return Ext(Leaf.LAID, self._codec.encode([value.array, value.layout]))
        torch = loaded_torch()
        if torch is not None and isinstance(value, torch.nn.Module):
            from autograder.isolation.modules import describe

            return Ext(Leaf.MODULE, self._codec.encode(describe(value)))
        published = source_for(value, hidden=self.quiet)
        if published is not None:
            return Ext(Leaf.FUNCTION, self._codec.encode(published))
        if callable(value) and self._lender is not None:
            self._lent_count += 1
            self._lent[self._lent_count] = self._lender.lend(value)
            name = str(getattr(value, "__name__", "function"))
            return Ext(Leaf.CALLBACK, handle(self._lent_count, name=name))
        raise Unsendable(f"a {type(value).__name__} cannot be sent to the student's process: send data")

    def _resolve(self, code: int, payload: bytes) -> Handle:
        if code != Leaf.HANDLE or len(payload) > MAX_HANDLE_BYTES:
            raise ProtocolError("something that is neither data nor a handle")
        number, kind, name = read_handle(payload)
        if not 0 < number < 1 << 62:
            raise ProtocolError("a handle that is not one")
        return self._make_handle(number, "object" if self.quiet else plain_text(name or kind, 80))


def arguments_of(op: str, target: Handle, detail: str, args: tuple[Any, ...], kwargs: dict[str, Any]) -> list[Any]:
    """Return the arguments of a question as the other side takes them."""
    match op:
        case "call" | "call_with_arguments" | "inspected":
            return [target, args, kwargs or None]
        case "operator":
            return [detail, target, *args]
        case "reflected_operator":
            return [detail, *args, target]
        case "getattr" | "setattr":
            return [target, detail, *args]
    return [target, *args]
