from __future__ import annotations

from pathlib import Path

from prometheus_client.metrics import MetricWrapperBase

from rinnan_chassis import metrics

ALL = {name: metric for name, metric in vars(metrics).items() if isinstance(metric, MetricWrapperBase)}
LABELS = {"became", "kind", "topic", "what"}


def test_every_metric_is_set_somewhere() -> None:
    services = Path(metrics.__file__).parents[2]
    rooms = "".join(path.read_text("utf-8") for path in services.rglob("rinnan_*/**/*.py"))
    assert {name for name in ALL if f"metrics.{name}." not in rooms} == set()


def test_no_label_can_hold_an_id() -> None:
    assert {label for metric in ALL.values() for label in metric._labelnames} <= LABELS


def test_every_metric_is_ours_and_says_what_it_counts() -> None:
    assert ALL
    assert all(metric._name.startswith("rinnan_") and metric._documentation.endswith(".") for metric in ALL.values())
