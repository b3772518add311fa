"""The journal's folder seen from outside, for tests that damage it. The layout is told in plugin/journal/segment.cc and wire/record.h."""
import pathlib
import struct

HEADER = 64


class Segment:
    """A segment file as it is now: where its records begin and end."""

    def __init__(self, path):
        self.path = pathlib.Path(path)
        data = self.path.read_bytes()
        self.records = []  # (position in the file, size)
        at = HEADER
        while at + 8 <= len(data) and (length := struct.unpack_from("<I", data, at)[0]):
            size = (8 + length + 7) // 8 * 8
            self.records.append((at, size))
            at += size
        self.end = at  # of the records
        self.size = len(data)

    def read(self, at, size):
        return self.path.read_bytes()[at:at + size]

    def write(self, at, data):
        with open(self.path, "r+b") as file:
            file.seek(at)
            file.write(data)

    def flip(self, at, bit=0x10):
        self.write(at, bytes([self.read(at, 1)[0] ^ bit]))


def segments(folder):
    """Those that hold records, oldest first."""
    found = [Segment(path) for path in sorted(pathlib.Path(folder).glob("*.seg"))]
    return [segment for segment in found if segment.records]
