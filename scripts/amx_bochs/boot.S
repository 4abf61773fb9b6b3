// The first sector of a disk: reads the rest of the program behind itself, switches to 64 bits with
// 1 GiB mapped as it is, allows SSE, AVX-512 and AMX, and calls Main. The BIOS enters with the
// number of the disk in %dl.
#define PAGE_TABLES 0x1000
#define ENTRY_FLAGS 0x3         // present, writable
#define LARGE_PAGE 0x83         // the same, of 2 MiB
#define STACK 0x90000
#define EFER 0xC0000080
#define EFER_LONG_MODE 0x100
#define CR4_BITS 0x40620        // PAE, OSFXSR, OSXMMEXCPT, OSXSAVE
#define CR0_BITS 0x80000003     // paging, monitoring of coprocessors, protected mode
#define CR0_EMULATION 0x4
#define SAVED_STATES 0x600E7    // x87, SSE, AVX, AVX-512, the tiles' configuration and their data

        .section .boot, "ax"
        .code16
        .globl Start
Start:  xorw %ax, %ax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movw $Start, %sp
        movw $read, %si
        movb $0x42, %ah
        int $0x13
        cli                     // for good: there is no table of interrupts
        inb $0x92, %al          // the address line 20
        orb $2, %al
        outb %al, $0x92
        // One table of each level; the last one has 512 large pages.
        movw $PAGE_TABLES, %di
        xorl %eax, %eax
        movw $0xC00, %cx
        rep stosl
        movl $(PAGE_TABLES + 0x1000 + ENTRY_FLAGS), PAGE_TABLES
        movl $(PAGE_TABLES + 0x2000 + ENTRY_FLAGS), PAGE_TABLES + 0x1000
        movw $(PAGE_TABLES + 0x2000), %di
        movl $LARGE_PAGE, %eax
        movw $512, %cx
1:      movl %eax, (%di)
        addl $0x200000, %eax
        addw $8, %di
        loop 1b
        movl $PAGE_TABLES, %eax
        movl %eax, %cr3
        movl %cr4, %eax
        orl $CR4_BITS, %eax
        movl %eax, %cr4
        movl $EFER, %ecx
        rdmsr
        orl $EFER_LONG_MODE, %eax
        wrmsr
        lgdt descriptors
        movl %cr0, %eax
        andl $~CR0_EMULATION, %eax
        orl $CR0_BITS, %eax
        movl %eax, %cr0
        ljmp $8, $long_mode

        .code64
long_mode:
        movl $16, %eax
        movw %ax, %ds
        movw %ax, %es
        movw %ax, %ss
        movl $STACK, %esp
        xorl %ecx, %ecx
        xorl %edx, %edx
        movl $SAVED_STATES, %eax
        xsetbv
        call Main
1:      hlt
        jmp 1b

        .balign 8
table:  .quad 0
        .quad 0x00209A0000000000 // code of 64 bits
        .quad 0x0000920000000000 // data
descriptors:
        .word . - table - 1
        .long table
read:   .byte 16, 0             // sectors of the disk from number 1 on
        .word Sectors
        .word Program, 0
        .quad 1
        .org 510
        .word 0xAA55

        .section .note.GNU-stack, "", @progbits
