"""Uses a node as an application does: append, read, subscribe, metadata, delete.

The address is the only argument; the exit code is zero if all went well.
"""

import sys

from esdbclient import EventStoreDBClient, NewEvent, StreamState
from esdbclient.exceptions import NotFound, StreamIsDeleted, WrongCurrentVersion

client = EventStoreDBClient(f"esdb://{sys.argv[1]}?Tls=false")


def events(n):
    return [NewEvent(type="Happened", data=b'{"n": %d}' % i, metadata=b'{"by": "smoke"}') for i in range(n)]


def expect(kind, action):
    try:
        action()
    except kind:
        return
    raise AssertionError(f"no {kind.__name__}")


def take(subscription, n):
    """Receives n events of a subscription, then ends it."""
    received = []
    with subscription:
        for event in subscription:
            received.append(event)
            if len(received) == n:
                return received
    raise AssertionError(f"{len(received)} events of {n}")


# Append. One event goes through BatchAppend, as several do.
first = events(1)
position = client.append_events("python-a", current_version=StreamState.NO_STREAM, events=first)
assert position > 0
assert client.append_events("python-a", current_version=StreamState.NO_STREAM, events=first) == position, "repeated"
client.append_to_stream("python-a", current_version=0, events=events(9))
expect(WrongCurrentVersion, lambda: client.append_to_stream("python-a", current_version=StreamState.NO_STREAM, events=events(1)))
expect(WrongCurrentVersion, lambda: client.append_to_stream("python-a", current_version=3, events=events(1)))
expect(WrongCurrentVersion, lambda: client.append_to_stream("python-none", current_version=3, events=events(1)))
client.append_to_stream("python-b", current_version=StreamState.ANY, events=events(5), timeout=10)

# Read.
read = client.get_stream("python-a", stream_position=8)
assert [e.stream_position for e in read] == [8, 9], read
assert read[0].metadata == b'{"by": "smoke"}' and read[0].content_type == "application/json"
assert [e.stream_position for e in client.get_stream("python-a", backwards=True, limit=1)] == [9]
assert client.get_current_version("python-a") == 9
assert client.get_current_version("python-none") is StreamState.NO_STREAM
# By default the system's own events are left out, by an expression with look-ahead.
ours = [e for e in client.read_all() if e.stream_name.startswith("python-")]
assert len(ours) == 15, len(ours)
assert all(e.stream_name == "python-b" for e in client.read_all(filter_include=["python-b"], filter_by_stream_name=True))
expect(NotFound, lambda: client.get_stream("python-none"))

# Subscribe: from the start and on into what comes.
of_stream = client.subscribe_to_stream("python-a")
of_all = client.subscribe_to_all(filter_include=["python-.*"], filter_by_stream_name=True)
excluding = client.subscribe_to_all(commit_position=position)
client.append_to_stream("python-a", current_version=9, events=events(1))
assert [e.stream_position for e in take(of_stream, 11)] == list(range(11))
assert len(take(of_all, 16)) == 16
assert all(not e.type.startswith("$") for e in take(excluding, 15))

# Metadata.
expect(NotFound, lambda: client.get_stream("$$python-a"))
client.set_stream_metadata("python-a", metadata={"$maxCount": 2, "custom": "value"}, current_version=StreamState.NO_STREAM)
metadata, version = client.get_stream_metadata("python-a")
assert metadata == {"$maxCount": 2, "custom": "value"} and version == 0, metadata
assert [e.stream_position for e in client.get_stream("python-a")] == [9, 10]

# Delete, write again, and end for ever.
client.delete_stream("python-a", current_version=10)
expect(NotFound, lambda: client.get_stream("python-a"))
client.append_to_stream("python-a", current_version=StreamState.NO_STREAM, events=events(1))
assert [e.stream_position for e in client.get_stream("python-a")] == [11]
client.tombstone_stream("python-a", current_version=StreamState.ANY)
expect(StreamIsDeleted, lambda: client.get_stream("python-a"))
expect(StreamIsDeleted, lambda: client.append_to_stream("python-a", current_version=StreamState.ANY, events=events(1)))
client.close()
