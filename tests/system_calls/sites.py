# SPDX-License-Identifier: Apache-2.0
"""Every system call instruction of a file: where it is, which number it makes, and who gets there.

The bytes 0f 05 (syscall), 0f 34 (sysenter) and cd 80 (int 0x80) are candidates: each instruction holds them, so none is
missed. A candidate is an instruction where the linear disassembly of its function, from the function's first byte, meets
it; else it is part of something else (a constant, a displacement) and reached by address alone.
"""

import collections
import re

import capstone
from capstone import x86


PATTERN = re.compile(b"\x0f\x05|\x0f\x34|\xcd\x80")

decoder = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
detailed = capstone.Cs(capstone.CS_ARCH_X86, capstone.CS_MODE_64)
detailed.detail = True

# numbers: the set of constants; None in it: not a constant. function: (begin, end). callers: exported names from which it
# is reached without passing a patched entry; None: not looked for.
Site = collections.namedtuple("Site", "address instruction numbers function names")


WIDEST = {
    getattr(x86, f"X86_REG_{narrow}"): wide.lower()
    for wide, all_of_it in {
        **{f"R{x}X": f"R{x}X E{x}X {x}X {x}L {x}H" for x in "ABCD"},
        **{f"R{x}": f"R{x} E{x} {x} {x}L" for x in ("SI", "DI", "BP", "SP")},
        **{f"R{n}": f"R{n} R{n}D R{n}W R{n}B" for n in range(8, 16)},
    }.items()
    for narrow in all_of_it.split()
}
LOST_IN_CALLS = {"rax", "rcx", "rdx", "rsi", "rdi", "r8", "r9", "r10", "r11"}
ENDS = (x86.X86_INS_JMP, x86.X86_INS_RET, x86.X86_INS_UD2, x86.X86_INS_HLT)


class Function:
    """One function's instructions and the ways between them."""

    def __init__(self, file, begin, end):
        self.file = file
        self.code = list(detailed.disasm(file.bytes(begin, end), begin))
        self.index = {each.address: i for i, each in enumerate(self.code)}
        self.jumps = collections.defaultdict(list)
        for i, each in enumerate(self.code):
            if each.id != x86.X86_INS_CALL and x86.X86_GRP_JUMP in each.groups:
                operand = each.operands[0]
                if operand.type == x86.X86_OP_IMM and operand.imm in self.index:
                    self.jumps[self.index[operand.imm]].append(i)

    def before(self, i):
        """The instructions that may run just before the i-th."""
        found = list(self.jumps[i])
        if i and self.code[i - 1].id not in ENDS and not self.never_returns(self.code[i - 1]):
            found.append(i - 1)
        return found

    def never_returns(self, each):
        if each.id != x86.X86_INS_CALL or each.operands[0].type != x86.X86_OP_IMM:
            return False
        target = each.operands[0].imm
        known = self.file.__dict__.setdefault("never_return", {})
        if target not in known:
            function = self.file.function_at(target)
            known[target] = bool(function) and function[0] == target and self._has_no_end(*function)
        return known[target]

    def _has_no_end(self, begin, end):
        """No return, and no jump out of it: abort, __stack_chk_fail."""
        last = None
        for _, _, mnemonic, operands in decoder.disasm_lite(self.file.bytes(begin, end), begin):
            last = mnemonic
            if mnemonic.endswith("ret"):
                return False
            if mnemonic == "jmp" and not (operands.startswith("0x") and begin <= int(operands, 16) < end):
                return False
        return last is not None

    def numbers(self, i):
        """What eax can hold at the i-th instruction: constants, and None for anything else."""
        found, seen, todo = set(), set(), []

        def step_back(at, register):
            ways = self.before(at)
            todo.extend((k, register) for k in ways)
            # Where nothing leads to is padding, the function's beginning, or the target of a jump by table.
            if not ways and self.code[at].id != x86.X86_INS_NOP:
                found.add(None)

        step_back(i, "rax")
        while todo:
            at, register = todo.pop()
            if (at, register) in seen:
                continue
            seen.add((at, register))
            value = self.written(self.code[at], register)
            if value is None:
                step_back(at, register)
            elif isinstance(value, list):
                for other in value:
                    step_back(at, other)
            else:
                found.add(value if value >= 0 else None)
        return found

    @staticmethod
    def written(each, register):
        """None: left alone. A number: a constant; -1: something else. A list: copied from one of these registers."""
        if each.id == x86.X86_INS_CALL:
            return -1 if register in LOST_IN_CALLS else None
        if each.id == x86.X86_INS_SYSCALL:
            return -1 if register in ("rax", "rcx", "r11") else None
        if register not in {WIDEST.get(r) for r in each.regs_access()[1]}:
            return None
        operands = each.operands
        if each.id in (x86.X86_INS_MOV, x86.X86_INS_MOVABS) and operands[1].type == x86.X86_OP_IMM:
            return operands[1].imm & 0xFFFFFFFF
        if each.id == x86.X86_INS_XOR and operands[0].reg == operands[1].reg:
            return 0
        if each.id == x86.X86_INS_MOV and operands[1].type == x86.X86_OP_REG:
            return [WIDEST[operands[1].reg]]
        if each.mnemonic.startswith("cmov") and operands[1].type == x86.X86_OP_REG:
            return [WIDEST[operands[0].reg], WIDEST[operands[1].reg]]
        return -1


