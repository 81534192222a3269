"""AsyncAPI 3: who says what on which topic, who hears it, and how a message looks on the wire."""

from __future__ import annotations

import inspect
from collections.abc import Mapping, Sequence
from datetime import timedelta
from typing import Any, Final

from rinnan_chassis.room import Room
from rinnan_chassis.topics import Topics, dead_letter_topic
from rinnan_contracts.rooms import Wired
from rinnan_events import Event, events, sealed_forms_of

Document = dict[str, Any]

SCHEMAS: Final = "../schemas/json"
TRACEPARENT: Final = {"type": "string", "description": "W3C Trace Context."}
ABOUT: Final = """\
What the services of Rinnan say to each other through Kafka.

Every message is a CloudEvent 1.0 in Kafka's binary mode about one registration, keyed by that registration's random id.
Its body is clear JSON that holds nothing personal, plus one sealed string (JWE compact) per seal group. `x-sealed` says
which services may open each. Schemas are closed, and read tolerantly: an optional field may be added, and everything
else is a new major version beside the old one. Generated from the event classes, the rooms and `topics.toml`."""


def asyncapi(topics: Topics, rooms: Sequence[Wired]) -> Document:
    """The document, in the order of the topics' names."""
    said = events()
    names = sorted(topics.topics)
    return {
        "asyncapi": "3.0.0",
        "info": {
            "title": "Rinnan",
            "version": Room.version,
            "description": ABOUT,
            "license": {"name": "EUPL-1.2"},
        },
        "defaultContentType": "application/json",
        "channels": {name: _channel(name, topics, said) for name in names},
        "operations": {**_saying(topics, rooms), **_hearing(rooms, said)},
        "components": {
            "messages": {
                **{kind: _message(event, topics) for kind, event in said.items()},
                **{name: _dead_letter() for name in names if _is_dead_letter(name)},
            },
            "messageTraits": {"cloudevent": _cloudevent()},
        },
    }


def _channel(name: str, topics: Topics, said: Mapping[str, type[Event]]) -> Document:
    topic = topics.topics[name]
    kinds = [name] if _is_dead_letter(name) else [kind for kind, event in said.items() if event.topic == name]
    return {
        "address": name,
        "description": f"Only {topic.owner} speaks here. May be heard by: {', '.join(topic.hears) or 'nobody'}.",
        "messages": {kind: {"$ref": f"#/components/messages/{kind}"} for kind in kinds},
        "bindings": {
            "kafka": {
                "topic": name,
                "partitions": topics.partitions,
                "topicConfiguration": {
                    "retention.ms": timedelta(days=topic.retention_days) // timedelta(milliseconds=1),
                    "max.message.bytes": topics.broker_bytes(name),
                },
                "bindingVersion": "0.5.0",
            }
        },
        "x-body-max-bytes": topic.max_bytes,
    }


def _saying(topics: Topics, rooms: Sequence[Wired]) -> Document:
    operations: Document = {}
    for each in rooms:
        for topic in sorted({event.topic for event in each.says}):
            kinds = sorted(event.type for event in each.says if event.topic == topic)
            operations[f"{each.role}.says.{topic}"] = _operation("send", topic, kinds)
        letters = dead_letter_topic(each.role)
        if letters in topics.topics and each.hears:
            operations[f"{each.role}.says.{letters}"] = _operation("send", letters, [letters])
    return operations


def _hearing(rooms: Sequence[Wired], said: Mapping[str, type[Event]]) -> Document:
    operations: Document = {}
    for each in rooms:
        letters = {topic for topic in each.whole_topics if _is_dead_letter(topic)}
        for topic in sorted({said[kind].topic for kind in each.hears} | letters):
            kinds = [topic] if topic in letters else sorted(kind for kind in each.hears if said[kind].topic == topic)
            operations[f"{each.role}.hears.{topic}"] = _operation("receive", topic, kinds)
    return operations


def _operation(action: str, topic: str, kinds: Sequence[str]) -> Document:
    return {
        "action": action,
        "channel": {"$ref": f"#/channels/{topic}"},
        "messages": [{"$ref": f"#/channels/{topic}/messages/{kind}"} for kind in kinds],
    }


def _message(event: type[Event], topics: Topics) -> Document:
    told = inspect.cleandoc(event.__doc__ or "")
    sealed = {name: sorted(topics.groups[form.group].may_open) for name, form in sealed_forms_of(event)}
    return {
        "name": event.type,
        "title": event.__name__,
        "summary": told.partition("\n")[0],
        "description": told,
        "headers": {
            "type": "object",
            "properties": {
                "ce_type": {"const": event.type},
                "ce_dataschema": {"const": f"urn:rinnan:schema:{event.type}"},
            },
        },
        "payload": {"$ref": f"{SCHEMAS}/{event.type}.json"},
        "traits": [{"$ref": "#/components/messageTraits/cloudevent"}],
        **({"x-sealed": sealed} if sealed else {}),
    }


def _cloudevent() -> Document:
    text = {"type": "string", "minLength": 1}
    return {
        "contentType": "application/json",
        "headers": {
            "type": "object",
            "required": ["ce_specversion", "ce_id", "ce_source", "ce_type", "ce_subject", "ce_time", "content-type"],
            "properties": {
                "ce_specversion": {"const": "1.0"},
                "ce_id": {"type": "string", "format": "uuid", "description": "Made from speaker, cause and number."},
                "ce_source": {**text, "description": "`/rinnan/<speaker>`, such as `/rinnan/intake`."},
                "ce_type": {**text, "description": "`speaker.thing_happened.vN`"},
                "ce_subject": {"type": "string", "format": "uuid", "description": "The registration."},
                "ce_time": {"type": "string", "format": "date-time"},
                "ce_dataschema": {**text, "description": "Names the schema; it is no address."},
                "ce_causationid": {**text, "description": "The `ce_id` of what this follows from."},
                "content-type": {"const": "application/json"},
                "traceparent": TRACEPARENT,
            },
        },
        "bindings": {
            "kafka": {
                "key": {"type": "string", "format": "uuid", "description": "The registration's id."},
                "bindingVersion": "0.5.0",
            }
        },
    }


def _dead_letter() -> Document:
    return {
        "name": "dead_letter",
        "title": "What was set aside",
        "summary": "A message that could not be decided, with key, headers and body as sealed as it came.",
        "headers": {
            "type": "object",
            "required": ["rinnan-reason", "rinnan-topic"],
            "properties": {
                "rinnan-reason": {"type": "string", "description": "A class, never the message's content."},
                "rinnan-topic": {"type": "string", "description": "Where it was heard."},
            },
        },
        "payload": {"description": "Any bytes."},
    }


def _is_dead_letter(topic: str) -> bool:
    return topic == dead_letter_topic(topic.partition(".")[0])
