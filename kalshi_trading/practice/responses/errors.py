"""Error responses of the exchange in their four wire shapes.

Knows their text, never decides when to refuse.
Source: Kalshi API, errors and authentication.
"""

from __future__ import annotations

from typing import Any


class ApiError(Exception):
    """A request that ends with an error response."""

    def __init__(self, status: int, body: dict[str, Any]) -> None:
        self.status = status
        self.body = body
        super().__init__(f"{status} {body}")


def api_error(status: int, code: str, details: str | None = None, message: str | None = None) -> ApiError:
    """Return the usual shape: an `error` object.

    The message defaults to the code with spaces.
    """
    error = {"code": code, "message": message or code.replace("_", " ")}
    if details is not None:
        error["details"] = details
    return ApiError(status, {"error": error})


def bad_request(details: str) -> ApiError:
    """Return the flat shape for a body that cannot be decoded."""
    return ApiError(400, {"code": "bad_request", "message": "bad request", "details": details})


def invalid_parameter(operation: str, field: str, rule: str) -> ApiError:
    """Return the `msg` shape for a query parameter that broke a rule.

    Rules are `lte`, `required` and others.
    """
    key = f"'{operation}Params.{field}'"
    reason = f"Key: {key} Error:Field validation for '{field}' failed on the '{rule}' tag"
    return ApiError(400, {"msg": f"Parameter validation failed for {operation}: {reason}"})


def not_found(details: str | None = None) -> ApiError:
    """Return the error for an unknown ticker, id or path."""
    return api_error(404, "not_found", details)


def unauthenticated(details: str) -> ApiError:
    """Return the error for a rejected key or signature."""
    code = "authentication_error"
    return api_error(401, code, details, message=code)


def stale_timestamp() -> ApiError:
    """Return the error for a signature outside the time window."""
    return api_error(401, "header_timestamp_expired")


def missing_signature() -> ApiError:
    """Return the error for a request without signature headers."""
    return api_error(401, "signature_is_missing_from_headers")


def deprecated_endpoint() -> ApiError:
    """Return the error of the retired order endpoints."""
    return api_error(410, "deprecated_v1_order_endpoint", message="Please switch to the V2 endpoints")


def too_many_requests() -> ApiError:
    """Return the error for a request that exceeds the rate limit."""
    return ApiError(429, {"error": "too many requests"})
