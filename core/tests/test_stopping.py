"""A process that is asked to stop ends soon, and never in the middle of a write."""

import os
import signal
import threading
import time

import pytest

from core import stopping


@pytest.fixture(autouse=True)
def _forget(monkeypatch):
    monkeypatch.setattr(stopping, "GRACE_SECONDS", 0.05)
    monkeypatch.setattr(stopping, "_LOOK_AGAIN_SECONDS", 0.02)
    yield
    stopping.forget()


def test_nothing_is_asked_by_itself() -> None:
    assert not stopping.is_asked()
    with stopping.breakable():
        pass


def test_waiting_is_broken_off_when_the_grace_is_over() -> None:
    stopping.ask()
    assert stopping.is_asked()
    started_at = time.monotonic()
    with pytest.raises(stopping.Stopped), stopping.breakable():
        time.sleep(30)
    assert time.monotonic() - started_at < 10


def test_a_read_of_a_socket_is_broken_off_too() -> None:
    reader, writer = os.pipe()
    stopping.ask()
    with pytest.raises(stopping.Stopped), stopping.breakable():
        os.read(reader, 1)
    os.close(reader)
    os.close(writer)


def test_what_does_not_wait_is_never_broken_off_but_the_next_waiting_is() -> None:
    stopping.ask()
    received = signal.sigtimedwait([], 0)
    assert received is None
    deadline = time.monotonic() + 0.2
    while time.monotonic() < deadline:
        pass
    with pytest.raises(stopping.Stopped), stopping.breakable():
        raise AssertionError("it was too late to begin this")


def test_other_threads_are_left_alone() -> None:
    stopping.ask()
    done = []

    def wait() -> None:
        with stopping.breakable():
            time.sleep(0.2)
        done.append(True)

    thread = threading.Thread(target=wait)
    thread.start()
    thread.join()
    assert done == [True]


def test_it_is_no_failure_that_somebody_could_catch_by_mistake() -> None:
    assert not issubclass(stopping.Stopped, Exception)


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_first_signal_asks_and_a_second_breaks_off(number) -> None:
    before = signal.getsignal(number)

    def be_asked_twice() -> None:
        with stopping.asked_by_signals():
            os.kill(os.getpid(), number)
            assert stopping.is_asked()
            os.kill(os.getpid(), number)
            time.sleep(30)

    with pytest.raises(KeyboardInterrupt):
        be_asked_twice()
    assert not stopping.is_asked()
    assert signal.getsignal(number) == before


def test_signals_are_left_alone_outside_the_main_thread() -> None:
    seen = []

    def work() -> None:
        with stopping.asked_by_signals():
            seen.append(signal.getsignal(signal.SIGTERM))

    before = signal.getsignal(signal.SIGTERM)
    thread = threading.Thread(target=work)
    thread.start()
    thread.join()
    assert seen == [before]
