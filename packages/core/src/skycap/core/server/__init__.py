"""What every server of ours shares: where it listens, who may come in, TLS, locks, the background."""

from skycap.core.server.access_log import AccessLog
from skycap.core.server.admission import Admission, Verdict
from skycap.core.server.binding import Binding
from skycap.core.server.certificates import Certificates
from skycap.core.server.daemon import log_path, start, stop
from skycap.core.server.logins import Logins
from skycap.core.server.passwords import hash_password, read_password
from skycap.core.server.registering import Running, find, registered, running
from skycap.core.server.throttle import Limit, Throttle
from skycap.core.server.tls import TlsFiles, server_context, tls_files
from skycap.core.server.tls_renewal import renewed_context
from skycap.core.server.users import put_user, read_users, remove_user

__all__ = [
    "AccessLog",
    "Admission",
    "Binding",
    "Certificates",
    "Limit",
    "Logins",
    "Running",
    "Throttle",
    "TlsFiles",
    "Verdict",
    "find",
    "hash_password",
    "log_path",
    "put_user",
    "read_password",
    "read_users",
    "registered",
    "remove_user",
    "renewed_context",
    "running",
    "server_context",
    "start",
    "stop",
    "tls_files",
]
