"""Test the errors of HTTP answers: definite or not, and their message."""

from __future__ import annotations

import json
from itertools import product

import hypothesis
import pytest
from api_examples import ERRORS
from cases import naming
from hypothesis import given
from hypothesis import strategies as st

from kalshi_trading.core.errors import (
    AuthenticationError,
    ConflictError,
    ForbiddenError,
    KalshiAPIError,
    NotFoundError,
    OutcomeUnknownError,
    RateLimitError,
    UnavailableError,
)
from kalshi_trading.exchange.http.error_mapping import (
    DEFINITE_CONFLICTS,
    DEFINITE_REFUSALS,
    RETRYABLE_READS,
    Answer,
    error_for_read,
    error_for_write,
    read_error,
)

HTML = "<html><head><title>502 Bad Gateway</title></head></html>"
ORDER = {"order_id": "a1", "fill_count": "0.00", "remaining_count": "1.00", "ts_ms": 1}


def answer(status: int, body: object) -> Answer:
    text = body if isinstance(body, str) else json.dumps(body)
    return Answer(status, None if isinstance(body, str) else body, text)


def example(name: str) -> Answer:
    return answer(ERRORS[name]["status"], ERRORS[name]["body"])


# --- The exchange's error text -------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "code", "words"),
    [
        ("400_insufficient_balance", "insufficient_balance", "insufficient_balance"),
        ("400_post_only_cross", "invalid_order", "invalid_order: post only cross"),
        ("400_decode", "bad_request", "cannot unmarshal number"),
        ("400_param", None, "Parameter validation failed for GetMarkets"),
        ("429_rate", None, "too many requests"),
        ("401_signature", "authentication_error", "INCORRECT_API_KEY_SIGNATURE"),
        ("410_old_endpoint", "deprecated_v1_order_endpoint", "Please switch to the V2 endpoints"),
    ],
)
def test_each_of_the_four_shapes_gives_code_and_message(name, code, words):
    said = read_error(example(name))
    assert said.code == code
    assert words in str(said)


def test_words_that_only_repeat_the_code_are_said_once():
    assert str(read_error(example("401_timestamp"))) == "header_timestamp_expired"


def test_of_anything_else_an_excerpt_is_shown():
    bodies = [{}, {"error": None}, {"error": 5}, {"code": 7}, [], "page", 3, {"msg": []}]
    assert [body for body in bodies if str(read_error(Answer(400, body, "whatever"))) != "whatever"] == []


def test_a_page_of_a_proxy_is_shown_short_and_without_control_characters():
    said = str(read_error(answer(502, "\x1b[2J\u202e" + HTML * 50)))
    assert len(said) <= 201
    assert "\x1b" not in said
    assert "\u202e" not in said


def test_an_empty_answer_still_has_a_message():
    assert str(read_error(Answer(500, None, ""))) == "no explanation"


json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=30),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
bodies = json_values | st.fixed_dictionaries(
    {}, optional=dict.fromkeys(("error", "code", "message", "details", "msg", "order_id"), json_values)
)


@given(status=st.integers(100, 599), body=bodies, text=st.text(max_size=300))
@hypothesis.example(status=100, body={}, text="0\xa00\u2003")
def test_no_answer_whatever_breaks_the_reading(status, body, text):
    given_answer = Answer(status, body, text)
    for error in (error_for_read(given_answer, "/x"), error_for_write(given_answer)):
        assert error is None or str(error).isprintable()


@given(status=st.integers(100, 599), body=bodies)
def test_a_write_is_refused_or_done_only_by_an_answer_that_says_so(status, body):
    error = error_for_write(Answer(status, body, ""))
    if error is None:
        assert status in (200, 201)
        assert "error" not in body
    elif not isinstance(error, OutcomeUnknownError):
        assert status in DEFINITE_REFUSALS | {409}
        assert not error.may_have_acted


# --- Writes --------------------------------------------------------------------------------------

NESTED = {"error": {"code": "some_reason", "message": "some reason"}}
FLAT = {"code": "some_reason", "message": "some reason"}


REFUSALS = {
    400: KalshiAPIError,
    401: AuthenticationError,
    403: ForbiddenError,
    404: NotFoundError,
    409: ConflictError,
    410: KalshiAPIError,
    422: KalshiAPIError,
    429: RateLimitError,
}


def read_refused(given_answer):
    return error_for_read(given_answer, "/portfolio/balance")


