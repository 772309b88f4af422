"""The S3 server of these tests; it lives with the testing tools, so that others have it too."""

from __future__ import annotations

from skycap.core.testing.servers import SeaweedFS

__all__ = ["SeaweedFS"]
