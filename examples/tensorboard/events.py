"""Writes TensorBoard event files: scalars only, with nothing but the standard library.

A file is a row of records: the length of the data (uint64, little-endian), the masked CRC-32C of
these eight bytes (uint32), the data, and the masked CRC-32C of the data. The data are an `Event`
in protocol buffer encoding (tensorflow/core/util/event.proto).
"""

import os
import socket
import struct
import time
from pathlib import Path


def _crc_table():
    table = []
    for byte in range(256):
        crc = byte
        for _ in range(8):
            crc = (crc >> 1) ^ (0x82F63B78 if crc & 1 else 0)  # Castagnoli, reflected
        table.append(crc)
    return table


_TABLE = _crc_table()


def masked_crc(data):
    """Return the CRC-32C of the data, rotated and shifted as the record format asks."""
    crc = 0xFFFFFFFF
    for byte in data:
        crc = _TABLE[(crc ^ byte) & 0xFF] ^ (crc >> 8)
    crc ^= 0xFFFFFFFF
    return ((crc >> 15 | crc << 17) + 0xA282EAD8) & 0xFFFFFFFF


def varint(value):
    """Return a non-negative integer in base 128, least significant group first."""
    out = bytearray()
    while value > 0x7F:
        out.append(value & 0x7F | 0x80)
        value >>= 7
    return bytes([*out, value])


def field(number, data):
    """Return a length-delimited field."""
    return varint(number << 3 | 2) + varint(len(data)) + data


def event(step, payload):
    """Return an Event: wall_time = 1 (double), step = 2 (int64) and the payload's fields."""
    return b"\x09" + struct.pack("<d", time.time()) + b"\x10" + varint(step) + payload


class EventWriter:
    """Appends scalars to a new event file in a directory; each call is on disk when it returns."""

    def __init__(self, directory):
        directory = Path(directory)
        directory.mkdir(parents=True, exist_ok=True)
        name = f"events.out.tfevents.{int(time.time())}.{socket.gethostname()}.{os.getpid()}"
        self._file = open(directory / name, "ab")  # noqa: SIM115 (closed by close)
        self._record(event(0, field(3, b"brain.Event:2")))  # file_version = 3

    def scalars(self, step, **values):
        """Write values by tag, in one event: summary = 5, value = 1, tag = 1, simple_value = 2."""
        summary = b"".join(
            field(1, field(1, tag.encode()) + b"\x15" + struct.pack("<f", value))
            for tag, value in values.items()
        )
        self._record(event(step, field(5, summary)))

    def close(self):
        self._file.close()

    def _record(self, data):
        length = struct.pack("<Q", len(data))
        crcs = (struct.pack("<I", masked_crc(part)) for part in (length, data))
        self._file.write(length + next(crcs) + data + next(crcs))
        self._file.flush()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()