def error_of(judge, status, body):
    with naming(f"{status} {body!r}"):
        return judge(answer(status, body))


def misjudged(judge, kinds, bodies):
    """Return answers with another error class or status, or `may_have_acted`."""
    found = []
    for (status, kind), body in product(kinds.items(), bodies):
        error = error_of(judge, status, body)
        if type(error) is not kind or error.status != status or error.may_have_acted:
            found.append(f"{status} {body}: {error!r}")
    return found


def definite(statuses, bodies):
    """Return the answers to a write that do not leave the order unknown."""
    found = []
    for status, body in product(statuses, bodies):
        error = error_of(error_for_write, status, body)
        if not isinstance(error, OutcomeUnknownError) or not error.may_have_acted:
            found.append(f"{status} {body}: {error!r}")
    return found


def nested(code, **more):
    return {"error": {"code": code, "message": "words", **more}}


SHAPES = {
    "nested": nested("some_reason"),
    "nested, details": nested("some_reason", details="more", service="exchange"),
    "flat": {"code": "bad_request", "message": "bad request", "details": "json"},
    "string": {"error": "too many requests"},
    **{code: nested(code) for code in sorted(DEFINITE_CONFLICTS)},
    "nested, duplicate": nested("order_already_exists"),
}
LOOK_ALIKES = (
    {"msg": "Parameter validation failed"},
    {"message": "Forbidden"},
    {"code": "forbidden"},
    {"code": 403, "message": "Forbidden"},
    {"code": "", "message": "Forbidden"},
    {"code": "forbidden", "message": None},
    {"error": {"message": "no code"}},
    {"error": {"code": ""}},
    {"error": {"code": 7, "message": "number"}},
    {"error": ""},
    {"error": None},
    {"error": ["too many requests"]},
    {"errors": [{"code": "some_reason"}]},
    {"error": {"error": {"code": "some_reason"}}},
    {"detail": "Not Found"},
    {"Message": "User is not authorized", "code": None},
    {},
    [],
    [nested("some_reason")],
    HTML,
    "",
    "{",
    "null",
    "too many requests",
)


def kind_of_refusal(status, shape):
    """Return the expected error class of a write's 4xx with this shape."""
    is_definite = (
        (shape.startswith("nested") and status in DEFINITE_REFUSALS)
        or (shape in DEFINITE_CONFLICTS and status in DEFINITE_REFUSALS | {409})
        or (shape, status) in {("flat", 400), ("string", 429)}
    )
    return REFUSALS[status] if is_definite else OutcomeUnknownError


def test_a_refusal_of_a_write_is_definite_in_the_exchanges_own_shapes_only():
    assert frozenset({400, 401, 403, 404, 410, 422, 429}) == DEFINITE_REFUSALS
    wrong = []
    for status, (shape, body) in product(range(400, 500), SHAPES.items()):
        error = error_of(error_for_write, status, body)
        kind = kind_of_refusal(status, shape)
        may_have_acted = kind is OutcomeUnknownError
        if type(error) is not kind or error.status != status or error.may_have_acted != may_have_acted:
            wrong.append(f"{status} {shape}: {error!r}")
    assert wrong == []


def test_what_only_looks_like_a_refusal_leaves_the_write_unknown():
    assert definite(range(400, 500), LOOK_ALIKES) == []


def test_every_other_status_leaves_the_order_unknown():
    statuses = [100, 202, 204, 301, 302, 307, 308, 402, 405, 408, 418, 425, 451]
    assert definite(statuses, [NESTED, HTML, ORDER]) == []


def test_a_server_error_leaves_the_order_unknown_whatever_it_says():
    bodies = [NESTED, FLAT, HTML, ORDER, {"error": "too many requests"}]
    assert definite([500, 502, 503, 504, 520, 599], bodies) == []


def test_a_success_that_is_none_leaves_the_order_unknown():
    bodies = ["", "{", "null", HTML, [ORDER], NESTED, {"error": "no"}, {**ORDER, "error": "no"}]
    assert definite([200, 201], bodies) == []


@pytest.mark.parametrize("status", [200, 201])
def test_a_success_with_an_object_is_a_success(status):
    assert error_for_write(answer(status, ORDER)) is None


