// SPDX-License-Identifier: Apache-2.0
#include "interpose/stubs.hpp"

#include <cstddef>

using ap::interpose::Originals;

namespace ap::interpose {
[[gnu::visibility("hidden")]] Originals originals;
}

static_assert(offsetof(Originals, vfork) == 0 && offsetof(Originals, dlopen) == 16 &&
              offsetof(Originals, syscall) == 32);

// Saves the six argument registers, calls `question` with what `load` puts in place, restores them. Stack: 56 bytes,
// aligned.
__asm__(R"(
    .text
    .macro ap_save
    endbr64
    sub $56, %rsp
    .cfi_adjust_cfa_offset 56
    mov %rdi, (%rsp)
    mov %rsi, 8(%rsp)
    mov %rdx, 16(%rsp)
    mov %rcx, 24(%rsp)
    mov %r8, 32(%rsp)
    mov %r9, 40(%rsp)
    .endm
    .macro ap_restore
    mov (%rsp), %rdi
    mov 8(%rsp), %rsi
    mov 16(%rsp), %rdx
    mov 24(%rsp), %rcx
    mov 32(%rsp), %r8
    mov 40(%rsp), %r9
    add $56, %rsp
    .cfi_adjust_cfa_offset -56
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
    call ap_ask_vfork
    mov %eax, %r11d
    ap_restore
    test %r11d, %r11d
    jnz 1f
    jmp *ap_originals+0(%rip)
1:  mov $-1, %rax
    ret
    ap_end ap_hook_vfork

    ap_function ap_hook_clone
    ap_save
    mov %rdx, %rdi
    call ap_ask_clone
    mov %eax, %r11d
    ap_restore
    test %r11d, %r11d
    jnz 1f
    jmp *ap_originals+8(%rip)
1:  mov $-1, %rax
    ret
    ap_end ap_hook_clone

    ap_function ap_hook_dlopen
    ap_save
    xor %esi, %esi
    call ap_ask_load
    mov %rax, (%rsp)
    ap_restore
    jmp *ap_originals+16(%rip)
    ap_end ap_hook_dlopen

    ap_function ap_hook_dlmopen
    ap_save
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rax, %rsi
    call ap_ask_load
    mov %rax, 8(%rsp)
    ap_restore
    jmp *ap_originals+24(%rip)
    ap_end ap_hook_dlmopen

    # Seven words: the number and six arguments, the last from the stack (garbage when the call has fewer, as in libc's own).
    ap_function ap_hook_syscall
    endbr64
    mov 8(%rsp), %rax
    sub $72, %rsp
    .cfi_adjust_cfa_offset 72
    mov %rdi, (%rsp)
    mov %rsi, 8(%rsp)
    mov %rdx, 16(%rsp)
    mov %rcx, 24(%rsp)
    mov %r8, 32(%rsp)
    mov %r9, 40(%rsp)
    mov %rax, 48(%rsp)
    mov %rsp, %rdi
    lea 56(%rsp), %rsi
    call ap_dispatch_syscall
    test %eax, %eax
    jz 1f
    mov 56(%rsp), %rax
    add $72, %rsp
    .cfi_adjust_cfa_offset -72
    ret
    .cfi_adjust_cfa_offset 72
1:  mov (%rsp), %rdi
    mov 8(%rsp), %rsi
    mov 16(%rsp), %rdx
    mov 24(%rsp), %rcx
    mov 32(%rsp), %r8
    mov 40(%rsp), %r9
    add $72, %rsp
    .cfi_adjust_cfa_offset -72
    jmp *ap_originals+32(%rip)
    ap_end ap_hook_syscall

    ap_function ap_call_on_stack
    endbr64
    push %rbp
    .cfi_adjust_cfa_offset 8
    .cfi_rel_offset %rbp, 0
    mov %rsp, %rbp
    .cfi_def_cfa_register %rbp
    mov %rdi, %rax
    mov %rsi, %rdi
    mov %rdx, %rsp
    call *%rax
    mov %rbp, %rsp
    .cfi_def_cfa_register %rsp
    pop %rbp
    .cfi_adjust_cfa_offset -8
    .cfi_restore %rbp
    ret
    ap_end ap_call_on_stack
)");
