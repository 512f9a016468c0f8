"""Connections of simulated processes: real backends of PostgreSQL, lent out, and a place to switch at each statement.

psycopg has the protocol in generators and the waiting in `Connection.wait`; here that asks the timeline first, may fail
by a fault of the seed, and finds out whether a statement is done or waits for a lock of another simulated process.
"""

import os
import select
import signal
from collections import deque
from collections.abc import Callable, Generator, Sequence
from datetime import UTC, datetime
from functools import cache
from typing import Any, TypeVar, cast

import psycopg
from psycopg import waiting
from psycopg._preparing import Key, Prepare, PrepareManager
from psycopg._queries import PostgresQuery
from psycopg.abc import PQGen
from psycopg.pq import ExecStatus, PipelineStatus, TransactionStatus
from psycopg.pq.abc import PGresult

from tests.simulation import timeline
from tests.simulation.timeline import SECOND, Killed, Process

T = TypeVar("T")
PATIENCE_MS = 1  # a statement that takes longer is asked whether it waits for a lock of an open transaction
ALONE_MS = 200  # where no other transaction is open
# Parts of a COPY, and the beginning of a pipeline: nothing waits for them.
BETWEEN = frozenset({"_read_gen", "copy_to", "pipeline enter"})
COMMIT, ROLLBACK, ENTER = "COMMIT", "ROLLBACK", "_enter_gen"
COMMITS = frozenset({COMMIT, "_commit_gen"})  # of a transaction, or of a connection
TOLD_WITHIN_US = SECOND
REFUSE = "DO $$ BEGIN RAISE 'as the seed has it' USING ERRCODE = '{}'; END $$"
CLEAN = "SELECT pg_advisory_unlock_all(); RESET ALL"  # what a session keeps after its transactions
IDLE, ACTIVE = TransactionStatus.IDLE, TransactionStatus.ACTIVE  # a member is slow to be looked up
BLOCKERS, SELECT_BLOCKERS = b"blockers", b"SELECT unnest(pg_blocking_pids($1))"
# Functions of the system that the server has built in cannot be replaced for its own calls, but the planner looks here
# and takes the body in their place, in views, defaults and functions that were made before, too.
VIRTUAL_NOW = """
CREATE OR REPLACE FUNCTION pg_catalog.now() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL RESTRICTED AS
$$ SELECT coalesce(nullif(current_setting('simulated.now', true), '')::timestamptz, transaction_timestamp()) $$;
CREATE OR REPLACE FUNCTION pg_catalog.clock_timestamp() RETURNS timestamptz LANGUAGE sql VOLATILE PARALLEL RESTRICTED AS
$$ SELECT coalesce(nullif(current_setting('simulated.now', true), '')::timestamptz, statement_timestamp()) $$;
"""


class Prepared(PrepareManager):
    """Statements of a session that stay prepared, over rollbacks and seeds: the server forgets none of them."""

    prepare_threshold, prepared_max = 1, 2_000

    def __init__(self) -> None:
        super().__init__()
        self._proven: set[bytes] = set()

    def get(self, query: PostgresQuery, prepare: bool | None = None) -> tuple[Prepare, bytes]:
        """Prepare also statements that the product has planned for each call: here are no chunks and few rows."""
        return super().get(query, prepare or None)

    def maybe_add_to_cache(self, query: PostgresQuery, prep: Prepare, name: bytes) -> Key | None:
        """Have each statement validated that is being prepared, also one that was counted before."""
        added = super().maybe_add_to_cache(query, prep, name)
        return self.key(query) if prep is Prepare.SHOULD else added

    def validate(self, key: Key, prep: Prepare, name: bytes, results: Sequence[PGresult]) -> None:
        """Take a statement for prepared when the server has answered."""
        super().validate(key, prep, name, results)
        if self._names.get(key) == name:
            self._proven.add(name)

    def clear(self) -> bool:
        """Forget those that the server may not have heard of, instead of all."""
        for key in [key for key, name in self._names.items() if name not in self._proven]:
            del self._names[key]
        return False


class WholePipeline(psycopg.Pipeline):
    """A pipeline that is sent when its results are fetched, as nobody waits for it before.

    Its statements would run while others go on, and the faster one would get the lock.
    """

    def _communicate_gen(self) -> PQGen[None]:
        yield from ()

    def _fetch_gen(self, *, flush: bool) -> PQGen[None]:
        yield from super()._communicate_gen()
        yield from super()._fetch_gen(flush=flush)


