"""What the tests of the WebDAV server share."""

from tests.core.webdav.served import port

__all__ = ["port"]
