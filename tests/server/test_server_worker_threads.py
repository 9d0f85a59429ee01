"""Work begins at once, in a thread that may have done other work before."""

from __future__ import annotations

import threading

from replicate_sync.server.worker_threads import WorkerThreads


def test_a_thread_is_used_again_and_has_the_name_of_its_work() -> None:
    threads = WorkerThreads()
    seen: list[tuple[int, str]] = []
    for name in ("one", "two"):
        done = threading.Event()

        def work(done: threading.Event = done) -> None:
            seen.append((threading.get_ident(), threading.current_thread().name))
            done.set()

        threads.run(work, name)
        assert done.wait(5)
        wait_until_idle()
    assert [name for _, name in seen] == ["one", "two"]
    assert seen[0][0] == seen[1][0]
    threads.close()


def wait_until_idle() -> None:
    for _ in range(1000):
        if any(one.name == "local-replicate-idle" for one in threading.enumerate()):
            return
        threading.Event().wait(0.002)


def test_however_many_run_another_one_begins_at_once() -> None:
    threads = WorkerThreads()
    everyone = threading.Barrier(30)
    for number in range(29):
        threads.run(lambda: everyone.wait(5) and None, f"work-{number}")
    everyone.wait(5)
    threads.close()


def test_none_stays_when_the_server_stops() -> None:
    threads = WorkerThreads()
    begun = threading.Event()
    release = threading.Event()

    def work() -> None:
        begun.set()
        release.wait(5)

    threads.run(work, "ends-with-the-server")
    (thread,) = [one for one in threading.enumerate() if one.name == "ends-with-the-server"]
    assert begun.wait(5)
    threads.close()
    release.set()
    thread.join(5)
    assert not thread.is_alive()