def session(url: str, options: str = "") -> psycopg.Connection:
    """Open a session, which keeps what it has prepared, on the processor of this process: each waits for the other."""
    made = psycopg.connect(url, autocommit=True, options=options)
    made._prepared = Prepared()
    os.sched_setaffinity(made.info.backend_pid, os.sched_getaffinity(0))
    return made


class Backend:
    """A session at the server, used by one simulated connection after the other."""

    def __init__(self, url: str, pool: "Pool") -> None:
        self.url, self.pool, self.admin = url, pool, pool.admin
        self.told_us = 0
        self._asked = 0  # how much had been released when it was last asked
        self._is_halted = False
        self._open()

    def _open(self) -> None:
        self.raw = session(self.url)
        self.pid = self.raw.info.backend_pid
        self.poll = select.poll()
        self.poll.register(self.raw.pgconn.socket, select.POLLIN)
        self.told_us = 0

    @property
    def status(self) -> int:
        """The status of the session: a `TransactionStatus`."""
        return self.raw.pgconn.transaction_status

    def command(self, text: str) -> None:
        """Run a statement outside of the simulation."""
        result = self.raw.pgconn.exec_(text.encode())
        if result.status not in (ExecStatus.COMMAND_OK, ExecStatus.TUPLES_OK):
            raise RuntimeError(result.error_message.decode())

    @property
    def is_piping(self) -> bool:
        """True while statements are under way together."""
        return self.raw.pgconn.pipeline_status != PipelineStatus.OFF

    @property
    def can_refuse(self) -> bool:
        """True if the server takes a statement by itself now: no COPY and no pipeline is under way."""
        return not self.is_piping and self.status in (TransactionStatus.IDLE, TransactionStatus.INTRANS)

    def tell(self, at_us: int) -> None:
        """Set the time of day that the server knows, between transactions."""
        if abs(at_us - self.told_us) >= TOLD_WITHIN_US and self.status == IDLE and not self.is_piping:
            self.command(f"SET simulated.now = '{datetime.fromtimestamp(at_us / SECOND, UTC).isoformat()}'")
            self.told_us = at_us

    def reset(self) -> None:
        """Do what the server does when a client has vanished: roll back, and free all locks."""
        self._go_on()
        self._break_off()
        if self.is_piping or self.status in (ACTIVE, TransactionStatus.UNKNOWN):
            self.admin.execute("SELECT pg_terminate_backend(%s, 10000)", (self.pid,))
            self.raw.close()
            self._open()
            return
        self.raw._prepared.clear()
        self.command(CLEAN if self.status == IDLE else f"ROLLBACK; {CLEAN}")
        self.told_us = 0

    def _break_off(self) -> None:
        """End what is under way; a new session is dear, as it has nothing prepared."""
        pgconn = self.raw.pgconn
        if self.is_piping and self.status != ACTIVE:  # nothing of it has been sent
            pgconn.exit_pipeline_mode()
        elif self.status == ACTIVE and not self.is_piping:
            self.cancel()

    def cancel(self) -> None:
        """End the statement that is under way."""
        self.admin.execute("SELECT pg_cancel_backend(%s)", (self.pid,))
        pgconn = self.raw.pgconn
        while result := pgconn.get_result():
            if result.status == ExecStatus.COPY_IN:
                pgconn.put_copy_end(b"the client has gone")
            elif result.status == ExecStatus.COPY_OUT:
                while pgconn.get_copy_data(0)[0] > 0:
                    pass

    def waits_for(self) -> list[int]:
        """Return the sessions of simulated processes whose locks it waits for.

        All that notify someone wait for each other in the whole server, also those of another database. Nobody here can
        end such a wait, and it is over in no time.
        """
        result = self.admin.pgconn.exec_prepared(BLOCKERS, [b"%d" % self.pid])
        pids = [int(result.get_value(n, 0) or 0) for n in range(result.ntuples)]
        return [pid for pid in pids if pid in self.pool.lent]

    def stand(self) -> None:
        """Let others go on until it has answered."""
        self._asked = self.pool.released
        self._halt()
        timeline.now().block(self)

    def _halt(self) -> None:
        """Halt a session that waits for a lock: where several are free at once, they go on in order, not in a race."""
        os.kill(self.pid, signal.SIGSTOP)
        self._is_halted = True

    def _go_on(self) -> None:
        if self._is_halted:
            os.kill(self.pid, signal.SIGCONT)
            self._is_halted = False

    def is_ready(self, wait_ms: int = 0) -> bool:
        """Return whether the server has said something."""
        return bool(self.poll.poll(wait_ms))

    def is_over(self) -> bool:
        """Return whether what it waited for is over: it has answered, which it cannot before a lock is released.

        Or it has got that lock and waits for the next one, which closes a circle: who waits breaks it.
        """
        if self._asked == self.pool.released:
            return False
        self._asked = self.pool.released
        self._go_on()
        while not self.is_ready():
            if self.waits_for():
                if self.pool.circle(self.pid):
                    return True
                self._halt()
                return False
            self.is_ready(1)
        return True