def test_the_refusals_a_trader_meets_say_what_to_do():
    assert "Not enough cash on this market's shard. Lower the quantity or the price" in str(
        error_for_write(example("400_insufficient_balance"))
    )
    assert "Not a valid price" in str(error_for_write(example("400_invalid_price")))
    assert "clock" in str(error_for_write(example("401_timestamp")))
    assert "key ID and private key" in str(error_for_write(example("401_unknown_key")))
    assert "Wait a few seconds" in str(error_for_write(example("429_rate")))
    assert "cannot fill the whole order" in str(error_for_write(example("409_fok")))


NEXT_STEPS = [
    (400, "bad_request", None, "Update this program"),
    (400, "invalid_order", "post only cross", "would fill at once"),
    (400, "invalid_order", "Expiration timestamp must be in the future", "later expiration"),
    (400, "invalid_order", "something new", "breaks a rule"),
    (400, "invalid_parameters", None, "characters the exchange does not accept"),
    (400, "invalid_order_size", None, "Change the quantity"),
    (400, "market_inactive", None, "not open for trading"),
    (400, "insufficient_balance", None, "this market's shard"),
    (400, "available_balance_too_low", None, "this market's shard"),
    (400, "order_id_and_client_order_id_mismatch", None, "different orders"),
    (400, "order_side_mismatch", None, "on the other side"),
    (400, "order_ticker_mismatch", None, "in another market"),
    (400, "conflicting_leg_outcomes", None, "contradict"),
    (400, "duplicated_legs", None, "twice"),
    (400, "invalid_market_combination", None, "cannot be combined"),
    (400, "new_reason", None, "Nothing was changed"),
    (401, "signature_is_missing_from_headers", None, "needs an API key"),
    (403, "forbidden", None, "read, write::trade"),
    (403, "forbidden", "missing scope write::trade", "needs the scope read to view and write::trade"),
    (403, "forbidden", "Location attestation has expired", "Confirm your location on kalshi.com"),
    (403, "forbidden", "available to FCM members only", "clearing members"),
    (404, "not_found", None, "ID and the environment"),
    (404, "market_not_found", None, "no such market"),
    (409, "trading_is_paused", None, "Try again when it resumes"),
    (409, "exchange_is_paused", None, "Try again when it resumes"),
    (409, "market_closed", None, "has closed"),
    (429, "rate", None, "Wait a few seconds and try again"),
]


@pytest.mark.parametrize(("status", "code", "details", "step"), NEXT_STEPS)
def test_every_code_says_what_comes_next_to_reads_and_writes(status, code, details, step):
    given_answer = answer(status, nested(code, details=details))
    for error in (error_for_write(given_answer), read_refused(given_answer)):
        assert step in str(error)
        assert not error.may_have_acted


def test_a_key_locked_to_a_subaccount_is_recognized_by_the_exchanges_text():
    text = "this API key is restricted to a single sub-account and cannot access this endpoint"
    error = error_for_write(answer(403, {"error": {"code": "forbidden", "message": text}}))
    assert isinstance(error, ForbiddenError)
    assert "locked to one subaccount" in str(error)


@pytest.mark.parametrize("status", [408, 425, 500, 502, 503, 504])
def test_a_failed_read_says_that_it_is_repeated_and_when_to_try_again(status):
    assert "Reads are repeated automatically. Try again in a minute." in str(
        read_refused(answer(status, HTML))
    )


def test_a_read_that_finds_nothing_names_what_it_asked_for():
    error = error_for_read(example("404_not_found"), "/portfolio/orders/a1c5\x1b[2J")
    assert "for /portfolio/orders/a1c5" in str(error)
    assert str(error).isprintable()
    assert "Older orders and markets are archived; see History." in str(error)


# --- Reads ---------------------------------------------------------------------------------------


def test_a_read_that_fails_never_says_that_something_may_have_happened():
    passing = dict.fromkeys((408, 425, 500, 502, 503, 504), UnavailableError)
    assert misjudged(read_refused, REFUSALS | passing, [NESTED, HTML, ""]) == []


@pytest.mark.parametrize("status", [200, 201, 204, 206, 301, 302, 304, 307])
def test_a_page_where_an_object_belongs_is_not_the_exchange(status):
    error = read_refused(answer(status, HTML))
    assert isinstance(error, UnavailableError)
    assert "not from the exchange" in str(error)
    assert "html" not in str(error)


def test_an_object_under_a_redirect_is_not_read():
    assert isinstance(read_refused(answer(302, {"markets": []})), UnavailableError)


def test_only_what_may_pass_is_worth_repeating():
    assert frozenset({408, 425, 429, 500, 502, 503, 504}) == RETRYABLE_READS
