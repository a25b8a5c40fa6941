"""The exchange's error answers in their four wire shapes; knows texts, never decides when to refuse.

Source: Kalshi API, errors and authentication.
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request that ends with an error body."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{status} {body}")


def nested(status: int, code: str, details: str | None = None, message: str | None = None) -> ApiError:
    """Make the usual shape: an `error` object. The message defaults to the code with spaces."""
    error = {"code": code, "message": message or code.replace("_", " ")}
    if details is not None:
        error["details"] = details
    return ApiError(status, {"error": error})


def undecodable(details: str) -> ApiError:
    """Make the flat shape of a body that could not be decoded."""
    return ApiError(400, {"code": "bad_request", "message": "bad request", "details": details})


def invalid_parameter(operation: str, field: str, rule: str) -> ApiError:
    """Make the `msg` shape of a query parameter that broke a validation rule (`lte`, `required` ...)."""
    key = f"'{operation}Params.{field}'"
    reason = f"Key: {key} Error:Field validation for '{field}' failed on the '{rule}' tag"
    return ApiError(400, {"msg": f"Parameter validation failed for {operation}: {reason}"})


def not_found(details: str | None = None) -> ApiError:
    """Make the answer to a name that means nothing here."""
    return nested(404, "not_found", details)


def unauthenticated(details: str) -> ApiError:
    """Make the answer to a key or a signature that is not accepted."""
    code = "authentication_error"
    return nested(401, code, details, message=code)


def stale_timestamp() -> ApiError:
    """Make the answer to a signature made at another time than now."""
    return nested(401, "header_timestamp_expired")


def unsigned() -> ApiError:
    """Make the answer to a request without its signature headers."""
    return nested(401, "signature_is_missing_from_headers")


def old_order_endpoint() -> ApiError:
    """Make the answer of the order endpoints that are gone."""
    return nested(410, "deprecated_v1_order_endpoint", message="Please switch to the V2 endpoints")


def too_many_requests() -> ApiError:
    """Make the answer to a request the token bucket cannot pay for."""
    return ApiError(429, {"error": "too many requests"})
