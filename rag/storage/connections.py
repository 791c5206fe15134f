"""Connections to the database of an index: one for each thread, and what they are opened as where nothing can be written."""

from __future__ import annotations

import os
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from rag.errors import DiskFailed, IndexBusy, IndexClosed, IndexCorrupt, IndexMissing, ShawahidError
from rag.files import create_private
from rag.storage.sqlite_errors import code_of, index_error, sqlite_errors

_WAIT = 10.0
"""Seconds that a writer waits for another before it gives up."""
_WITHOUT_LOCKS = "win32-none" if os.name == "nt" else "unix-none"
"""SQLite's access to files that takes no locks."""
_State = tuple[tuple[int, int, int, int] | None, ...]


class Connections:
    """The database of one index, with one connection per thread; a reader never blocks a writer, nor a writer a reader.

    A reader, too, writes the shared memory of SQLite's log. Where it can't, as on a read-only or full disk, the files are read
    without locks, and a change that somebody else makes to them meanwhile raises IndexBusy.
    """

    def __init__(self, path: Path, *, writable: bool = False) -> None:
        """Raises IndexMissing when a reader's file is not there."""
        if not writable and not path.is_file():
            raise IndexMissing("error.index_missing", path=path.parent)
        self.path = path
        self._writable = writable
        self._local = threading.local()
        self._opened: list[tuple[threading.Thread, sqlite3.Connection]] = []
        self._used: set[int] = set()  # ids of the connections that are inside a transaction, its beginning and its end included
        self._lock = threading.Lock()
        self._closed = False

    def close(self) -> None:
        """Close every thread's connection; the last one to close folds the log into the database.

        One that another thread is reading with is closed by that thread when it has read: SQLite crashes where a connection is closed in
        the middle of a query.
        """
        current = threading.current_thread()
        with self._lock:
            self._closed = True
            for thread, connection in self._opened:
                if thread is current or not thread.is_alive() or id(connection) not in self._used:
                    connection.close()
            self._opened = []

    def __del__(self) -> None:
        """Close what nobody can use any more: a connection of SQLite's refers to itself, and would keep its files open for a while."""
        for _, connection in getattr(self, "_opened", ()):
            connection.close()

    @contextmanager
    def snapshot(self) -> Iterator[None]:
        """Hold a read transaction of this thread: everything read inside belongs to one generation."""
        connection = self.connection()
        with sqlite_errors(self.path):
            if connection.in_transaction:  # already inside one
                yield
                return
            with self._unchanged(), self._in_use(connection):
                connection.execute("BEGIN")
                try:
                    yield
                finally:
                    connection.execute("COMMIT")

    @contextmanager
    def transaction(self) -> Iterator[None]:
        """Hold a write transaction of this thread: committed at the end of the block, undone if it raises. Raises DiskFull, IndexBusy."""
        connection = self.connection()
        with sqlite_errors(self.path), self._in_use(connection):
            connection.execute("BEGIN IMMEDIATE")
            try:
                yield
                self._commit(connection)
            except BaseException:
                if connection.in_transaction:
                    connection.execute("ROLLBACK")
                raise

    @contextmanager
    def _in_use(self, connection: sqlite3.Connection) -> Iterator[None]:
        """Keep `close` from closing this thread's connection inside the block; close it at the end if all were closed meanwhile.

        SQLite's own word that a transaction is open ends before its COMMIT does. Raises IndexClosed.
        """
        with self._lock:
            closed = self._closed
            if not closed:
                self._used.add(id(connection))
        if closed:
            raise IndexClosed("error.index_closed", path=self.path.parent)
        try:
            yield
        finally:
            with self._lock:
                self._used.discard(id(connection))
                if self._closed:
                    connection.close()

    def _commit(self, connection: sqlite3.Connection) -> None:
        """Commit. Raises DiskFailed of its own if the log could not be flushed: a later reader may find the change in it all the same."""
        try:
            connection.execute("COMMIT")
        except sqlite3.OperationalError as error:
            if code_of(error) != sqlite3.SQLITE_IOERR_FSYNC:
                raise
            raise DiskFailed("error.commit_uncertain", path=self.path.parent, reason=error) from error

    # --- connections, for the modules of this package that hold SQL -----------------------------------------------------------

    def connection(self) -> sqlite3.Connection:
        """This thread's connection. A reader whose file was replaced by another, as by a rebuild of a damaged index, opens that."""
        connection: sqlite3.Connection | None = getattr(self._local, "connection", None)
        if self._closed and not _is_reading(connection):
            raise IndexClosed("error.index_closed", path=self.path.parent)
        if connection is not None and (connection.in_transaction or self._local.state == self._state(self._local.locks)):
            return connection
        if not self._writable and not self.path.is_file():
            raise IndexMissing("error.index_missing", path=self.path.parent)
        if self._writable:
            create_private(self.path)  # SQLite gives the files beside it the same permissions
        with sqlite_errors(self.path):
            connection, locks, state = self._open()
            try:
                if not self._writable:
                    self.check_format(connection)  # while no other thread knows the connection, and could close it
                self._keep(connection)
            except BaseException:
                connection.close()
                raise
        self._local.connection, self._local.locks, self._local.state, self._local.prepared = connection, locks, state, set()
        return connection

    def check_format(self, connection: sqlite3.Connection) -> None:
        """Check a database that a reader opens; nothing is required here."""

    def prepared(self, name: str) -> bool:
        """Return whether this thread's connection was asked for that name before."""
        known: set[str] = self._local.prepared
        before = name in known
        known.add(name)
        return before

    def _open(self) -> tuple[sqlite3.Connection, bool, _State]:
        """Return a new connection, by the first of the ways to open the file in which it can be read; whether it takes locks; and the state
        of the files."""
        failed: ShawahidError | None = None
        for address in self._addresses():
            locks = "immutable" not in address and _WITHOUT_LOCKS not in address
            state = self._state(locks)
            try:
                return self._connect(address), locks, state if state[0] else self._state(locks)
            except sqlite3.Error as error:
                failed = failed or index_error(error, self.path)
                if not _is_of_the_place(error):
                    break
        assert failed is not None
        raise failed

    def _connect(self, address: str) -> sqlite3.Connection:
        connection = sqlite3.connect(address, uri=True, isolation_level=None, timeout=_WAIT, check_same_thread=False)
        try:
            if _WITHOUT_LOCKS in address:  # the index of the log is then kept in memory
                connection.execute("PRAGMA locking_mode = EXCLUSIVE")
            connection.execute("PRAGMA trusted_schema = OFF")
            connection.execute("PRAGMA foreign_keys = ON")
            if self._writable:
                connection.execute("PRAGMA synchronous = FULL")
                connection.execute("PRAGMA secure_delete = ON")  # what is removed is overwritten, not just forgotten
            else:
                connection.execute("PRAGMA query_only = ON")
                connection.execute("PRAGMA temp_store = MEMORY")  # the disk for temporary files may be full as well
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()  # no file is opened, or made, before it is read
        except BaseException:
            connection.close()
            raise
        return connection

    def _addresses(self) -> Iterator[str]:
        """Yield the ways to open the file, the best first. Without a log the file alone is the index; with one, both are read."""
        address = self.path.absolute().as_uri()
        if self._writable:
            yield f"{address}?mode=rwc"
            return
        log = self._beside("-wal")
        if os.access(self.path.parent, os.W_OK) and os.access(self.path, os.W_OK):
            yield f"{address}?mode=rw"
        elif self._beside("-shm") is not None:  # somebody who can write is at work, or was
            yield f"{address}?mode=ro"
        if log is None or not log[2]:
            yield f"{address}?mode=ro&immutable=1"
        else:
            yield f"{address}?mode=ro&vfs={_WITHOUT_LOCKS}"

    def _state(self, locks: bool) -> _State:
        """By what this connection's files are known to be those that it opened: with locks which file it is, for SQLite sees to the
        rest; without them whatever reveals a change of it or of its log."""
        file = self._beside("")
        if locks:
            return (None if file is None else (*file[:2], 0, 0),)
        return (file, self._beside("-wal"))

    def _beside(self, suffix: str) -> tuple[int, int, int, int] | None:
        """Which file lies there now: device, number, size and time of its last change; None where there is none."""
        try:
            found = Path(f"{self.path}{suffix}").stat()
        except OSError:
            return None
        return found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns

    @contextmanager
    def _unchanged(self) -> Iterator[None]:
        """Whatever was read without locks while somebody wrote is worth nothing. Raises IndexBusy."""
        try:
            yield
        except (sqlite3.Error, IndexCorrupt) as error:
            if self._was_changed():
                raise IndexBusy("error.index_busy", path=self.path.parent) from error
            raise
        if self._was_changed():
            raise IndexBusy("error.index_busy", path=self.path.parent)

    def _was_changed(self) -> bool:
        return not self._local.locks and self._local.state != self._state(False)

    def _keep(self, connection: sqlite3.Connection) -> None:
        """Remember a connection of this thread, and close those that are of no use any more: of threads that have ended (a
        server starts many), and this thread's own one to a file that was replaced."""
        current = threading.current_thread()
        with self._lock:
            if self._closed:
                raise IndexClosed("error.index_closed", path=self.path.parent)
            useless = [item for item in self._opened if not item[0].is_alive() or item[0] is current]
            self._opened = [item for item in self._opened if item not in useless]
            self._opened.append((current, connection))
        for _, old in useless:
            old.close()


def _is_reading(connection: sqlite3.Connection | None) -> bool:
    """Return whether a connection is open and in the middle of a transaction."""
    try:
        return connection is not None and connection.in_transaction
    except sqlite3.ProgrammingError:
        return False


def _is_of_the_place(error: sqlite3.Error) -> bool:
    """Return whether another way to open the file may do: the failure concerned a file next to it."""
    code = getattr(error, "sqlite_errorcode", 0) & 0xFF
    return code in (sqlite3.SQLITE_FULL, sqlite3.SQLITE_IOERR, sqlite3.SQLITE_CANTOPEN, sqlite3.SQLITE_READONLY, sqlite3.SQLITE_PERM)
