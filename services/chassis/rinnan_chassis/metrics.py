"""What every room counts, in one vocabulary. A label never holds an id, nor a word that a stranger can choose."""

from __future__ import annotations

from typing import Final

from prometheus_client import Counter, Gauge, Histogram

_SECONDS: Final = (0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0, 60.0)

received: Final = Counter("rinnan_received", "Messages taken from Kafka.", ["topic"])
skipped: Final = Counter("rinnan_skipped", "Messages that do not concern this room.", ["topic"])
misplaced: Final = Counter("rinnan_misplaced", "Messages set aside: not of their own speaker or topic.", ["topic"])
decided: Final = Counter("rinnan_decided", "Facts and commands, by what became of them.", ["became"])
said: Final = Counter("rinnan_said", "Messages that Kafka took.")
seconds: Final = Histogram("rinnan_seconds", "Real seconds that it took.", ["what"], buckets=_SECONDS)

lag: Final = Gauge("rinnan_lag", "Messages that Kafka has and this room has not heard.", ["topic"])
held: Final = Gauge("rinnan_held", "Subjects of which nothing further is heard until a person releases them.")
parked: Final = Gauge("rinnan_parked", "Messages that wait, in order, for a held subject.")
dead: Final = Gauge("rinnan_dead", "Messages set aside that nobody has dealt with.")
outbox_waiting: Final = Gauge("rinnan_outbox_waiting", "Messages that are decided and not yet said.")
outbox_age: Final = Gauge("rinnan_outbox_age_seconds", "Age of the oldest of them.")
oldest_due_work: Final = Gauge("rinnan_oldest_due_work_seconds", "How late the most overdue work is.", ["kind"])
alarms: Final = Counter("rinnan_alarms", "What a person must look at, by what it is.", ["what"])