class Pool:
    """Backends by account; one that is given back is the next to be lent."""

    def __init__(self, admin: psycopg.Connection) -> None:
        self.admin = admin
        admin.pgconn.prepare(BLOCKERS, SELECT_BLOCKERS)
        self.lent: dict[int, Connection] = {}
        self.released = 0  # how often locks may have been released
        self.circles: list[str] = []  # statements that would have closed a circle of processes that wait
        self._free: dict[str, list[Backend]] = {}

    def lend(self, url: str) -> Backend:
        """Return a backend of an account."""
        free = self._free.setdefault(url, [])
        return free.pop() if free else Backend(url, self)

    def take_back(self, backend: Backend) -> None:
        """Clean a backend, and keep it for the next."""
        self.lent.pop(backend.pid, None)
        backend.reset()
        self.released += 1
        self._free[backend.url].append(backend)

    def close(self) -> None:
        """End all sessions."""
        for connection in list(self.lent.values()):
            connection.cut()
        for backend in (one for free in self._free.values() for one in free):
            backend.raw.close()

    def is_alone(self, pid: int) -> bool:
        """Return whether no other session has a transaction open, whose locks could be waited for."""
        return all(one.backend.status == IDLE for other, one in self.lent.items() if other != pid)

    def circle(self, pid: int) -> "list[Connection]":
        """Return the sessions by way of which one waits for itself; none if it does not."""
        seen, ask = [pid], [pid]
        while ask:
            for other in self.lent[ask.pop()].backend.waits_for():
                if other == pid:
                    return [self.lent[one] for one in seen]
                if other in self.lent and other not in seen:
                    seen.append(other)
                    ask.append(other)
        return []


