#!/usr/bin/env python3
# SPDX-License-Identifier: Apache-2.0
"""Put files into the program as they are: embed.py OUT.c FILE... makes, for each FILE like areas.tsv, the symbols
embedded_areas (its first byte) and embedded_areas_end (the byte after its last); a dash becomes _. Written by the assembler, so that a
megabyte costs nothing to compile."""
import os
import sys

out, files = sys.argv[1], sys.argv[2:]
with open(out, 'w', encoding='utf-8') as file:
    file.write('/* Made by tools/embed.py. */\n')
    for path in files:
        name = 'embedded_' + os.path.splitext(os.path.basename(path))[0].replace('-', '_')
        lines = ['.section .rodata', f'.global {name}', f'.global {name}_end', f'{name}:',
                 f'.incbin \\"{os.path.abspath(path)}\\"', f'{name}_end:', '.byte 0', '.text']
        file.write('__asm__("' + '\\n"\n        "'.join(lines) + '\\n");\n')
