"""`contact-center simulate`: what it prints."""

import json

from typer.testing import CliRunner

from contact_center.cli import app


def test_it_prints_each_policy_with_its_figures() -> None:
    """A line for each way of working, as JSON with every figure of the registry; the same day twice is the same text."""
    arguments = ["simulate", "--agents", "6", "--arrivals", "80", "--hours", "2", "--json"]
    first, again = CliRunner().invoke(app, arguments), CliRunner().invoke(app, arguments)
    assert first.exit_code == 0
    assert first.output == again.output
    lines = [json.loads(line) for line in first.output.splitlines()]
    by_policy = {line["policy"]: line for line in lines}
    assert len(by_policy) == len(lines) >= 5
    assert by_policy["one agent fewer"]["asa"] > by_policy["one agent more"]["asa"]
    assert all(0 <= line["service_level.standard"] <= 1 for line in lines)