class Connection(psycopg.Connection[Any]):
    """A connection of a simulated process."""

    def __init__(
        self, pool: Pool, backend: Backend, process: Process, meet: Callable[["Connection", str, bool], None]
    ) -> None:
        super().__init__(backend.raw.pgconn)
        self.pool, self.backend, self.process, self.meet = pool, backend, process, meet
        self._autocommit = True
        self._prepared = backend.raw._prepared
        self._adapters = backend.raw.adapters
        self.is_cut = False
        self.before = deque[str](maxlen=3)  # the statements before, for who looks for the reason of a circle
        self.refused: str | None = None  # the SQLSTATE with which the server refuses what comes next
        pool.lent[backend.pid] = self
        process.at_death.append(self.cut)

    @property
    def closed(self) -> bool:
        """True if nothing can be said by it."""
        return self.is_cut

    @property
    def told_before(self) -> list[str]:
        """The statements before, each as far as it has to be told."""
        return [statement[:60] for statement in self.before]

    def close(self) -> None:
        """End it."""
        self.cut()

    def cut(self) -> None:
        """End it, whatever is under way."""
        if not self.is_cut:
            self.is_cut = True
            self.process.at_death.remove(self.cut)
            self.pool.take_back(self.backend)

    def __del__(self, _warn: Any = None, /) -> None:
        pass  # the backend lives on

    def wait(self, gen: PQGen[T], interval: float = 0, timeout: float | None = None) -> T:
        """Run a statement, when it is its turn, unless a fault is in the way."""
        self._require()
        if name_of(gen) in BETWEEN:
            return self._finished(gen)
        statement = told(gen)
        self.process.statements += 1
        self.before.append(statement)
        self.meet(self, statement, True)
        self._require()
        self.backend.tell(timeline.now().now_us)
        if self.refused:
            self._refuse_if_due(gen, statement)
        result = self._finished(gen)
        if self.backend.status == IDLE or statement.startswith(ROLLBACK):
            self.pool.released += 1
        self.meet(self, statement, False)
        self._require()
        return result

    def _refuse_if_due(self, gen: PQGen[Any], statement: str) -> None:
        """Have the server refuse what is about to be said, where it can."""
        if statement == ENTER:  # psycopg counts a block once that has begun: the statement after it is refused
            return
        if statement == COMMIT and self._num_transactions == 1:
            self.backend.command("ROLLBACK")
            self._finished(gen)  # says COMMIT where there is nothing any more: psycopg leaves its transaction
        if statement not in (COMMIT, ROLLBACK):
            self.refuse(self._fault())
        if statement == COMMIT and self._num_transactions == 0:
            raise psycopg.errors.lookup(self._fault())("the commit is refused, as the seed has it")
        self.refused = None

    def can_fail(self, statement: str, of_content: bool) -> bool:
        """Return whether the server can refuse a statement now; outside of a transaction none has content."""
        is_inside = self.backend.status == TransactionStatus.INTRANS or statement == ENTER
        return self.backend.can_refuse and not self.refused and (is_inside or not of_content)

    def refuse(self, sqlstate: str) -> None:
        """Have the server refuse a statement: the transaction, or its savepoint, is over."""
        result = self.backend.raw.pgconn.exec_(REFUSE.format(sqlstate).encode())
        assert result.status == ExecStatus.FATAL_ERROR
        raise psycopg.errors.error_from_result(result)

    def _fault(self) -> str:
        sqlstate, self.refused = self.refused, None
        assert sqlstate is not None
        return sqlstate

    def _require(self) -> None:
        if not self.process.alive:
            raise Killed
        if self.is_cut:
            raise psycopg.OperationalError("the connection is lost")

    def _finished(self, gen: PQGen[T]) -> T:
        """Wait for the server; where it waits for a lock, let others go on."""
        try:
            want = next(gen)
            if want != waiting.WAIT_R:  # there is nothing to read before anything is said
                want = gen.send(waiting.READY_W)
            while True:
                if want == waiting.WAIT_R:
                    self._stand_in_line()
                    want = gen.send(waiting.READY_R)
                else:
                    is_read = want & waiting.WAIT_R and self.backend.is_ready()
                    want = gen.send(waiting.READY_RW if is_read else waiting.READY_W)
        except StopIteration as end:
            return cast(T, end.value)

    def _stand_in_line(self) -> None:
        patience_ms = PATIENCE_MS
        while not self.backend.poll.poll(patience_ms):
            is_asked = patience_ms == ALONE_MS or not self.pool.is_alone(self.backend.pid)
            if is_asked and self.backend.waits_for():
                if about := self.pool.circle(self.backend.pid):
                    self.pool.circles.append("; ".join(f"{one.process.name} after {one.told_before}" for one in about))
                    self._be_the_victim()
                self.backend.stand()
                self._require()
            patience_ms = min(2 * patience_ms, ALONE_MS)

    def _be_the_victim(self) -> None:
        """Fail as the server has it for the one who closes a circle; it looks for them by real time alone."""
        self.backend.cancel()
        raise psycopg.errors.DeadlockDetected("deadlock detected")


def name_of(gen: Generator[Any, Any, Any]) -> str:
    """Return the name of the function that made a generator, where a transaction and a pipeline have each its own."""
    code = getattr(gen, "gi_code", None)
    return _named(code.co_qualname, code.co_name) if code else str(getattr(gen, "__name__", ""))


@cache
def _named(qualified: str, name: str) -> str:
    return f"pipeline {name.strip('_').removesuffix('_gen')}" if qualified.startswith("BasePipeline.") else name


def told(gen: Generator[Any, Any, Any]) -> str:
    """Return what a generator of psycopg is about to say."""
    frame = getattr(gen, "gi_frame", None)
    if frame is None:
        return ""
    names = frame.f_locals
    query = names.get("query") or names.get("statement")
    if query is None:
        name = name_of(gen)
        return _ending(names) if name == "_exit_gen" else name
    return _short(query if isinstance(query, str) else bytes(query))


@cache
def _short(query: str | bytes) -> str:
    text = query if isinstance(query, str) else query.decode()
    return " ".join(text.split())[:160]


def _ending(names: dict[str, Any]) -> str:
    return ROLLBACK if names.get("exc_type") else COMMIT