def find(file):
    """([Site], how many candidates are no instructions)."""
    found, others, functions = [], 0, {}
    for begin, end, offset, flags in file.loads:
        if not flags & 1:
            continue
        for match in PATTERN.finditer(file.data, offset, offset + end - begin):
            address = begin + match.start() - offset
            function = file.function_at(address) or file.gap_at(address)
            if function is None:  # far behind a function's end: no code that anything calls
                others += 1
                continue
            if function not in functions:
                functions[function] = boundaries(file, *function)
            if address not in functions[function]:
                others += 1
                continue
            body = functions[function]
            if not isinstance(body, Function):
                body = functions[function] = BodyWithBoundaries(file, *function)
            i = body.index[address]
            found.append(
                Site(address, body.code[i].mnemonic, frozenset(body.numbers(i)), function, names_of(file, function))
            )
    return found, others


def boundaries(file, begin, end):
    return {address for address, _, _, _ in decoder.disasm_lite(file.bytes(begin, end), begin)}


class BodyWithBoundaries(Function):
    def __contains__(self, address):
        return address in self.index


def names_of(file, function):
    return tuple(sorted(file.names.get(function[0], ())))


class Calls:
    """Who calls, jumps to or takes the address of which function, in one file."""

    def __init__(self, file):
        self.file = file
        self.callers = collections.defaultdict(set)
        self.taken = set()
        begins = {begin for begin, _ in file.functions}
        for begin, end in file.functions:
            for address, size, mnemonic, operands in decoder.disasm_lite(file.bytes(begin, end), begin):
                if mnemonic == "call" or mnemonic[0] == "j":
                    if operands.startswith("0x"):
                        target = file.function_at(int(operands, 16))
                        if target and target[0] != begin:
                            self.callers[target[0]].add(begin)
                elif mnemonic == "lea" and "rip" in operands:
                    offset = re.search(r"rip ([+-]) (0x[0-9a-f]+|\d+)", operands)
                    sign, value = offset.groups() if offset else ("+", "0")
                    target = address + size + (int(value, 0) if sign == "+" else -int(value, 0))
                    if target in begins and target != begin:
                        self.callers[target].add(begin)
        self.taken = self._taken(begins)

    def _taken(self, begins):
        """Functions whose address stands in data."""
        import struct

        found = set()
        for name in (".rela.dyn", ".rela.plt"):
            if name not in self.file.sections:
                continue
            _, _, _, _, at, size, _, _, _, _ = self.file.sections[name]
            for i in range(size // 24):
                _, info, addend = struct.unpack_from("<QQq", self.file.data, at + 24 * i)
                if info & 0xFFFFFFFF in (8, 37) and addend in begins:  # RELATIVE, IRELATIVE
                    found.add(addend)
        return found

    def roots(self, function, stop):
        """(exported names, whether through an address in data) from which `function` is reached without entering one of
        `stop` (function begins)."""
        exported, in_data, seen, todo = set(), False, set(), [function[0]]
        while todo:
            here = todo.pop()
            if here in seen or here in stop:
                continue
            seen.add(here)
            exported |= self.file.exports.get(here, set())
            in_data |= here in self.taken
            todo += self.callers[here]
        return exported, in_data
