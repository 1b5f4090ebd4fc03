# SPDX-License-Identifier: Apache-2.0
"""What the check needs of an ELF file: executable code, where each function begins and ends, and what it exports.

Functions come from the unwind tables (.eh_frame: every compiled function has an entry, stripped or not) and from the
symbol tables. Only little-endian 64-bit files.
"""

import bisect
import pathlib
import struct


def cstring(data, at):
    return data[at : data.index(b"\0", at)].decode("latin-1")


class Elf:
    """One file. `functions`: [(begin, end, names)], sorted; `exports`: address -> names; addresses are the file's own."""

    def __init__(self, path, data=None):
        self.data = data or pathlib.Path(path).read_bytes()
        self.path = path
        if self.data[:6] != b"\x7fELF\x02\x01":
            raise ValueError(f"{path} is no 64-bit ELF file")
        head = struct.unpack_from("<HHIQQQIHHHHHH", self.data, 16)
        self.machine, program_at, section_at = head[1], head[4], head[5]
        self.loads = []
        for i in range(head[9]):
            kind, flags, offset, address, _, size, memory, _ = struct.unpack_from(
                "<IIQQQQQQ", self.data, program_at + 56 * i
            )
            if kind == 1:
                self.loads.append((address, address + size, offset, flags))
        names = [struct.unpack_from("<IIQQQQIIQQ", self.data, section_at + 64 * i) for i in range(head[11])]
        self.sections = {}
        for section in names:
            self.sections[cstring(self.data, names[head[12]][4] + section[0])] = section
        self.exports = self._symbols(".dynsym", ".dynstr")
        named = dict(self._sized(".dynsym", ".dynstr"))
        named.update(self._sized(".symtab", ".strtab"))
        self.names = {}
        for table in ((".symtab", ".strtab"), (".dynsym", ".dynstr")):
            for address, found in self._symbols(*table).items():
                self.names.setdefault(address, set()).update(found)
        for begin, end in self._unwind_entries():
            named[begin] = max(end, named.get(begin, 0))
        self.functions = sorted((begin, end) for begin, end in named.items() if end > begin and self.executable(begin))
        self._begins = [begin for begin, _ in self.functions]

    def executable(self, address):
        return any(begin <= address < end and flags & 1 for begin, end, _, flags in self.loads)

    def offset(self, address):
        for begin, end, offset, _ in self.loads:
            if begin <= address < end:
                return offset + address - begin
        raise ValueError(hex(address))

    def bytes(self, begin, end):
        at = self.offset(begin)
        return self.data[at : at + end - begin]

    def function_at(self, address):
        """The innermost (begin, end) that holds the address, or None."""
        i = bisect.bisect_right(self._begins, address) - 1
        for k in range(i, max(i - 8, -1), -1):
            begin, end = self.functions[k]
            if begin <= address < end:
                return begin, end
        return None

    def gap_at(self, address):
        """Code behind the last byte that a function's entry covers (assembly that ends its entry early): as part of that
        function, up to the next one. (begin, end) or None."""
        i = bisect.bisect_right(self._begins, address)
        if i == 0:
            return None
        begin = self._begins[i - 1]
        end = self._begins[i] if i < len(self._begins) else address + 64
        return (begin, end) if end - begin < 65536 else None

    def _table(self, symbols, strings):
        if symbols not in self.sections or strings not in self.sections:
            return
        _, _, _, _, at, size, _, _, _, _ = self.sections[symbols]
        text = self.sections[strings][4]
        for i in range(size // 24):
            name, info, _, index, value, length = struct.unpack_from("<IBBHQQ", self.data, at + 24 * i)
            if info & 15 in (2, 10) and index and value:  # FUNC, GNU_IFUNC
                yield value, length, cstring(self.data, text + name)

    def _symbols(self, symbols, strings):
        found = {}
        for value, _, name in self._table(symbols, strings):
            found.setdefault(value, set()).add(name)
        return found

    def _sized(self, symbols, strings):
        return ((value, value + length) for value, length, _ in self._table(symbols, strings) if length)

    def _unwind_entries(self):
        """[(begin, end)] of .eh_frame, by way of the search table where there is one."""
        if ".eh_frame" not in self.sections:
            return
        _, _, _, base, at, size, _, _, _, _ = self.sections[".eh_frame"]
        encodings = {}
        end = at + size
        here = at
        while here + 4 <= end:
            (length,) = struct.unpack_from("<I", self.data, here)
            if length == 0:
                break
            body = here + 4
            (back,) = struct.unpack_from("<I", self.data, body)
            if back == 0:
                encodings[here] = self._encoding(body + 4)
            else:
                encoding, in_signal = encodings.get(body - back, (0x1B, False))
                place = base + body + 4 - at
                if encoding & 0x0F in (0x0B, 0x03):
                    value, span = struct.unpack_from("<iI", self.data, body + 4)
                elif encoding & 0x0F in (0x0C, 0x04, 0x00):
                    value, span = struct.unpack_from("<qQ", self.data, body + 4)
                else:
                    raise ValueError(f"{self.path}: pointer encoding {encoding:#x}")
                begin = (value + (place if encoding & 0x70 == 0x10 else 0)) & (2**64 - 1)
                yield begin + in_signal, begin + span  # a signal frame's entry begins one byte early
            here = body + length

    def _encoding(self, at):
        """(pointer encoding, whether of a signal frame), as a CIE's augmentation says."""
        augmentation = cstring(self.data, at + 1)
        at += 1 + len(augmentation) + 1
        signal = "S" in augmentation
        if not augmentation.startswith("z"):
            return 0x00, signal
        for _ in range(4):  # code and data alignment, return register, length of the augmentation
            while self.data[at] & 0x80:
                at += 1
            at += 1
        for letter in augmentation[1:]:
            if letter == "R":
                return self.data[at], signal
            if letter == "L":
                at += 1
            elif letter == "P":
                at += 1 + {0: 8, 2: 2, 3: 4, 4: 8}[self.data[at] & 7]
        return 0x00, signal
