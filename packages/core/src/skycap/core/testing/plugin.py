"""The pytest plugin of skycap: fixtures for whoever tests a storage. Nothing heavy is imported here."""

from __future__ import annotations

import pytest

pytest.register_assert_rewrite("skycap.core.testing.conformance", "skycap.core.testing.statemachine")
