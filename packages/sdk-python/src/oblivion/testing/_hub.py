"""The hub behind the fake sockets: sessions, offers, leases, and events that are sent until they are acknowledged."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from pydantic import ValidationError

from oblivion._socket import HandshakeRefused
from oblivion.testing._commands import carry_out
from oblivion.testing._records import (
    ACCEPT_SECONDS,
    HEARTBEAT_SECONDS,
    LEASE_SECONDS,
    REFUSAL_PAUSE_SECONDS,
    RESEND_SECONDS,
    TASK_TTL_SECONDS,
    Question,
    TaskRecord,
)
from oblivion.testing._socket import FakeSocket
from oblivion_protocol import (
    EVENTS,
    HELD_STATES,
    TASK_COMMANDS,
    Ack,
    Hello,
    HelloAnswer,
    Holding,
    Refused,
    Wire,
)

STARTED = datetime(2026, 1, 1, tzinfo=UTC)


@dataclass
class _Mail:
    seq: int
    event: str
    payload: dict[str, Any]
    task_id: str | None
    instance: str
    sent_at: float | None = None
    acked: bool = False


@dataclass
class _Session:
    peer: FakeSocket
    hello: Hello


class FakeHub:
    """Pure apart from the sockets that it is given: time comes from `now`, changes are told to `changed`."""

    def __init__(self, now: Callable[[], float], changed: Callable[[], None], skills: frozenset[str]) -> None:
        self._now = now
        self._started_at = now()
        self._changed = changed
        self._skills = skills
        self.tasks: dict[str, TaskRecord] = {}
        self.muted = False
        self.refuse: str | None = None
        """With which code handshakes are refused."""
        self.hellos: list[Hello] = []
        self._mails: list[_Mail] = []
        self._session: _Session | None = None
        self._sequence = itertools.count(1)

    @property
    def online(self) -> bool:
        """Whether the agent is connected and has said hello."""
        return self._session is not None

    # What the agent does

    def connected(self, peer: FakeSocket, token: str) -> None:
        """A websocket opens."""
        if self.refuse is not None:
            raise HandshakeRefused(self.refuse)

    def disconnected(self, peer: FakeSocket) -> None:
        """A websocket is gone; leases keep running."""
        if self._session is not None and self._session.peer is peer:
            self._session = None
            self._changed()

    def command(self, peer: FakeSocket, name: str, frame: dict[str, Any]) -> dict[str, Any]:
        """Carries out one command; its answer as on the wire."""
        try:
            answer = self._answer(peer, name, frame)
        except ValidationError as error:
            first = error.errors()[0]
            where = ".".join(str(part) for part in first["loc"])
            answer = Refused(code="invalid", detail=f"{where}: {first['msg']}")
        self._changed()
        return {"ok": True} if answer is None else answer.model_dump(mode="json")

    def _answer(self, peer: FakeSocket, name: str, frame: dict[str, Any]) -> Wire | None:
        if name == "hello":
            return self._greet(peer, Hello.model_validate(frame))
        session = self._session
        if session is None or session.peer is not peer:
            return Refused(code="invalid", detail="say hello first")
        if name == "ack":
            self._acknowledge(session.hello.instance, Ack.model_validate(frame).seq)
            return None
        if name not in TASK_COMMANDS:
            return None
        command = TASK_COMMANDS[name].model_validate(frame)
        task = self.tasks.get(command.task_id)
        answer = carry_out(task, command, session.hello.instance, self._now(), muted=self.muted)
        if task is not None and task.holder is None:
            self._withdraw(task.id)
        return answer

    def _greet(self, peer: FakeSocket, hello: Hello) -> HelloAnswer:
        self.hellos.append(hello)
        former, self._session = self._session, _Session(peer, hello)
        if former is not None and former.peer is not peer:
            former.peer.hang_up()
        self._acknowledge(hello.instance, hello.last_seq)
        confirmed: list[Holding] = []
        for held in hello.holding:
            task = self.tasks.get(held.task_id)
            if task is None or task.state not in HELD_STATES or task.epoch != held.epoch:
                continue
            confirmed.append(held)
            task.holder = hello.instance
            for mail in self._unacked():
                if mail.task_id == task.id:
                    mail.instance = hello.instance
            if task.state != "offered":
                task.lease_until = self._now() + LEASE_SECONDS
        replayed = [mail for mail in self._unacked() if mail.instance == hello.instance]
        for mail in replayed:
            mail.sent_at = None
        return HelloAnswer(
            agent_id="fake-agent",
            session_epoch=len(self.hellos),
            confirmed=confirmed,
            revoked=[held for held in hello.holding if held not in confirmed],
            replayed=len(replayed),
            lease_seconds=LEASE_SECONDS,
            heartbeat_seconds=HEARTBEAT_SECONDS,
        )

    # What people do

    def assign(self, task_type: str, title: str, text: str, author: str) -> TaskRecord:
        """Somebody wants something done."""
        number = f"task-{len(self.tasks) + 1}"
        task = TaskRecord(number, task_type, title, text, author, expires_at=self._now() + TASK_TTL_SECONDS)
        self.tasks[number] = task
        self._changed()
        return task

    def inform(self, task: TaskRecord, kind: str, text: str, author: str, **more: Any) -> None:
        """Tells whoever holds the task; the next one finds it in the context of the offer."""
        said: dict[str, object] = {
            "kind": kind,
            "author": author,
            "source": "slack",
            "text": text,
            "at": self.clock().isoformat(),
        }
        if kind != "answer":
            task.context.append(said)
        if task.holder is not None:
            update = {**said, **more, "message_id": f"m{next(self._sequence)}", "task_id": task.id}
            self._post("context.updated", update, task)

    def settle(self, task: TaskRecord, question: Question, outcome: Any, text: str = "", author: str = "") -> None:
        """A question is answered, or expires."""
        question.outcome, question.answer, question.author = outcome, text, author
        if task.state in HELD_STATES and task.state != "offered":
            task.state = task.work_state()
        self.inform(task, "answer", text, author, question_id=question.id, outcome=outcome)
        self._changed()

    def cancel(self, task: TaskRecord, reason: str) -> None:
        """First nothing of the task has an effect any more, then the agent is told."""
        holder, epoch = task.holder, task.epoch
        task.finish("canceled", reason)
        self._withdraw(task.id)
        if holder is not None:
            canceled = {"task_id": task.id, "epoch": epoch, "reason": reason}
            self._post("task.canceled", canceled, task, instance=holder)
        self._changed()

    def end_lease(self, task: TaskRecord) -> None:
        """The lease ends now, whoever holds it."""
        if task.lease_until is not None:
            task.lease_until = self._now()
        self._changed()

    def mute(self, *, muted: bool) -> None:
        """Holds what the agent says, or lets out what was held."""
        self.muted = muted
        for task in self.tasks.values() if not muted else ():
            task.said += task.held
            task.posts += task.held
            task.held.clear()
        if self._session is not None:
            event = "agent.muted" if muted else "agent.unmuted"
            self._post(event, {"reason": "too many messages", "by": "operator"}, None)
        self._changed()

    def send(self, event: str, data: dict[str, Any]) -> None:
        """Sends an event that is not kept."""
        if self._session is not None:
            self._session.peer.push(event, data)

    def hang_up(self) -> None:
        """Closes the socket, as a Nexus that restarts does."""
        if self._session is not None:
            self._session.peer.hang_up()

    # What time does

    def clock(self) -> datetime:
        """The time of day in the fake world."""
        return STARTED + timedelta(seconds=self._now() - self._started_at)

    def work(self) -> float | None:
        """Does what is due; returns when the next thing is."""
        now = self._now()
        for task in self.tasks.values():
            before = (task.state, task.reason, task.epoch)
            for question in task.open_questions:
                if question.expires_at is not None and question.expires_at <= now:
                    self.settle(task, question, "expired")
            if task.lease_until is not None and task.lease_until <= now:
                offered = task.state == "offered"
                task.requeue("not_accepted" if offered else "lease_lost", now + REFUSAL_PAUSE_SECONDS * offered)
                self._withdraw(task.id)
            if task.state == "submitted" and task.expires_at <= now:
                task.finish("expired", "nobody could take it in time")
            if task.state == "submitted" and task.next_offer_at <= now:
                self._offer(task, now)
            if (task.state, task.reason, task.epoch) != before:
                self._changed()
        self._pump(now)
        return self._next_due(now)

    def _next_due(self, now: float) -> float | None:
        here = self._session.hello.instance if self._session is not None else None
        mails = [mail for mail in self._unacked() if mail.instance == here]
        due = [mail.sent_at + RESEND_SECONDS for mail in mails if mail.sent_at is not None]
        for task in self.tasks.values():
            due += [question.expires_at for question in task.open_questions if question.expires_at is not None]
            if task.lease_until is not None:
                due.append(task.lease_until)
            if task.state == "submitted":
                due += [task.expires_at, *([task.next_offer_at] if task.next_offer_at > now else [])]
        return min(due, default=None)

    def _offer(self, task: TaskRecord, now: float) -> None:
        session = self._session
        if session is None:
            task.reason = "agent_offline"
        elif task.type not in {*session.hello.skills, *self._skills}:
            task.reason = "no_skill"
        elif self.muted:
            task.reason = "muted"
        elif sum(one.state in HELD_STATES for one in self.tasks.values()) >= session.hello.capacity:
            task.reason = "agent_busy"
        else:
            task.state, task.reason, task.plan = "offered", None, []
            task.epoch += 1
            task.holder, task.lease_until = session.hello.instance, now + ACCEPT_SECONDS
            offer = {
                "task_id": task.id,
                "epoch": task.epoch,
                "lease_seconds": LEASE_SECONDS,
                "accept_seconds": ACCEPT_SECONDS,
                "type": task.type,
                "title": task.title,
                "instructions": f"You work for @AI_Squad. Type of work: {task.type}.",
                "untrusted": [{"author": task.author, "source": "clickup.description", "text": task.text}],
                "context": task.context,
                "links": [{"label": "clickup", "url": f"https://app.clickup.com/t/{task.id}"}],
            }
            self._post("task.assigned", offer, task)

    def _post(self, event: str, data: dict[str, Any], task: TaskRecord | None, *, instance: str | None = None) -> None:
        instance = instance or (task.holder if task is not None else None)
        if instance is None and self._session is not None:
            instance = self._session.hello.instance
        if instance is None:
            return
        seq = len(self._mails) + 1
        message = EVENTS[event].model_validate({"delivery_id": f"delivery-{seq}", "seq": seq, **data})
        payload = message.model_dump(mode="json")
        self._mails.append(_Mail(seq, event, payload, task.id if task else None, instance))
        self._changed()

    def _pump(self, now: float) -> None:
        if self._session is None:
            return
        for mail in self._unacked():
            due = mail.sent_at is None or mail.sent_at + RESEND_SECONDS <= now
            if mail.instance == self._session.hello.instance and due:
                mail.sent_at = now
                self._session.peer.push(mail.event, mail.payload)

    def _unacked(self) -> list[_Mail]:
        return [mail for mail in self._mails if not mail.acked]

    def _acknowledge(self, instance: str, seq: int) -> None:
        for mail in self._unacked():
            if mail.instance == instance and mail.seq <= seq:
                mail.acked = True

    def _withdraw(self, task_id: str) -> None:
        """What was not acknowledged about a task that has changed hands or is over."""
        for mail in self._unacked():
            if mail.task_id == task_id:
                mail.acked = True
