#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Writes packed relocations (DT_RELR) of shared libraries out as ordinary ones, in place: for a loader that knows only those.

A program header of a kind that loaders skip (PT_NOTE) is given up for a segment at the end, which holds the new table."""

import struct
import sys

LOAD, DYNAMIC, NOTE, PROPERTY = 1, 2, 4, 0x6474E553
RELA, RELASZ, DEBUG, RELRSZ, RELR, RELRENT, RELACOUNT = 7, 8, 21, 0x23, 0x24, 0x25, 0x6FFFFFF9


def places(words):
    """The addresses that a packed table names."""
    found, where = [], 0
    for word in words:
        if word & 1 == 0:
            found.append(word)
            where = word + 8
            continue
        found += [where + 8 * bit for bit in range(63) if word >> (bit + 1) & 1]
        where += 63 * 8
    return found


def unpack(path):
    with open(path, "rb") as file:
        data = bytearray(file.read())
    table, count = struct.unpack_from("<Q", data, 32)[0], struct.unpack_from("<H", data, 56)[0]
    headers = [list(struct.unpack_from("<IIQQQQQQ", data, table + 56 * i)) for i in range(count)]

    def offset(address):
        return next(h[2] + address - h[3] for h in headers if h[0] == LOAD and h[3] <= address < h[3] + h[5])

    dynamic = next(h for h in headers if h[0] == DYNAMIC)
    entries = [struct.unpack_from("<qQ", data, dynamic[2] + 16 * i) for i in range(dynamic[5] // 16)]
    tags = dict(entries)
    if RELR not in tags:
        return
    packed = struct.unpack_from(f"<{tags[RELRSZ] // 8}Q", data, offset(tags[RELR]))
    found = places(packed)
    rows = b"".join(struct.pack("<QQq", p, 8, struct.unpack_from("<q", data, offset(p))[0]) for p in found)  # RELATIVE
    old = offset(tags[RELA])
    rows += data[old : old + tags[RELASZ]]

    address = (max(h[3] + h[6] for h in headers if h[0] == LOAD) + 4095) & ~4095
    data += bytes(-len(data) % 4096)
    segment = [LOAD, 4, len(data), address, address, len(rows), len(rows), 4096]
    data += rows
    headers.remove(next(h for h in headers if h[0] in (NOTE, PROPERTY)))
    headers.insert(max(i for i, h in enumerate(headers) if h[0] == LOAD) + 1, segment)
    for i, header in enumerate(headers):
        struct.pack_into("<IIQQQQQQ", data, table + 56 * i, *header)
    new = {RELA: lambda v: address, RELASZ: lambda v: len(rows), RELACOUNT: lambda v: v + len(found)}
    for i, (tag, value) in enumerate(entries):
        if tag in (RELR, RELRSZ, RELRENT):
            tag, value = DEBUG, 0
        elif tag in new:
            value = new[tag](value)
        struct.pack_into("<qQ", data, dynamic[2] + 16 * i, tag, value)
    with open(path, "wb") as file:
        file.write(data)


for name in sys.argv[1:]:
    unpack(name)
