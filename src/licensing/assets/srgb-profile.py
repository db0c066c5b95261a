#!/usr/bin/env python3
"""Makes srgb.icc, the output intent of printed documents: sRGB (IEC 61966-2-1) as an ICC profile
of version 4 with parametric curves, from the published numbers, so that no licence binds it."""
import pathlib
import struct

def fixed(*numbers):
    return b"".join(struct.pack(">i", round(number * 65536)) for number in numbers)

def text(words):
    octets = words.encode("utf-16-be")
    return b"mluc\0\0\0\0" + struct.pack(">II2s2sII", 1, 12, b"en", b"US", len(octets), 28) + octets

def xyz(*numbers):
    return b"XYZ \0\0\0\0" + fixed(*numbers)

curve = b"para\0\0\0\0" + struct.pack(">HH", 3, 0) + fixed(2.4, 1 / 1.055, 0.055 / 1.055, 1 / 12.92, 0.04045)
tags = [
    (b"desc", text("sRGB")),
    (b"cprt", text("No copyright, use freely")),
    (b"wtpt", xyz(0.9642, 1.0, 0.8249)),
    (b"chad", b"sf32\0\0\0\0" + fixed(1.047882, 0.022918, -0.050217, 0.029586, 0.990479, -0.017059, -0.009247, 0.015076, 0.751678)),
    (b"rXYZ", xyz(0.436066, 0.222488, 0.013916)),
    (b"gXYZ", xyz(0.385147, 0.716873, 0.097076)),
    (b"bXYZ", xyz(0.143066, 0.060608, 0.714096)),
    (b"rTRC", curve), (b"gTRC", curve), (b"bTRC", curve),
]
offset, table, data, places = 128 + 4 + 12 * len(tags), b"", b"", {}
for name, octets in tags:
    if octets not in places:
        places[octets] = offset + len(data)
        data += octets + b"\0" * (-len(octets) % 4)
    table += struct.pack(">4sII", name, places[octets], len(octets))
head = struct.pack(">I4sI4s4s4s6H4s4sI4s4sQI", 0, b"\0\0\0\0", 0x04200000, b"mntr", b"RGB ", b"XYZ ",
                   2026, 1, 1, 0, 0, 0, b"acsp", b"\0\0\0\0", 0, b"\0\0\0\0", b"\0\0\0\0", 0, 0)
head += fixed(0.9642, 1.0, 0.8249) + b"\0" * 48
profile = head + struct.pack(">I", len(tags)) + table + data
profile = struct.pack(">I", len(profile)) + profile[4:]
assert len(head) == 128
pathlib.Path(__file__).with_name("srgb.icc").write_bytes(profile)
