// SPDX-License-Identifier: Apache-2.0
#include <cstddef>

#include "interpose/stubs.hpp"

using ap::interpose::Originals;

namespace ap::interpose {
[[gnu::visibility("hidden")]] Originals originals;
}

static_assert(offsetof(Originals, vfork) == 0 && offsetof(Originals, clone) == 8 && offsetof(Originals, dlopen) == 16 &&
              offsetof(Originals, dlmopen) == 24 && offsetof(Originals, syscall) == 32);

// Each saves the eight argument registers and the return address, calls its question with what belongs in front,
// restores them and jumps to the original with the caller's frame and return address in place. Stack: 80 bytes,
// aligned. x8 (the address of a large result) and the vector registers are not arguments of these functions.
__asm__(R"(
    .text
    .macro ap_save
    hint #34                        // bti c
    stp x29, x30, [sp, #-80]!
    .cfi_adjust_cfa_offset 80
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    mov x29, sp
    stp x0, x1, [sp, #16]
    stp x2, x3, [sp, #32]
    stp x4, x5, [sp, #48]
    stp x6, x7, [sp, #64]
    .endm
    .macro ap_restore
    ldp x0, x1, [sp, #16]
    ldp x2, x3, [sp, #32]
    ldp x4, x5, [sp, #48]
    ldp x6, x7, [sp, #64]
    ldp x29, x30, [sp], #80
    .cfi_restore x29
    .cfi_restore x30
    .cfi_adjust_cfa_offset -80
    .endm
    .macro ap_go_on offset
    adrp x16, ap_originals
    add x16, x16, :lo12:ap_originals
    ldr x16, [x16, #\offset]
    br x16
    .endm
    .macro ap_function name
    .globl \name
    .hidden \name
    .type \name, @function
    .p2align 4
\name:
    .cfi_startproc
    .endm
    .macro ap_end name
    .cfi_endproc
    .size \name, .-\name
    .endm

    ap_function ap_hook_vfork
    ap_save
    bl ap_ask_vfork
    mov w17, w0
    ap_restore
    cbnz w17, 1f
    ap_go_on 0
1:  mov x0, #-1
    ret
    ap_end ap_hook_vfork

    ap_function ap_hook_clone
    ap_save
    mov x0, x2
    bl ap_ask_clone
    mov w17, w0
    ap_restore
    cbnz w17, 1f
    ap_go_on 8
1:  mov x0, #-1
    ret
    ap_end ap_hook_clone

    ap_function ap_hook_dlopen
    ap_save
    mov x1, xzr
    bl ap_ask_load
    str x0, [sp, #16]
    ap_restore
    ap_go_on 16
    ap_end ap_hook_dlopen

    ap_function ap_hook_dlmopen
    ap_save
    mov x2, x0
    mov x0, x1
    mov x1, x2
    bl ap_ask_load
    str x0, [sp, #24]
    ap_restore
    ap_go_on 24
    ap_end ap_hook_dlmopen

    // Seven words: the number and six arguments, all in registers. The eighth place takes the result.
    ap_function ap_hook_syscall
    ap_save
    add x0, sp, #16
    add x1, sp, #72
    bl ap_dispatch_syscall
    cbz w0, 1f
    ldr x0, [sp, #72]
    ldp x29, x30, [sp], #80
    .cfi_remember_state
    .cfi_restore x29
    .cfi_restore x30
    .cfi_adjust_cfa_offset -80
    ret
    .cfi_restore_state
1:  ap_restore
    ap_go_on 32
    ap_end ap_hook_syscall

    ap_function ap_call_on_stack
    hint #34
    stp x29, x30, [sp, #-16]!
    .cfi_adjust_cfa_offset 16
    .cfi_rel_offset x29, 0
    .cfi_rel_offset x30, 8
    mov x29, sp
    .cfi_def_cfa_register x29
    mov x9, x0
    mov x0, x1
    mov sp, x2
    blr x9
    mov sp, x29
    .cfi_def_cfa_register sp
    ldp x29, x30, [sp], #16
    .cfi_restore x29
    .cfi_restore x30
    .cfi_adjust_cfa_offset -16
    ret
    ap_end ap_call_on_stack
)");
