"""Digest authentication (RFC 7616) with `qop=auth`, for clients that send no password without TLS.

It needs what is as good as the password in a file, so nobody gets it without asking for it.
"""

from skycap.core.server.digest.admission import DigestAdmission, Judged
from skycap.core.server.digest.users import put_digest_user, read_digest_users, remove_digest_user

__all__ = ["DigestAdmission", "Judged", "put_digest_user", "read_digest_users", "remove_digest_user"]
