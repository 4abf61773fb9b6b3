"""Which deaths count, and when a picture is the cause."""

import signal

import pytest

from siglip.bulk import poison
from siglip.bulk.poison import DeathJudge, ShardDeaths


def test_a_shard_is_done_picture_by_picture_after_three_deaths():
    deaths = ShardDeaths()
    for _ in range(2):
        deaths.add(signal.SIGSEGV, None)
        assert not deaths.one_by_one
    deaths.add(signal.SIGSEGV, None)
    assert deaths.one_by_one and not deaths.is_hopeless


def test_a_picture_is_the_cause_when_it_died_twice_alone():
    deaths = ShardDeaths(deaths=3)
    deaths.add(signal.SIGBUS, 7)
    deaths.add(signal.SIGBUS, 9)
    assert deaths.poisoned == {}
    deaths.add(signal.SIGBUS, 7)
    assert deaths.poisoned == {7: signal.SIGBUS}


def test_a_shard_without_a_cause_is_given_up():
    deaths = ShardDeaths()
    for _ in range(6):
        deaths.add(signal.SIGABRT, None)
    assert deaths.is_hopeless


@pytest.mark.parametrize("name", ["SIGSEGV", "SIGBUS", "SIGILL", "SIGFPE", "SIGABRT"])
def test_crashes_count(name):
    assert DeathJudge().blames_the_work(signal.Signals[name])


@pytest.mark.parametrize("name", ["SIGTERM", "SIGINT", "SIGHUP", "SIGKILL", "SIGXCPU"])
def test_what_others_send_does_not_count(name):
    assert not DeathJudge().blames_the_work(signal.Signals[name])


def test_sigkill_counts_once_for_each_rise_of_the_counter(tmp_path, monkeypatch):
    events = tmp_path / "memory.events"
    events.write_text("low 0\noom 1\noom_kill 4\n")
    monkeypatch.setattr(poison, "_event_files", lambda: [events])
    judge = DeathJudge()
    assert not judge.blames_the_work(signal.SIGKILL)
    events.write_text("low 0\noom 2\noom_kill 5\n")
    assert judge.blames_the_work(signal.SIGKILL)
    assert not judge.blames_the_work(signal.SIGKILL)
