"""The one seam to the HTTP client: what every backend and login of ours speaks HTTP through."""

from skycap.core.http.client import Client, Timeouts
from skycap.core.http.failures import error_for_status, retry_after
from skycap.core.http.message import Request, Response, Stream
from skycap.core.http.redact import RedactingFilter, redact, redact_headers, register_secret
from skycap.core.http.tls import Tls

__all__ = [
    "Client",
    "RedactingFilter",
    "Request",
    "Response",
    "Stream",
    "Timeouts",
    "Tls",
    "error_for_status",
    "redact",
    "redact_headers",
    "register_secret",
    "retry_after",
]
