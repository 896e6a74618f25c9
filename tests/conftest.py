"""The fixtures of antiphon.testing, also where the package runs from its sources and its plugin is not installed."""

from __future__ import annotations

import os
from collections.abc import Generator

import pytest
from hypothesis import HealthCheck, settings

from antiphon.testing.app_fixtures import antiphon_app_client, antiphon_app_url, antiphon_proxy
from antiphon.testing.fixtures import antiphon_client, antiphon_clock, antiphon_server, antiphon_settings

__all__ = [
    "antiphon_app_client",
    "antiphon_app_url",
    "antiphon_client",
    "antiphon_clock",
    "antiphon_proxy",
    "antiphon_server",
    "antiphon_settings",
]

# How long an example takes is the machine's affair: two cores that do something else as well are no fault of a test.
# CI tries the same examples each time, so that what it says is about the change; developers' runs look for new ones.
settings.register_profile(
    "patient", deadline=None, suppress_health_check=[HealthCheck.too_slow], derandomize="CI" in os.environ
)
settings.load_profile("patient")


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Reports of tests that run beside others travel as UTF-8, and what a test has logged may be none."""
    report = yield
    report.sections = [(title, text.encode(errors="backslashreplace").decode()) for title, text in report.sections]
    return report
