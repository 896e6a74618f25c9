"""Planted one-line changes of the compiled TypeScript client: each breaks an invariant, and the simulation sees it."""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory

from antiphon.testing.simulation.runner import play
from tests.simulation.mutants import Mutant
from tests.simulation.typescript.compiling import copied
from tests.simulation.typescript.pages import TypeScriptPages

__all__ = ["MOST_SCHEDULES", "MUTANTS", "hunt"]

# A mutant that lives longer is not seen.
MOST_SCHEDULES = 300

MUTANTS = (
    # -- numbers and acks
    Mutant(
        "what was received before is handed over again",
        "I1",
        "protocol/inbox.js",
        "!isCounted(type) || repeated-- <= 0",
        "true",
        start=30,
    ),
    Mutant(
        "of a long message only the beginning is handed over, and all of it is acked",
        "I4",
        "protocol/inbox.js",
        "repeated-- <= 0);",
        "repeated-- <= 0).slice(0, 3);",
    ),
    Mutant(
        "a new attach says that one more had arrived",
        "I8",
        "protocol/client_session.js",
        "received: this.inbox.received,",
        "received: this.inbox.received && this.inbox.received + 1,",
    ),
    Mutant(
        "a new transport carries only what is new",
        "I3",
        "protocol/outbox.js",
        "this.cursor = Math.max(received, this.#arrived) + 1;",
        "this.cursor = this.numbered + 1;",
    ),
    Mutant(
        "what arrived is forgotten before it was handed over",
        "I4",
        "protocol/outbox.js",
        "if (number <= handed || (number <= received && isUrgent(packet[0])))",
        "if (number <= received)",
    ),
    Mutant(
        "the window is always open",
        "I3",
        "protocol/outbox.js",
        "return flow.length > 0 && (flow.length >= packets",
        "return false && (flow.length >= packets",
    ),
    Mutant(
        "the outbox knows no bound",
        "I5",
        "protocol/client_session.js",
        "if (others.length >= bounds.packets || sizeOfAll(others) + entry.encoded.length > bounds.size) {",
        "if (false) {",
        start=75,
    ),
    # -- attaching
    Mutant(
        "each attach is the first one",
        "busy",
        "protocol/client_session.js",
        "this.attempt++;",
        "this.attempt = 1;",
    ),
    Mutant(
        "a lost transport is the end",
        "I8",
        "connector.js",
        "            session.retryAfter = 0;\n            this.#comeBack(now + backoff.next());",
        "            session.retryAfter = 0;",
    ),
    Mutant(
        "who was fenced by its own attach believes in somebody else",
        "I8",
        "connector.js",
        "if (code === FENCED && Number(reason) > this.session.attempt) {",
        "if (code === FENCED) {",
    ),
    Mutant(
        "a network that is back is not noticed",
        "I8",
        "connector.js",
        "    online(now, delay = 0) {\n        this.#offline = false;",
        "    online(now, delay = 0) {",
    ),
    Mutant(
        "silence is no news",
        "I3",
        "protocol/session.js",
        "this.#heard = pings ? now : NEVER;",
        "this.#heard = NEVER;",
    ),
    Mutant(
        "a transport takes over before it has proved to carry",
        "I11",
        "connector.js",
        "        if (this.live) {\n            link.phase",
        "        if (false) {\n            link.phase",
        start=50,
    ),
    Mutant(
        "a better transport is never tried",
        "I11",
        "connector.js",
        "this.retryAt = this.#choice ? now + this.#upgradeWait : NEVER;",
        "this.retryAt = NEVER;",
        start=170,
    ),
    # -- HTTP
    Mutant(
        "a push does not wait for the one before",
        "I3",
        "transports/http.js",
        "return this.#closed || this.#pushing;",
        "return this.#closed;",
    ),
    Mutant(
        "all requests have the same number",
        "busy",
        "transports/http.js",
        "`${++this.#requests}`",
        '"1"',
    ),
    # -- namespaces
    Mutant(
        "what waits at a gate leaves in the wrong order",
        "I2",
        "protocol/outbox.js",
        "    open(gate) {",
        "    open(gate) {\n        this.#waiting.reverse();",
    ),
    Mutant(
        "what a Hello has asked for is asked for again",
        "I15",
        "protocol/client_session.js",
        "for (const member of resumed ? [] : this.#greeted) {",
        "for (const member of []) {",
        start=15,
    ),
    Mutant(
        "the namespaces of a lost session are not told",
        "I15",
        "client.js",
        "namespace._disconnected(loss.reason, loss.detail);",
        ";",
    ),
    # -- losses
    Mutant(
        "what never left is forgotten with its session",
        "I3",
        "protocol/client_session.js",
        "            this.outbox.add(again);",
        "            void again;",
        start=15,
    ),
    Mutant(
        "what is unconfirmed is kept quiet",
        "I3",
        "protocol/client_session.js",
        "unconfirmed.push({ ...sent, arrived: again ? came || null : came });",
        "void came;",
    ),
    Mutant(
        "everything is sent again in the next session",
        "I2",
        "protocol/client_session.js",
        "(!number || wishes.repeatable)",
        "true",
    ),
    Mutant(
        "the last that arrived is said not to have arrived",
        "I3",
        "protocol/client_session.js",
        "number <= arrived : null",
        "number < arrived : null",
        start=25,
    ),
    Mutant(
        "a goodbye is not said",
        "I3",
        "protocol/session.js",
        "messages.push(this.#farewell);",
        ";",
    ),
    # -- volatile events, latest values, deadlines
    Mutant(
        "volatile events never grow stale",
        "I16",
        "sender.js",
        "(volatile ? STALE : deadline)",
        "deadline",
        start=35,
    ),
    Mutant(
        "a newer value leaves the older one",
        "I16",
        "protocol/client_session.js",
        "outbox.withdraw(({ wishes }) => wishes.key === key);",
        ";",
    ),
    # -- calls and streams
    Mutant(
        "what has left is said to be not sent",
        "I14",
        "protocol/calls.js",
        "new (left ? Unknown : CallNotSent)(reason)",
        "new CallNotSent(reason)",
    ),
    Mutant(
        "what was answered is still under way",
        "I18",
        "answering.js",
        'session.calls.close(-id, new CallError("answered"));',
        ";",
    ),
    Mutant(
        "a call that is given up is not taken back",
        "I14",
        "protocol/session.js",
        "            this.send([CANCEL, owner]);",
        "            void owner;",
        start=90,
    ),
    Mutant(
        "a cancel does not reach the handler",
        "I14",
        "answering.js",
        "        stop.abort();",
        "        ;",
    ),
    Mutant(
        "credit is not looked at",
        "I5",
        "protocol/streams.js",
        "return this.#count < this.limit && this.#size < AHEAD;",
        "return this.#size < AHEAD;",
    ),
    Mutant(
        "the bytes that a reader has not taken are not counted",
        "I5",
        "protocol/streams.js",
        "return this.#count < this.limit && this.#size < AHEAD;",
        "return this.#count < this.limit;",
    ),
    Mutant(
        "a reader gives credit once",
        "I14",
        "protocol/streams.js",
        "if (covers || this.limit - taken <= WINDOW / 2) {",
        "if (false) {",
    ),
)


def hunt(directory: Path, mutant: Mutant) -> str:
    """Play schedules until one breaks the invariant; returns what is wrong, "" when it fell."""
    others: set[str] = set()
    with TemporaryDirectory(prefix="antiphon-mutant-") as place:
        changed = Path(place) / "client"
        copied(directory, changed, mutant.module, mutant.old, mutant.new)
        pages = TypeScriptPages(changed)
        try:
            for seed in range(mutant.start, mutant.start + MOST_SCHEDULES):
                failure = play(seed, open_page=pages).failure
                if failure is not None and mutant.breaks in failure.names:
                    return ""
                others.update(failure.names if failure is not None else ())
        finally:
            pages.close()
    return f"{mutant.breaks} held for {MOST_SCHEDULES} schedules; what fell is {sorted(others) or 'nothing'}"
