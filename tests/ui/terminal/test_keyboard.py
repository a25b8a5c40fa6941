"""Status requests: matching answers, and the longest wait for one."""

from __future__ import annotations

from kalshi_trading.ui.terminal.keyboard import FIRST_ANSWER_S, LONGEST_ANSWER_S, StatusRequests


def test_a_request_is_settled_by_its_answer() -> None:
    requests = StatusRequests()
    number = requests.record_request(0.0)
    assert not requests.is_settled(number, 0.3)
    assert requests.record_answer(0.4) == 0.4
    assert requests.is_settled(number, 0.4)


def test_a_late_answer_counts_for_its_own_request() -> None:
    """A line that takes 2 s answers after the first request was abandoned."""
    requests = StatusRequests()
    first = requests.record_request(0.0)
    assert requests.is_settled(first, FIRST_ANSWER_S + 0.1)
    second = requests.record_request(1.5)
    assert requests.record_answer(2.0) == 2.0
    assert not requests.is_settled(second, 3.4)
    assert requests.record_answer(3.5) == 2.0
    assert requests.is_settled(second, 3.5)


def test_a_lost_answer_costs_one_wait() -> None:
    requests = StatusRequests()
    requests.record_request(0.0)
    requests.record_answer(0.1)
    lost = requests.record_request(1.0)
    assert not requests.is_settled(lost, LONGEST_ANSWER_S)
    assert requests.is_settled(lost, 1.1 + LONGEST_ANSWER_S)
    number = requests.record_request(10.0)
    assert not requests.is_settled(number, 10.05)
    requests.record_answer(10.1)
    assert requests.is_settled(number, 10.1)


def test_an_unrequested_answer_settles_nothing() -> None:
    requests = StatusRequests()
    assert requests.record_answer(0.0) is None
    number = requests.record_request(1.0)
    assert not requests.is_settled(number, 1.1)


def test_a_silent_terminal_is_waited_for_no_longer_than_it_takes_to_know() -> None:
    requests = StatusRequests()
    first = requests.record_request(0.0)
    assert not requests.is_settled(first, FIRST_ANSWER_S - 0.1)
    assert requests.is_settled(first, FIRST_ANSWER_S + 0.1)
    second = requests.record_request(2.0)
    assert not requests.is_settled(second, 2.5)
    third = requests.record_request(LONGEST_ANSWER_S + 1)
    assert requests.is_settled(third, LONGEST_ANSWER_S + 1.05)
