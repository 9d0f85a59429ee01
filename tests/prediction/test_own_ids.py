"""What this process holds is never adopted for a lost create, and the memory for it has a bound."""

from __future__ import annotations

import sys
import threading

from replicate_sync.prediction import own_ids

API = "https://api.replicate.com/v1"
COUNT = 10_000  # predictions that a look-up lists at most


def test_the_latest_ids_are_held_and_older_ones_forgotten() -> None:
    own_ids.forget_all()
    for number in range(3 * COUNT):
        own_ids.register(API, f"p{number}")
    assert all(own_ids.is_held(API, f"p{number}") for number in range(2 * COUNT, 3 * COUNT))
    assert not own_ids.adopt(API, f"p{2 * COUNT}")
    assert sum(own_ids.is_held(API, f"p{number}") for number in range(3 * COUNT)) <= 2 * COUNT


def test_when_an_id_was_first_listed_is_remembered_likewise() -> None:
    own_ids.forget_all()
    first = own_ids.first_listed_at(API, "p0")
    for number in range(COUNT):
        own_ids.first_listed_at(API, f"p{number}")
    assert own_ids.first_listed_at(API, "p0") == first


def test_ids_belong_to_one_api() -> None:
    own_ids.forget_all()
    own_ids.register(API, "p1")
    assert not own_ids.is_held("http://127.0.0.1:5000/v1", "p1")
    assert own_ids.adopt("http://127.0.0.1:5000/v1", "p1")
    assert not own_ids.adopt("http://127.0.0.1:5000/v1", "p1")


def test_threads_that_forget_older_ids_forget_none_of_the_latest() -> None:
    own_ids.forget_all()
    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-5)

    def register(thread: int) -> None:
        for number in range(COUNT):
            own_ids.register(API, f"{thread}:{number}")

    threads = [threading.Thread(target=register, args=(number,)) for number in range(4)]
    try:
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
    finally:
        sys.setswitchinterval(interval)
    held = sum(own_ids.is_held(API, f"{t}:{n}") for t in range(4) for n in range(COUNT))
    assert held >= COUNT
